"""The PSF in the Deconvolve dock: seen before a run, never stale, made of beads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.widgets import _bead_section, _psf_box, _told
from napari_gan_enhance.widgets.deconvolve import DeconvolveDock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.progress import Progress

WAIT_MS = 20_000
"""Longer than any computation here takes on a busy machine."""

OPTICS = {"numerical_aperture": "0.8", "immersion_index": "1", "emission_nm.0": "520"}

PARAXIAL = 0.05
"""The width of a sampled and integrated PSF against that of the formula, relative."""


@pytest.fixture
def deconvolve_dock(viewer: Viewer, cells: Image) -> DeconvolveDock:
    dock = DeconvolveDock(viewer)
    viewer.window.add_dock_widget(dock, name="Deconvolve")
    return dock


def type_in(dock: DeconvolveDock, values: dict[str, str]) -> None:
    for name, text in values.items():
        dock.controls.optics.fields[name].setText(text)
        dock.controls.optics.fields[name].textEdited.emit(text)


def wait_for_preview(dock: DeconvolveDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dock.preview.is_waiting, timeout=WAIT_MS)


def test_preview_shows_the_width_of_the_psf(
    deconvolve_dock: DeconvolveDock, qtbot: QtBot
) -> None:
    box = deconvolve_dock.preview
    assert box.text.text() == _psf_box.NO_ANSWER
    type_in(deconvolve_dock, OPTICS)
    wait_for_preview(deconvolve_dock, qtbot)
    width = float(box.text.text().split()[2])
    # 0.51 wavelength / NA: Airy disk (Born and Wolf, 8.5); pixels of 0.1 µm widen it
    assert width == pytest.approx(np.hypot(0.51 * 0.52 / 0.8, 0.05), rel=PARAXIAL)
    assert "x 0.163  y 0.163 µm" in box.text.text()  # wavelength / (4 NA)
    assert box.pictures.isVisibleTo(box)
    assert box.preview.xz is None
    assert box.warning.text() == ""


def test_preview_of_a_stack_shows_both_planes_and_warns(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, qtbot: QtBot
) -> None:
    viewer.add_image(np.ones((9, 32, 32)), scale=(1, 0.1, 0.1), units="micrometer")
    type_in(deconvolve_dock, {**OPTICS, "voxel_size_um.z": "3"})
    wait_for_preview(deconvolve_dock, qtbot)
    box = deconvolve_dock.preview
    # wavelength / (2 (1 - cos alpha)) with cos alpha = 0.6
    assert "z 0.65 µm" in box.text.text()
    assert "at most 0.65 µm" in box.warning.text()
    z, _, x = box.preview.size_um
    assert box.preview.xz.shape == (round(z / 3), round(x / 0.1))


def test_picture_goes_at_once_when_the_settings_change(
    deconvolve_dock: DeconvolveDock, qtbot: QtBot
) -> None:
    box = deconvolve_dock.preview
    type_in(deconvolve_dock, OPTICS)
    wait_for_preview(deconvolve_dock, qtbot)
    deconvolve_dock.controls.iterations.set_value(7)  # not a matter of the PSF
    assert box.preview is not None
    type_in(deconvolve_dock, {"numerical_aperture": "0.5"})
    assert box.preview is None
    assert "Computing" in box.text.text()
    type_in(deconvolve_dock, {"numerical_aperture": ""})
    assert box.text.text() == _psf_box.NO_ANSWER


def test_answer_to_older_settings_is_dropped(
    deconvolve_dock: DeconvolveDock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on, asked = threading.Event(), threading.Event(), []
    real = _psf_box.preview_psf

    def held(question: Any) -> Iterator[Progress]:
        asked.append(question.choices.numerical_aperture)
        reached.set()
        go_on.wait(WAIT_MS / 1000)
        return (yield from real(question))

    monkeypatch.setattr(deconvolve_dock.preview.question, "_answer", held)
    type_in(deconvolve_dock, OPTICS)
    qtbot.waitUntil(reached.is_set, timeout=WAIT_MS)
    type_in(deconvolve_dock, {"numerical_aperture": "0.4"})
    type_in(deconvolve_dock, {"numerical_aperture": "0.5"})
    shown = []
    deconvolve_dock.preview.question.runner.returned.connect(
        lambda _: shown.append(deconvolve_dock.preview.preview)
    )
    go_on.set()
    wait_for_preview(deconvolve_dock, qtbot)
    assert asked == [0.8, 0.5]
    assert shown[0] is None
    assert shown[-1].question.choices.numerical_aperture == 0.5


def test_unusable_psf_is_explained_in_the_preview(
    deconvolve_dock: DeconvolveDock, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "psf.tif"
    path.write_text("no image")
    deconvolve_dock.controls.psf.path.setText(str(path))
    source = deconvolve_dock.controls.psf._source
    source.setCurrentIndex(source.findData("file"))
    wait_for_preview(deconvolve_dock, qtbot)
    assert "psf.tif" in deconvolve_dock.preview.warning.text()


def test_layer_serves_as_psf(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    y, x = np.mgrid[-8:9, -8:9]
    # FWHM of a Gaussian: 2 sqrt(2 ln 2) sigma = 2.355 x 2 pixels of 0.1 µm
    pixels = np.exp(-(y**2 + x**2) / (2 * 2**2))
    psf = viewer.add_image(pixels, name="psf", scale=(0.1, 0.1), units="micrometer")
    deconvolve_dock.controls.layer.choose(cells)
    deconvolve_dock.controls.psf.choose_layer(psf)
    wait_for_preview(deconvolve_dock, qtbot)
    assert "x 0.471  y 0.471 µm" in deconvolve_dock.preview.text.text()
    deconvolve_dock.controls.iterations.set_value(2)
    with qtbot.waitSignal(deconvolve_dock.panel.runner.idle, timeout=WAIT_MS):
        deconvolve_dock.panel.button.click()
    kept = viewer.layers[-1].metadata["napari_gan_enhance"]
    assert kept.provenance["settings"]["psf_path"] == "psf.ome.tif"


@pytest.fixture
def beads(viewer: Viewer) -> Image:
    """Nine Gaussian beads of 0.3 µm on a background, in pixels of 0.1 µm."""
    pixels = np.full((120, 120), 10.0)
    y, x = np.mgrid[:120, :120]
    for row in (20, 60, 100):
        for column in (20, 60, 100):
            squared = (y - row) ** 2 + (x - column) ** 2
            pixels += 1000 * np.exp(-squared / (2 * (3 / 2.355) ** 2))
    return viewer.add_image(
        pixels, name="beads", scale=(0.1, 0.1), translate=(5, 5), units="micrometer"
    )


def test_psf_is_made_of_marked_beads(
    deconvolve_dock: DeconvolveDock,
    viewer: Viewer,
    cells: Image,
    beads: Image,
    qtbot: QtBot,
) -> None:
    section = deconvolve_dock.beads
    deconvolve_dock.controls.layer.choose(cells)
    section.stack.choose(beads)
    section.mark.click()
    marks = viewer.layers["beads [beads]"]
    assert (viewer.layers.selection.active, marks.mode) == (marks, "add")
    for row in (20, 60, 100):
        for column in (20, 60, 100):
            marks.add([row + 1, column - 1])
    with qtbot.waitSignal(section.runner.idle, timeout=WAIT_MS):
        section.distill.click()
    assert "9 of 9 beads" in section.text.text()
    psf = viewer.layers["beads [PSF of 9 beads]"]
    assert psf.scale.tolist() == [0.1, 0.1]
    assert psf.data.sum() == pytest.approx(1, abs=1e-5)
    assert deconvolve_dock.controls.psf.source == "layer"
    assert deconvolve_dock.controls.psf.layer.layer() is psf
    assert section.save.isEnabled()
    wait_for_preview(deconvolve_dock, qtbot)
    width = float(deconvolve_dock.preview.text.text().split()[2])
    assert width == pytest.approx(0.3, rel=PARAXIAL)


def test_psf_of_beads_is_saved_with_its_voxel_size(
    deconvolve_dock: DeconvolveDock,
    beads: Image,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_gan_enhance.io.read import read_micrograph

    section, path = deconvolve_dock.beads, tmp_path / "psf.ome.tif"
    section.stack.choose(beads)
    section.mark.click()
    section.points.layer().add([60, 60])
    with qtbot.waitSignal(section.runner.idle, timeout=WAIT_MS):
        section.distill.click()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    section.save.click()
    saved = read_micrograph(path)
    assert saved.voxel_size_um.x == pytest.approx(0.1)
    assert saved.provenance["beads"] == 1


def test_failed_beads_are_explained(
    deconvolve_dock: DeconvolveDock,
    viewer: Viewer,
    beads: Image,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section, told = deconvolve_dock.beads, []
    monkeypatch.setattr(_told, "show_error", told.append)
    section.stack.choose(beads)
    section.mark.click()
    section.distill.click()
    assert "No bead is marked" in told[0]

    def failing(request: object) -> Iterator[Progress]:
        raise InputError("nothing is left")
        yield

    monkeypatch.setattr(_bead_section, "distill", failing)
    section.points.layer().add([60, 60])
    with qtbot.waitSignal(section.runner.idle, timeout=WAIT_MS):
        section.distill.click()
    assert section.text.text() == "nothing is left"
    assert section.distill.isEnabled()
