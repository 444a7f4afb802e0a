"""Choose a generator: bundled, used before, browsed for, or dropped here."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QToolButton,
    QWidget,
)

from napari_gan_enhance.viewer.model_choice import (
    CHECKPOINT_SUFFIX,
    ModelChoice,
    bundled_names,
    describe,
)
from napari_gan_enhance.widgets._fields import text_label


class ModelField(QWidget):
    """A list of models, and the card of the chosen one, to be put below it.

    Parameters
    ----------
    default : str
        Name of the bundled model that stands in for a checkpoint that is gone.
    parent : QWidget, optional
    """

    chosen = Signal()
    """Another model is chosen now, or another file under the same path."""

    def __init__(self, default: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._default = default
        self.setAcceptDrops(True)
        self.names = QComboBox(self)
        self.names.setToolTip(
            "The generator. Drop a checkpoint (.safetensors) here to add it."
        )
        self.names.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.names.setMinimumContentsLength(10)
        self.browse = QToolButton(self)
        self.browse.setText("Browse…")
        self.browse.setToolTip("Choose a checkpoint (.safetensors) from a folder.")
        self.card = text_label("What the chosen model was trained on, and for what.")
        self.card.setParent(self)
        self._choice: ModelChoice | None = None
        self._stamp: tuple[int, int] | None = None
        self._lay_out()
        self.set_models(bundled_names(), ())
        self.names.currentIndexChanged.connect(self._on_index)
        self.browse.clicked.connect(self._on_browse)

    @property
    def choice(self) -> ModelChoice | None:
        """The chosen model, with its card or what is wrong with it."""
        return self._choice

    @property
    def recent(self) -> tuple[str, ...]:
        """Paths of the checkpoints in the list, newest first."""
        values = (self.names.itemData(i) for i in range(self.names.count()))
        bundled = set(bundled_names())
        return tuple(value for value in values if value not in bundled)

    def values(self) -> tuple[str, ...]:
        """Return name or path of every model in the list, the chosen one first."""
        every = (self.names.itemData(i) for i in range(self.names.count()))
        return tuple(dict.fromkeys(filter(None, (self.names.currentData(), *every))))

    def set_models(self, bundled: tuple[str, ...], recent: tuple[str, ...]) -> None:
        """Fill the list; recent checkpoints that are gone are left out."""
        self.names.blockSignals(True)
        self.names.clear()
        for name in bundled:
            self.names.addItem(name, name)
        for path in recent:
            if Path(path).is_file():
                self.names.addItem(Path(path).stem, path)
        self.names.blockSignals(False)
        self._on_index()

    def choose(self, name_or_path: str) -> None:
        """Choose a model, adding a checkpoint that is not in the list.

        The default where a remembered checkpoint is gone.
        """
        index = self.names.findData(name_or_path)
        if index < 0 and Path(name_or_path).is_file():
            index = len(bundled_names())
            self.names.insertItem(index, Path(name_or_path).stem, name_or_path)
        if index < 0:
            index = self.names.findData(self._default)
        self.names.setCurrentIndex(max(index, 0))
        self._on_index()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take checkpoints only."""
        if event is not None and dropped(event, CHECKPOINT_SUFFIX):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Choose the dropped checkpoint."""
        if event is not None and (paths := dropped(event, CHECKPOINT_SUFFIX)):
            event.acceptProposedAction()
            self.choose(str(paths[0]))

    def _on_browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Choose a checkpoint", "", f"Checkpoints (*{CHECKPOINT_SUFFIX})"
        )
        if path:
            self.choose(path)

    def _on_index(self, index: int = 0) -> None:
        value = self.names.currentData()
        stamp = _stamp(value or "")
        if self._choice is None or (self._choice.value, self._stamp) != (value, stamp):
            self._stamp = stamp
            self._choice = describe(value) if value else None
            self.card.setText(self._choice.text if self._choice else "")
            self.chosen.emit()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.names, 1)
        row.addWidget(self.browse)


def _stamp(value: str) -> tuple[int, int] | None:
    """Return what differs where a checkpoint was replaced under its path."""
    try:
        found = Path(value).stat()
    except OSError:  # a bundled model, or gone
        return None
    return found.st_mtime_ns, found.st_size


def dropped(event: QDropEvent, *suffixes: str) -> list[Path]:
    """Return the dropped local files with one of the suffixes."""
    data = event.mimeData()
    urls = data.urls() if data is not None and data.hasUrls() else []
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return [path for path in paths if path.name.lower().endswith(suffixes)]
