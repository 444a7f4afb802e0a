"""Settings of the Deconvolve dock: flagged where wrong, remembered, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit

from napari_gan_enhance.widgets._marks import Mark
from napari_gan_enhance.widgets._settings import settings_path
from napari_gan_enhance.widgets.deconvolve import DeconvolveDock

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image

OPTICS = {"numerical_aperture": "0.8", "immersion_index": "1", "emission_nm.0": "520"}


@pytest.fixture
def deconvolve_dock(viewer: Viewer, cells: Image) -> DeconvolveDock:
    dock = DeconvolveDock(viewer)
    viewer.window.add_dock_widget(dock, name="Deconvolve")
    return dock


def type_in(dock: DeconvolveDock, values: dict[str, str]) -> None:
    fields = {
        **dock.controls.optics.fields,
        **dock.controls.psf.numbers(),
        "background": dock.controls.background,
        "tv_weight": dock.controls.tv_weight,
    }
    for name, text in values.items():
        fields[name].setText(text)
        fields[name].textEdited.emit(text)


def choose(box: QComboBox, value: str) -> None:
    box.setCurrentIndex(box.findData(value))


def color(widget: object) -> Mark:
    sheet = widget.styleSheet()
    return next((m for m in Mark if m.value and m.value in sheet), Mark.FINE)


def test_missing_optics_are_flagged_until_filled_in(
    deconvolve_dock: DeconvolveDock,
) -> None:
    controls, button = deconvolve_dock.controls, deconvolve_dock.panel.button
    for name, text in OPTICS.items():
        assert color(controls.optics.fields[name]) is Mark.WRONG
        assert not button.isEnabled()
        type_in(deconvolve_dock, {name: text})
        assert color(controls.optics.fields[name]) is Mark.CHECK
    assert button.isEnabled()
    choices = controls.choices()
    assert choices.emission_nm == (520.0,)
    assert choices.voxel_size_um == (None, 0.1, 0.1)  # of the layer
    assert choices.iterations == "auto"


def test_measured_psf_needs_no_optics_but_a_file(
    deconvolve_dock: DeconvolveDock, tmp_path: Path
) -> None:
    controls, button = deconvolve_dock.controls, deconvolve_dock.panel.button
    choose(controls.psf._source, "file")
    assert color(controls.optics.fields["numerical_aperture"]) is Mark.FINE
    assert color(controls.psf.path) is Mark.WRONG
    assert "Choose the file" in button.toolTip()
    controls.psf.path.setText(str(tmp_path / "gone.tif"))
    assert "'gone.tif' is gone" in button.toolTip()
    (tmp_path / "psf.tif").write_bytes(b"")
    controls.psf.path.setText(str(tmp_path / "psf.tif"))
    assert button.isEnabled()


def test_image_cannot_be_its_own_psf(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, cells: Image
) -> None:
    controls = deconvolve_dock.controls
    choose(controls.psf._source, "layer")
    assert "Choose the layer" in deconvolve_dock.panel.button.toolTip()
    controls.psf.layer.choose(cells)
    assert color(controls.psf.layer) is Mark.WRONG
    assert "image itself" in deconvolve_dock.panel.button.toolTip()
    bead = viewer.add_image(np.ones((5, 5)), name="bead")
    controls.layer.choose(cells)
    controls.psf.layer.choose(bead)
    assert controls.layer.layer() is cells
    assert deconvolve_dock.panel.button.isEnabled()


@pytest.mark.parametrize(
    ("choice", "value", "typed", "reason"),
    [
        ("algorithm", "total-variation", {"tv_weight": "3"}, "0 to 0.1"),
        ("algorithm", "plain", {"background": "abc"}, "not a number"),
        ("model", "gibson-lanni", {"depth_um": "5"}, "needs the sample index"),
        (
            "model",
            "gibson-lanni",
            {"depth_um": "-1", "sample_index": "1.33"},
            "cannot be",
        ),
        ("model", "gibson-lanni", {"sample_index": "0.2"}, "1 to 3"),
    ],
)
def test_impossible_number_is_flagged_at_its_field(
    deconvolve_dock: DeconvolveDock,
    choice: str,
    value: str,
    typed: dict[str, str],
    reason: str,
) -> None:
    controls = deconvolve_dock.controls
    type_in(deconvolve_dock, OPTICS)
    choose(controls.algorithm if choice == "algorithm" else controls.psf.model, value)
    assert deconvolve_dock.panel.button.isEnabled()
    type_in(deconvolve_dock, typed)
    assert reason in deconvolve_dock.panel.button.toolTip()
    wrong = [f for f in controls._own_fields().values() if color(f) is Mark.WRONG]
    assert len(wrong) == 1
    assert reason in wrong[0].toolTip()


def test_fields_are_shown_where_they_matter(deconvolve_dock: DeconvolveDock) -> None:
    controls = deconvolve_dock.controls

    def shown() -> list[bool]:
        fields = (controls.psf.depth, controls.tv_weight, controls.psf.path)
        return [field.isVisibleTo(controls) for field in fields]

    assert shown() == [False, False, False]
    choose(controls.psf.model, "gibson-lanni")
    choose(controls.algorithm, "total-variation")
    assert shown() == [True, True, False]
    choose(controls.psf._source, "file")
    assert shown() == [False, True, True]


def test_coarse_pixels_are_marked_but_do_not_block(
    deconvolve_dock: DeconvolveDock,
) -> None:
    # wavelength / (4 NA) = 520 / 3.2 nm = 0.1625 µm
    type_in(deconvolve_dock, {**OPTICS, "voxel_size_um.x": "0.17"})
    field = deconvolve_dock.controls.optics.fields["voxel_size_um.x"]
    assert color(field) is Mark.CHECK
    assert "at most 0.163 µm" in deconvolve_dock.controls.reason.text()
    assert deconvolve_dock.panel.button.isEnabled()
    type_in(deconvolve_dock, {"voxel_size_um.x": "0.16"})
    assert "at most" not in deconvolve_dock.controls.reason.text()


def test_choices_are_kept_apart_from_those_of_the_enhance_dock(
    config_folder: Path, viewer: Viewer, cells: Image
) -> None:
    config_folder.mkdir()
    settings_path("deconvolve").write_text(
        '{"iterations": 7, "algorithm": "accelerated", "background": 100.0, '
        '"keeps_iterations": false, "numerical_aperture": 1.2, "immersion_index": 1.33}'
    )
    dock = DeconvolveDock(viewer)
    viewer.window.add_dock_widget(dock)
    choices = dock.controls.choices()
    assert (choices.iterations, choices.algorithm) == (7, "accelerated")
    assert (choices.background, choices.keeps_iterations) == (100.0, False)
    assert choices.numerical_aperture == 1.2
    dock.defaults.click()
    again = dock.controls.choices()
    assert (again.iterations, again.algorithm) == ("auto", "plain")
    assert (again.background, again.numerical_aperture) == (None, None)


def test_every_control_has_a_tooltip(deconvolve_dock: DeconvolveDock) -> None:
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)
    silent = [
        widget
        for kind in kinds
        for widget in deconvolve_dock.findChildren(kind)
        if not widget.toolTip() and not isinstance(widget.parent(), QAbstractSpinBox)
    ]
    assert silent == []


def test_size_that_is_set_in_the_viewer_is_taken_over(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, cells: Image
) -> None:
    """What was typed beside it stays."""
    type_in(deconvolve_dock, OPTICS)
    cells.scale = (0.05, 0.05)
    values = deconvolve_dock.controls.optics.values()
    assert values.voxel_size_um == (None, 0.05, 0.05)
    assert values.numerical_aperture == 0.8
    assert deconvolve_dock.panel.button.isEnabled()
    type_in(deconvolve_dock, {"voxel_size_um.x": "0.2"})
    cells.scale = (0.07, 0.07)
    values = deconvolve_dock.controls.optics.values()
    assert values.voxel_size_um == (None, 0.07, 0.2)
    other = viewer.add_image(np.ones((16, 16)), scale=(0.3, 0.3), units="um")
    cells.scale = (0.1, 0.1)  # is looked at no more
    values = deconvolve_dock.controls.optics.values()
    assert values.voxel_size_um == (None, 0.3, 0.3)
    deconvolve_dock.controls.layer.choose(cells)
    values = deconvolve_dock.controls.optics.values()
    assert values.voxel_size_um == (None, 0.1, 0.2)
    viewer.layers.remove(other)


def test_units_that_are_set_later_make_a_run_possible(
    deconvolve_dock: DeconvolveDock, viewer: Viewer
) -> None:
    """As the messages advise."""
    plain = viewer.add_image(np.ones((16, 16), np.uint8), name="plain")
    type_in(deconvolve_dock, OPTICS)
    assert not deconvolve_dock.panel.button.isEnabled()
    plain.scale = (0.1, 0.1)
    plain.units = ("um", "um")
    values = deconvolve_dock.controls.optics.values()
    assert values.voxel_size_um == (None, 0.1, 0.1)
    assert deconvolve_dock.panel.button.isEnabled()


def test_fields_that_are_hidden_do_not_block(deconvolve_dock: DeconvolveDock) -> None:
    psf, button = deconvolve_dock.controls.psf, deconvolve_dock.panel.button
    type_in(deconvolve_dock, OPTICS)
    choose(psf.model, "gibson-lanni")
    type_in(deconvolve_dock, {"depth_um": "5 um"})
    assert not button.isEnabled()
    choose(psf.model, "exact")
    assert button.isEnabled()


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_background_is_a_number(deconvolve_dock: DeconvolveDock, text: str) -> None:
    type_in(deconvolve_dock, {**OPTICS, "background": text})
    assert not deconvolve_dock.panel.button.isEnabled()
    assert "is not a number" in deconvolve_dock.panel.button.toolTip()
