"""The Align dock: bring one layer into place on another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QFileDialog

from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.registration.estimate import (
    Agreement,
    Alignment,
    AlignSettings,
)
from napari_gan_enhance.registration.transform import (
    Transform,
    load_transform,
    save_transform,
)
from napari_gan_enhance.viewer.alignment import (
    AffineHistory,
    LastFound,
    Overlay,
    agreement_text,
    estimate_layers,
    measure_layers,
    show_depth,
    show_misalignment,
)
from napari_gan_enhance.viewer.placement import (
    facing_views,
    length_unit,
    place_of,
    turned,
    whole_views,
)
from napari_gan_enhance.widgets._align_form import AlignForm
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._save_dialog import ask_save
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_gan_enhance.progress import Job

FILES = "Transform (*.json)"


class AlignDock(Dock):
    """Align a moving layer to a fixed one, by itself or by hand.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self._overlay: Overlay | None = None
        self._last = LastFound()
        self._request: dict[Image, bytes] = {}
        self.history = AffineHistory()
        self.runner = JobRunner(self)
        self.form = AlignForm(self._viewer, self)
        self._connect()
        self._show_state()

    def layers(self) -> tuple[Image, Image]:
        """Return the moving and the fixed layer.

        Raises
        ------
        InputError
            If not two different layers are chosen.
        """
        moving, fixed = self.form.moving.layer(), self.form.fixed.layer()
        if moving is None or fixed is None or moving is fixed:
            raise InputError(
                "Moving and fixed are the same layer, or there are not two - two image "
                "layers are needed - open another image or choose another layer."
            )
        return moving, fixed

    def estimate(self, start: str) -> None:
        """Begin to align: "anywhere" searches, "here" refines."""
        moving, fixed = self.layers()
        views = whole_views(self._viewer, (moving, fixed))
        kind = self.form.kind()
        settings = AlignSettings.model_validate({"transform": kind, "start": start})
        self._start(partial(estimate_layers, *views, settings), "Aligning")

    def measure(self) -> None:
        """Begin to measure how well the layers agree where they lie."""
        views = facing_views(self._viewer, self.layers())
        self._start(partial(measure_layers, *views), "Measuring")

    def save(self, path: Path) -> None:
        """Write the moving layer's transform."""
        transform = self._last.transform(self.layers()[0])
        save_transform(path, transform, overwrite=True)

    def load(self, path: Path) -> None:
        """Give the moving layer a saved transform."""
        moving, fixed = self.layers()
        transform = load_transform(path, length_unit(moving))
        self.history.place(moving, transform)
        self._last.remember(moving, transform)
        show_depth(self._viewer, moving, fixed, transform.z_um)
        self.form.say(f"Loaded {path.name}.")
        self._show_state()

    def _close_down(self) -> None:
        self.runner.abandon()
        self._on_overlay(False)
        self.form.close_down()

    def _start(self, make_job: Callable[[], Job[Agreement]], verb: str) -> None:
        self._request = {layer: place_of(layer) for layer in self.layers()}
        self.form.progress.begin()
        self.runner.start(make_job, title=f"{verb} {self.layers()[0].name!r}")
        self._show_state()

    def _on_returned(self, found: Agreement) -> None:
        request, self._request = self._request, {}
        if not all(
            layer in self._viewer.layers and place_of(layer) == place
            for layer, place in request.items()
        ):
            self.form.say("A layer was deleted or moved meanwhile: nothing was done.")
            return
        moving, fixed = request
        if isinstance(found, Alignment):
            self.history.move(moving, found.transform.matrix)
            self._last.remember(moving, found.transform)
            show_depth(self._viewer, moving, fixed, found.transform.z_um)
        else:
            show_misalignment(self._viewer, found.shifts, fixed)
        self.form.say(agreement_text(found, length_unit(fixed)))

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.form.say(str(error))
        show_error(str(error))

    def _on_stopped(self) -> None:
        self.form.say("Cancelled: nothing was moved.")

    def _on_moved(self, degrees: float, z: float, y: float, x: float) -> None:
        moving, _ = self.layers()
        self.history.move(moving, turned(moving, degrees, (z, y, x)))
        self._show_state()

    def _on_landmarks(self, moving: Image, transform: Transform) -> None:
        self.history.move(moving, transform.matrix)
        self._last.remember(moving, transform)
        left = f"landmarks meet to {transform.residual_um:.3g} {transform.unit} (RMS)"
        self.form.say(f"{moving.name!r} was moved: {left}.")
        self._show_state()

    def _on_undo(self) -> None:
        self.history.undo()
        self._last.undone()
        self.form.say("The layer lies where it was before.")
        self._show_state()

    def _on_overlay(self, is_on: bool) -> None:
        if self._overlay is not None:
            self._overlay.end()
            self._overlay = None
        try:
            if is_on:
                self._overlay = Overlay(self._viewer, *self.layers())
        finally:
            self.form.overlay.setChecked(self._overlay is not None)

    def _on_estimate(self, start: str) -> None:
        if self.runner.is_running:
            self.runner.stop()
        else:
            self.estimate(start)

    def _on_save(self) -> None:
        path = ask_save(self, "Save", "align.json", FILES)
        if path is not None:
            self.save(path)

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load", "", FILES)
        if path:
            self.load(Path(path))

    def _show_state(self) -> None:
        self.form.show_state(
            is_running=self.runner.is_running, can_undo=self.history.can_undo
        )

    def _connect(self) -> None:
        form, runner = self.form, self.runner
        form.requested.connect(told(self._on_estimate, form.say))
        form.hand.moved.connect(told(self._on_moved, form.say))
        form.landmarks.applied.connect(told(self._on_landmarks, form.say))
        form.landmarks.begun.connect(
            told(lambda: form.landmarks.start(*self.layers()), form.say)
        )
        form.undo.clicked.connect(told(self._on_undo, form.say))
        form.overlay.toggled.connect(told(self._on_overlay, form.say))
        for field in (form.moving, form.fixed):  # it shows the layers chosen before
            field.chosen.connect(lambda: form.overlay.setChecked(False))
        form.map.clicked.connect(told(self.measure, form.say))
        form.save.clicked.connect(told(self._on_save, form.say))
        form.load.clicked.connect(told(self._on_load, form.say))
        runner.reported.connect(form.progress.show_progress)
        runner.returned.connect(told(self._on_returned, form.say))
        runner.failed.connect(self._on_failed)
        runner.stopped.connect(self._on_stopped)
        runner.idle.connect(self._show_state)
