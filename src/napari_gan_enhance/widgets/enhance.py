"""The Enhance dock: collect settings, start a job, show the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.io.boundary import check_readable
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.diagnostics import diagnostics
from napari_gan_enhance.viewer.model_choice import CHECKPOINT_SUFFIX
from napari_gan_enhance.viewer.reader_preference import (
    PLUGIN,
    is_preferred,
    set_preferred,
)
from napari_gan_enhance.widgets._controls import EnhanceControls
from napari_gan_enhance.widgets._model_field import dropped
from napari_gan_enhance.widgets._run_panel import RunPanel
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".stk", ".lsm")

GAP = 8
"""Screen pixels between the form and its scroll bar."""

HEIGHT = 560
"""Preferred height of the form in screen pixels; it scrolls where there is less."""


class EnhanceDock(QWidget):
    """Enhance a layer, with Richardson-Lucy beside it, without holding up the window.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path, optional
        Where the choices are kept; by default in the user's configuration folder.
    """

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path | None = None
    ) -> None:
        super().__init__()
        # napari hands plugins a proxy, whose layers are other proxies each time.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._settings = settings or settings_path()
        self.setAcceptDrops(True)
        self.controls = EnhanceControls(
            self._viewer, load_choices(self._settings), self
        )
        self.panel = RunPanel(self._viewer, self)
        self.defaults = QPushButton("Restore defaults", self)
        self.defaults.setToolTip("Set every control as it was after installation.")
        self.diagnostics = QPushButton("Copy diagnostics", self)
        self.diagnostics.setToolTip("Copy versions and settings for a fault report.")
        self.opens_tiff = QCheckBox("Open TIFF files with this plugin", self)
        self.opens_tiff.setToolTip(
            "TIFF files dropped on the viewer keep their pixel size, channels and "
            "metadata. Without it napari asks which reader to use."
        )
        self.opens_tiff.setChecked(is_preferred())
        self._waiting: list[Image] = []
        self._is_open = True
        self._lay_out()
        self._connect()
        self._on_changed()

    def start(self) -> None:
        """Enhance the chosen layer; does nothing while settings are not valid."""
        layer, micrograph = self.controls.layer.layer(), self.controls.micrograph()
        if self.controls.blocking or layer is None or micrograph is None:
            return
        choices = self.controls.choices()
        self.panel.start(layer, micrograph, choices)
        save_choices(self._settings, choices)

    def open_and_enhance(self, path: Path) -> None:
        """Open an image with the plugin's reader and enhance all its channels at once.

        Where the file does not say what Richardson-Lucy needs, that is left out.
        """
        if self.panel.runner.is_running:
            show_info(f"{path.name} waits: drop it again when the run has ended.")
            return
        check_readable(path)
        layers = self._viewer.open(str(path), plugin=PLUGIN)
        self._waiting = list(layers)  # one for each channel
        self._enhance_next(path.name)

    def event(self, event: QEvent | None) -> bool:
        """Stop everything when napari takes the widget out of its dock."""
        is_moved = event is not None and event.type() == QEvent.Type.ParentChange
        if is_moved and self.parent() is None and self._is_open:
            self._is_open = False
            self._waiting.clear()
            self.panel.close_down()
            self.controls.layer.disconnect_viewer()
            self.deleteLater()  # napari opens a new one the next time
        return bool(super().event(event))

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take images and checkpoints."""
        if event is not None and dropped(event, *TIFF_SUFFIXES, CHECKPOINT_SUFFIX):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Choose a dropped checkpoint; open and enhance a dropped image."""
        if event is None:
            return
        event.acceptProposedAction()
        for path in dropped(event, CHECKPOINT_SUFFIX):
            self.controls.model.choose(str(path))
        for path in dropped(event, *TIFF_SUFFIXES)[:1]:
            self._shown_to_user(self.open_and_enhance, path)

    def _enhance_next(self, name: str) -> None:
        self.controls.layer.choose(self._waiting.pop(0))
        if self.controls.is_only_optics_missing:
            self.controls.deconvolve.setChecked(False)
            show_info(
                f"{name} does not say what Richardson-Lucy needs: only enhancing."
            )
        self.start()

    def _on_busy(self, is_busy: bool) -> None:
        self.controls.setDisabled(is_busy)
        self.defaults.setDisabled(is_busy)
        if not is_busy and self._waiting:
            self._shown_to_user(self._enhance_next, self._waiting[0].name)

    def _on_given_up(self) -> None:
        self._waiting.clear()

    def _shown_to_user(self, action: Callable[..., None], *args: Any) -> None:
        try:
            action(*args)
        except GanEnhanceError as error:
            show_error(str(error))

    def _on_requested(self) -> None:
        self._shown_to_user(self.start)

    def _on_changed(self) -> None:
        reasons = [finding.reason for finding in self.controls.blocking]
        self.panel.set_can_start(not reasons, "\n".join(reasons))

    def _on_defaults(self) -> None:
        recent = self.controls.model.recent
        self.controls.show_choices(EnhanceChoices(recent_models=recent))

    def _on_diagnostics(self) -> None:
        controls = self.controls
        text = diagnostics(controls.choices(), controls.model.choice)
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)
            show_info("Diagnostics are in the clipboard.")

    def _connect(self) -> None:
        self.controls.changed.connect(self._on_changed)
        self.panel.requested.connect(self._on_requested)
        self.panel.added.connect(self.controls.layer.ignore)
        self.panel.busy.connect(self._on_busy)
        self.panel.runner.stopped.connect(self._on_given_up)
        self.panel.runner.failed.connect(self._on_given_up)
        self.opens_tiff.toggled.connect(set_preferred)
        self.defaults.clicked.connect(self._on_defaults)
        self.diagnostics.clicked.connect(self._on_diagnostics)

    def _lay_out(self) -> None:
        scroll = _Scroll(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.controls)
        tools = QHBoxLayout()
        tools.addWidget(self.defaults)
        tools.addWidget(self.diagnostics)
        column = QVBoxLayout(self)
        column.addWidget(scroll, 1)
        column.addWidget(self.controls.reason)
        column.addWidget(self.panel)
        column.addWidget(self.opens_tiff)
        column.addLayout(tools)


class _Scroll(QScrollArea):
    """A scroll area as wide as its form, that scrolls only up and down."""

    def sizeHint(self) -> QSize:
        bar, form = self.verticalScrollBar(), self.widget()
        width = form.minimumSizeHint().width() if form is not None else 0
        margin = bar.sizeHint().width() + GAP if bar is not None else 0
        return QSize(width + margin, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 0)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Become wider when the form does; Qt's own scroll areas do not."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))
