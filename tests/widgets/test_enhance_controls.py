"""Settings of the dock: flagged where wrong, remembered, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QProgressBar,
)

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.widgets._marks import Mark
from napari_gan_enhance.widgets._settings import settings_path
from napari_gan_enhance.widgets.enhance import EnhanceDock

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.widgets._number_field import NumberField

OBJECTIVE = Microscope(None, 1.3, 1.515)
GREEN = Channel("GFP", emission_nm=509.0)


def add_known(viewer: Viewer, **changes: object) -> Image:
    """Add a layer whose file said everything, or all but the changes."""
    known = {
        "voxel_size_um": VoxelSize(None, 0.1, 0.1),
        "channels": (GREEN,),
        "microscope": OBJECTIVE,
    } | changes
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    kept = Micrograph(pixels, "YX", **known)
    size = kept.voxel_size_um.x
    return viewer.add_image(
        pixels,
        name="known",
        scale=(size or 1,) * 2,
        units="micrometer" if size else "pixel",
        metadata={"napari_gan_enhance": kept},
    )


def field(dock: EnhanceDock, name: str) -> NumberField:
    return dock.controls.optics.fields[name]


def type_in(dock: EnhanceDock, name: str, text: str) -> None:
    field(dock, name).setText(text)
    field(dock, name).textEdited.emit(text)


def color(widget: object) -> Mark:
    sheet = widget.styleSheet()
    return next((m for m in Mark if m.value and m.value in sheet), Mark.FINE)


def test_optics_come_from_the_file(dock: EnhanceDock, viewer: Viewer) -> None:
    dock.controls.deconvolve.setChecked(True)
    add_known(viewer)
    texts = {n: f.text() for n, f in dock.controls.optics.fields.items()}
    assert texts == {
        "numerical_aperture": "1.3",
        "immersion_index": "1.515",
        "emission_nm.0": "509",
        "voxel_size_um.z": "",
        "voxel_size_um.y": "0.1",
        "voxel_size_um.x": "0.1",
    }
    assert all(color(f) is Mark.FINE for f in dock.controls.optics.fields.values())
    assert dock.panel.button.isEnabled()


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        ({"microscope": Microscope(None, None, 1.5)}, "numerical_aperture", "1.2"),
        ({"microscope": Microscope(None, 1.3, None)}, "immersion_index", "1.5"),
        ({"channels": (Channel("GFP"),)}, "emission_nm.0", "509"),
    ],
    ids=["aperture", "index", "wavelength"],
)
def test_missing_value_is_flagged_until_typed_in(
    dock: EnhanceDock,
    viewer: Viewer,
    changes: dict[str, object],
    name: str,
    text: str,
) -> None:
    dock.controls.deconvolve.setChecked(True)
    add_known(viewer, **changes)
    assert color(field(dock, name)) is Mark.WRONG
    assert "type it in" in field(dock, name).toolTip()
    assert "type it in" in dock.controls.reason.text()
    assert "type it in" in dock.panel.button.toolTip()
    assert not dock.panel.button.isEnabled()
    type_in(dock, name, text)
    assert color(field(dock, name)) is Mark.CHECK
    assert dock.panel.button.isEnabled()


def test_missing_pixel_size_is_flagged(dock: EnhanceDock, viewer: Viewer) -> None:
    dock.controls.deconvolve.setChecked(True)
    add_known(viewer, voxel_size_um=VoxelSize())
    assert color(field(dock, "voxel_size_um.x")) is Mark.WRONG
    assert color(field(dock, "voxel_size_um.z")) is Mark.FINE
    assert not dock.panel.button.isEnabled()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("numerical_aperture", "1.6", "must be below the index"),
        ("numerical_aperture", "abc", "not a number"),
        ("immersion_index", "0.5", "between 1 and 3"),
        ("emission_nm.0", "0.5", "100 to 3000 nm"),
        ("voxel_size_um.x", "-1", "positive"),
    ],
)
def test_impossible_value_is_flagged_with_its_reason(
    dock: EnhanceDock, viewer: Viewer, name: str, text: str, reason: str
) -> None:
    dock.controls.deconvolve.setChecked(True)
    add_known(viewer)
    type_in(dock, name, text)
    assert color(field(dock, name)) is Mark.WRONG
    assert reason in field(dock, name).toolTip()
    assert not dock.panel.button.isEnabled()
    dock.controls.deconvolve.setChecked(False)
    assert dock.panel.button.isEnabled()


def test_decimal_comma_is_understood(dock: EnhanceDock, viewer: Viewer) -> None:
    add_known(viewer)
    type_in(dock, "numerical_aperture", "1,25")
    assert dock.controls.choices().numerical_aperture == 1.25


def test_value_from_the_file_is_not_rounded(dock: EnhanceDock, viewer: Viewer) -> None:
    exact = 0.123456789
    add_known(viewer, voxel_size_um=VoxelSize(None, exact, exact))
    assert dock.controls.choices().voxel_size_um[2] == pytest.approx(exact, rel=1e-12)


def test_typed_values_stay_with_their_layer(
    dock: EnhanceDock, viewer: Viewer, cells: Image
) -> None:
    known = add_known(viewer)
    type_in(dock, "emission_nm.0", "600")
    dock.controls.layer.choose(cells)
    assert field(dock, "emission_nm.0").text() == ""
    dock.controls.layer.choose(known)
    assert field(dock, "emission_nm.0").text() == "600"


def test_each_channel_has_its_wavelength(dock: EnhanceDock, viewer: Viewer) -> None:
    viewer.add_image(np.zeros((3, 32, 32)), axis_labels=("c", "y", "x"))
    names = [n for n in dock.controls.optics.fields if n.startswith("emission_nm")]
    assert names == ["emission_nm.0", "emission_nm.1", "emission_nm.2"]


def test_no_layer_disables_with_a_reason(viewer: Viewer, checkpoint: Path) -> None:
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.controls.model.choose(str(checkpoint))
    assert not dock.panel.button.isEnabled()
    assert "Open or drop an image" in dock.panel.button.toolTip()


def test_layer_of_too_many_axes_is_explained(dock: EnhanceDock, viewer: Viewer) -> None:
    viewer.add_image(np.zeros((1, 1, 1, 1, 8, 8)), name="six")
    assert "'six' has 6 dimensions" in dock.controls.reason.text()
    assert not dock.panel.button.isEnabled()


def test_broken_checkpoint_is_explained(
    dock: EnhanceDock, tmp_path: Path, checkpoint: Path
) -> None:
    broken = tmp_path / "cut.safetensors"
    broken.write_bytes(checkpoint.read_bytes()[:200])
    dock.controls.model.choose(str(broken))
    assert color(dock.controls.model.names) is Mark.WRONG
    assert "cut.safetensors" in dock.panel.button.toolTip()
    assert not dock.panel.button.isEnabled()
    dock.controls.model.choose(str(checkpoint))
    assert dock.panel.button.isEnabled()


def test_checkpoint_that_was_replaced_is_read_again(
    dock: EnhanceDock, tmp_path: Path, checkpoint: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(checkpoint.read_bytes()[:200])
    dock.controls.model.choose(str(path))
    path.write_bytes(checkpoint.read_bytes())
    dock.controls.model.choose(str(path))
    assert "Random weights." in dock.controls.model.card.text()
    assert dock.panel.button.isEnabled()


def test_card_is_shown(dock: EnhanceDock) -> None:
    assert "Random weights." in dock.controls.model.card.text()
    assert "CC0" in dock.controls.model.card.text()


def test_choices_survive_the_session(
    dock: EnhanceDock, viewer: Viewer, checkpoint: Path, held: object, qtbot: object
) -> None:
    add_known(viewer)
    dock.controls.deconvolve.setChecked(True)
    dock.controls.precision.setCurrentIndex(1)
    dock.controls.iterations.setValue(23)
    held.go_on.set()
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=20_000):
        dock.panel.button.click()
    viewer.window.remove_dock_widget(dock)
    again = EnhanceDock(viewer)
    viewer.window.add_dock_widget(again)
    choices = again.controls.choices()
    assert choices.model == str(checkpoint)
    assert choices.recent_models == (str(checkpoint),)
    assert (choices.precision, choices.deconvolve, choices.iterations) == (
        "fast",
        True,
        23,
    )


def test_last_objective_is_offered_but_no_wavelength(
    viewer: Viewer, cells: Image, config_folder: Path
) -> None:
    config_folder.mkdir()
    settings_path("enhance").write_text(
        '{"numerical_aperture": 0.75, "immersion_index": 1.0}'
    )
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert field(dock, "numerical_aperture").text() == "0.75"
    assert color(field(dock, "numerical_aperture")) is Mark.CHECK
    assert color(field(dock, "emission_nm.0")) is Mark.WRONG


@pytest.mark.parametrize("content", ["", "{", '{"precision": "sloppy"}', "[]"])
def test_unusable_settings_file_means_defaults(
    viewer: Viewer, config_folder: Path, content: str
) -> None:
    config_folder.mkdir()
    settings_path("enhance").write_text(content)
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert dock.controls.choices().precision == "exact"


def test_forgotten_checkpoint_is_left_out(
    viewer: Viewer, config_folder: Path, tmp_path: Path
) -> None:
    config_folder.mkdir()
    gone = (tmp_path / "gone.safetensors").as_posix()
    settings_path("enhance").write_text(
        f'{{"model": "{gone}", "recent_models": ["{gone}"]}}'
    )
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert dock.controls.model.recent == ()


def test_restore_defaults(dock: EnhanceDock, viewer: Viewer) -> None:
    add_known(viewer)
    type_in(dock, "numerical_aperture", "0.2")
    dock.controls.iterations.setValue(99)
    dock.controls.region.setCurrentIndex(1)
    dock.defaults.click()
    choices = dock.controls.choices()
    assert (choices.iterations, choices.region) == (10, "layer")
    assert choices.numerical_aperture == 1.3


def test_diagnostics_are_copied(dock: EnhanceDock) -> None:
    from qtpy.QtWidgets import QApplication

    dock.diagnostics.click()
    text = QApplication.clipboard().text()
    assert "napari 0." in text
    assert "model: tiny" in text


def test_every_control_has_a_tooltip(dock: EnhanceDock) -> None:
    kinds = (
        QAbstractButton,
        QAbstractSpinBox,
        QComboBox,
        QLineEdit,
        QProgressBar,
    )
    silent = [
        widget
        for kind in kinds
        for widget in dock.findChildren(kind)
        if not widget.toolTip() and not isinstance(widget.parent(), QAbstractSpinBox)
    ]
    assert silent == []


def test_no_text_is_cut_when_a_model_says_more(
    dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    controls = dock.controls
    viewer.window.resize(1600, 1000)
    viewer.window._qt_window.show()
    qtbot.waitUntil(dock.isVisible)
    controls.deconvolve.setChecked(True)
    controls.model.choose("widefield-to-confocal")
    qtbot.waitUntil(lambda: controls.verdict.verdict is not None)
    for label in (controls.model.card, controls.verdict.text):
        qtbot.waitUntil(
            lambda label=label: label.height() >= label.heightForWidth(label.width())
        )


def test_reason_for_a_dead_button_is_not_scrolled_away(dock: EnhanceDock) -> None:
    assert dock.controls.reason.parent() is dock
