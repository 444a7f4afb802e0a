"""The Align dock in a real viewer, on a field moved by known amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.transform import load_transform
from napari_gan_enhance.viewer.alignment import MAP_NAME, pair_from_layers
from napari_gan_enhance.viewer.landmarks import NAMES
from napari_gan_enhance.widgets import _told, align
from napari_gan_enhance.widgets.align import AlignDock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot

WAIT_MS = 60_000
"""Longer than any run here takes on a busy machine."""

PIXEL_UM = 0.1
SHIFT_PX = (7, -5)

FOUND_UM = 0.03
"""A third of a pixel: what 128² noisy pixels allow."""


@pytest.fixture
def shown(viewer: Viewer, rng: np.random.Generator) -> Viewer:
    """Moving and fixed: two cuts of one field, 7 and -5 pixels apart."""
    field = gaussian_filter(rng.standard_normal((180, 180)), 2)
    field = 100 + 900 * np.clip(field / field.std(), 0, None)
    y, x = SHIFT_PX
    cuts = field[20 + y : 148 + y, 20 + x : 148 + x], field[20:148, 20:148]
    for name, cut in zip(("moving", "fixed"), cuts, strict=True):
        noisy = rng.poisson(cut / 10).astype(np.uint16)
        viewer.add_image(
            noisy, name=name, scale=(PIXEL_UM, PIXEL_UM), units="micrometer"
        )
    return viewer


@pytest.fixture
def dock(shown: Viewer) -> AlignDock:
    dock = AlignDock(shown)
    shown.window.add_dock_widget(dock, name="Align")
    return dock


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (align, _told):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


def estimate(dock: AlignDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.form.start.click()


def show_map(dock: AlignDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.form.map.click()


def shift_um(viewer: Viewer) -> np.ndarray:
    return viewer.layers["moving"].affine.affine_matrix[:2, 2]


def test_estimate_moves_the_layer_and_undo_puts_it_back(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, told: list[str]
) -> None:
    dock.form.transform.setCurrentIndex(dock.form.transform.findData("translation"))
    estimate(dock, qtbot)
    assert told == []
    # Pixel (0, 0) of moving shows what (7, -5) of fixed shows.
    wanted = np.array(SHIFT_PX) * PIXEL_UM
    assert shift_um(shown) == pytest.approx(wanted, abs=FOUND_UM)
    assert "Aligned" in dock.form.report.text()
    assert dock.form.undo.isEnabled()
    dock.form.undo.click()
    assert shift_um(shown).tolist() == [0, 0]
    assert not dock.form.undo.isEnabled()


def test_noise_moves_nothing_and_says_why(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, told: list[str], rng
) -> None:
    shown.layers["moving"].data = rng.poisson(50, (128, 128)).astype(np.uint16)
    dock.form.transform.setCurrentIndex(dock.form.transform.findData("rigid"))
    estimate(dock, qtbot)
    assert shift_um(shown).tolist() == [0, 0]
    assert len(told) == 1
    assert "correlate" in dock.form.report.text()
    assert dock.form.start.isEnabled()
    assert dock.form.start.text() == "Estimate"


@pytest.mark.parametrize("name", ["moving", "fixed"])
def test_an_answer_for_layers_that_lie_elsewhere_by_now_is_dropped(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, name: str
) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.form.start.click()
        shown.layers[name].translate = (3, 4)
    assert shift_um(shown).tolist() == [0, 0]
    assert "moved meanwhile" in dock.form.report.text()
    assert not dock.form.undo.isEnabled()


def test_cancel_moves_nothing(dock: AlignDock, shown: Viewer, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.form.start.click()
        assert dock.form.start.text() == "Cancel"
        dock.form.start.click()
    assert shift_um(shown).tolist() == [0, 0]
    assert "Cancelled" in dock.form.report.text()


def test_one_layer_is_not_enough(viewer: Viewer, told: list[str]) -> None:
    viewer.add_image(np.ones((20, 20)))
    dock = AlignDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.form.start.click()
    assert "two image layers are needed" in told[0]


def test_hand_moves_by_the_steps_on_screen(dock: AlignDock, shown: Viewer) -> None:
    dock.form.hand.shift.setValue(0.25)
    dock.form.hand.buttons["→"].click()
    dock.form.hand.buttons["↓"].click()
    assert shift_um(shown) == pytest.approx([0.25, 0.25])
    dock.form.hand.angle.setValue(90)
    dock.form.hand.buttons["↺"].click()
    layer = shown.layers["moving"]
    # About the center: 63.5 pixels; against the clock, the right edge goes up.
    center = np.full(2, 6.35 + 0.25)
    assert layer.data_to_world((63.5, 63.5)) == pytest.approx(center)
    edge = layer.data_to_world((63.5, 127))
    assert edge == pytest.approx(center + np.array([-6.35, 0]))


def test_landmarks_are_clicked_in_turn_and_bring_the_layer_into_place(
    dock: AlignDock, shown: Viewer
) -> None:
    dock.form.landmarks.begin.click()
    moving, fixed = (shown.layers[name] for name in NAMES)
    points = np.array([[20.0, 30.0], [90.0, 40.0], [60.0, 100.0]])
    for point in points:
        assert shown.layers.selection.active is moving
        moving.add(point)
        assert shown.layers.selection.active is fixed
        fixed.add(point + SHIFT_PX)
    assert "RMS 0" in dock.form.landmarks.report.text() or "e-" in (
        dock.form.landmarks.report.text()
    )
    dock.form.landmarks.apply.click()
    wanted = np.array(SHIFT_PX) * PIXEL_UM
    assert shift_um(shown) == pytest.approx(wanted, abs=1e-6)
    # The marks moved with their image.
    assert moving.data_to_world(points[0]) == pytest.approx(
        fixed.data_to_world(points[0] + SHIFT_PX)
    )
    dock.form.landmarks.clear.click()
    assert [layer.name for layer in shown.layers] == ["moving", "fixed"]


def click_landmarks(shown: Viewer, shift: tuple[int, int] = SHIFT_PX) -> None:
    """Three in each image, where both show the same."""
    moving, fixed = (shown.layers[name] for name in NAMES)
    for point in np.array([[20.0, 30.0], [90.0, 40.0], [60.0, 100.0]]):
        moving.add(point)
        fixed.add(point + shift)


def test_landmarks_move_the_layer_they_were_clicked_on(
    dock: AlignDock, shown: Viewer
) -> None:
    dock.form.landmarks.begin.click()
    click_landmarks(shown)
    other = shown.add_image(np.zeros((128, 128)), name="other")
    dock.form.moving.choose(other)
    dock.form.landmarks.apply.click()
    wanted = np.array(SHIFT_PX) * PIXEL_UM
    assert shift_um(shown) == pytest.approx(wanted, abs=1e-6)
    assert other.affine.affine_matrix.tolist() == np.eye(3).tolist()
    assert dock.form.report.text().startswith("'moving'")


@pytest.mark.parametrize("name", ["moving", NAMES[1]])
def test_landmarks_without_their_layers_move_nothing(
    dock: AlignDock, shown: Viewer, name: str
) -> None:
    dock.form.landmarks.begin.click()
    click_landmarks(shown)
    assert dock.form.landmarks.apply.isEnabled()
    shown.layers.remove(name)
    assert not dock.form.landmarks.apply.isEnabled()
    assert "was deleted" in dock.form.landmarks.report.text()
    dock.form.landmarks.clear.click()
    assert not set(NAMES) & {layer.name for layer in shown.layers}


def test_overlay_is_magenta_and_green_until_it_is_ended(
    dock: AlignDock, shown: Viewer
) -> None:
    before = [(x.colormap.name, x.blending) for x in shown.layers]
    dock.form.overlay.click()
    assert [x.colormap.name for x in shown.layers] == ["magenta", "green"]
    assert {x.blending for x in shown.layers} == {"additive"}
    dock.form.overlay.click()
    assert [(x.colormap.name, x.blending) for x in shown.layers] == before


def test_overlay_ends_where_another_layer_is_chosen(
    dock: AlignDock, shown: Viewer
) -> None:
    before = [x.colormap.name for x in shown.layers]
    third = shown.add_image(np.zeros((32, 32), np.uint8), name="third")
    dock.form.overlay.click()
    assert not third.visible
    dock.form.moving.choose(third)
    assert not dock.form.overlay.isChecked()
    assert [x.colormap.name for x in shown.layers][:2] == before
    assert third.visible


def test_an_overlay_that_fails_is_not_on(
    dock: AlignDock, shown: Viewer, told: list[str]
) -> None:
    dock.form.fixed.choose(shown.layers["moving"])
    dock.form.overlay.click()
    assert "the same layer" in told[0]
    assert not dock.form.overlay.isChecked()
    colors = shown.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True)
    dock.form.moving.choose(colors)
    dock.form.overlay.click()
    assert "An RGB layer" in told[1]
    assert not dock.form.overlay.isChecked()
    dock.form.moving.choose(shown.layers["moving"])
    dock.form.overlay.click()
    assert shown.layers["moving"].colormap.name == "magenta"
    assert len(told) == 2


def test_a_bright_speck_does_not_leave_the_overlay_black(
    dock: AlignDock, shown: Viewer
) -> None:
    fixed = shown.layers["fixed"]
    pixels = fixed.data.copy()
    pixels[5, 5] = 60_000
    fixed.data = pixels
    fixed.contrast_limits = (0, 60_000)
    dock.form.overlay.click()
    assert fixed.contrast_limits == list(np.percentile(pixels, [25, 99.7]))
    dock.form.overlay.click()
    assert fixed.contrast_limits == [0, 60_000]


def test_saved_transform_comes_back(dock: AlignDock, shown: Viewer, tmp_path) -> None:
    dock.form.hand.buttons["→"].click()
    moved = shift_um(shown).tolist()
    dock.save(tmp_path / "t.json")
    dock.form.undo.click()
    dock.load(tmp_path / "t.json")
    assert shift_um(shown) == pytest.approx(moved)


def by_hand(dock: AlignDock, shown: Viewer, folder: Path) -> None:
    dock.form.hand.shift.setValue(0.1)
    for key, times in (("↓", 6), ("←", 5)):
        for _ in range(times):
            dock.form.hand.buttons[key].click()


def by_landmarks(dock: AlignDock, shown: Viewer, folder: Path) -> None:
    dock.form.landmarks.begin.click()
    click_landmarks(shown, (6, -5))
    dock.form.landmarks.apply.click()


def by_file(dock: AlignDock, shown: Viewer, folder: Path) -> None:
    by_hand(dock, shown, folder)
    dock.save(folder / "t.json")
    while dock.form.undo.isEnabled():
        dock.form.undo.click()
    dock.load(folder / "t.json")


@pytest.mark.parametrize("align_by", [by_hand, by_landmarks, by_file])
def test_map_shows_what_is_left_whatever_aligned(
    dock: AlignDock,
    shown: Viewer,
    qtbot: QtBot,
    told: list[str],
    tmp_path: Path,
    align_by: Callable[[AlignDock, Viewer, Path], None],
) -> None:
    align_by(dock, shown, tmp_path)
    assert shift_um(shown) == pytest.approx([0.6, -0.5])
    show_map(dock, qtbot)
    assert told == []
    # Aligned 6 pixels down instead of 7; one block of 64 lies wholly in both.
    left = shown.layers[MAP_NAME].data
    assert np.isfinite(left).tolist() == [[False, False], [True, False]]
    assert left[1, 0] == pytest.approx(PIXEL_UM, abs=FOUND_UM)
    assert shift_um(shown) == pytest.approx([0.6, -0.5])  # measuring moves nothing
    assert "correlation" in dock.form.report.text()


def test_map_of_layers_that_do_not_meet_says_so(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, told: list[str]
) -> None:
    shown.layers["moving"].affine = np.array([[1, 0, 50], [0, 1, 50], [0, 0, 1]])
    show_map(dock, qtbot)
    assert told == []
    assert not np.isfinite(shown.layers[MAP_NAME].data).any()
    assert "no better than chance" in dock.form.report.text()


def test_map_of_a_stack_beside_a_plane_is_of_what_is_on_screen(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, rng: np.random.Generator
) -> None:
    plane = shown.layers["fixed"].data
    noise = rng.poisson(50, plane.shape).astype(np.uint16)
    stack = shown.add_image(
        np.stack([noise, plane, noise]),
        name="stack",
        scale=(1.0, PIXEL_UM, PIXEL_UM),
        units="micrometer",
    )
    dock.form.moving.choose(shown.layers["fixed"])
    dock.form.fixed.choose(stack)
    for depth, is_known in ((1, True), (2, False)):
        shown.dims.set_point(0, depth)
        show_map(dock, qtbot)
        assert np.isfinite(shown.layers[MAP_NAME].data).all() == is_known


def test_map_and_pair_follow_the_alignment(
    dock: AlignDock, shown: Viewer, qtbot: QtBot
) -> None:
    dock.form.transform.setCurrentIndex(dock.form.transform.findData("translation"))
    estimate(dock, qtbot)
    show_map(dock, qtbot)
    layer = shown.layers[MAP_NAME]
    assert layer.scale == pytest.approx([6.4, 6.4])
    shown.layers.remove(MAP_NAME)
    moving, fixed = shown.layers["moving"], shown.layers["fixed"]
    cut = drain(pair_from_layers(shown, moving, fixed))
    # 128 - 7 and 128 - 5 pixels overlap: one patch of 64.
    assert (cut.accepted, cut.rejected) == (1, 0)
    piece = cut.pieces[0]
    y, x = piece.origin_px
    wanted = fixed.data[y + 7 : y + 71, x - 5 : x + 59]
    error = np.abs(piece.target - wanted).mean() / wanted.std()
    assert error < 0.5  # noise interpolated by less than a third of a pixel
    assert piece.source.dtype == np.uint16


def test_closed_dock_hears_nothing(dock: AlignDock, shown: Viewer) -> None:
    dock.form.landmarks.begin.click()
    dock.form.overlay.click()
    shown.window.remove_dock_widget(dock)
    assert [layer.name for layer in shown.layers] == ["moving", "fixed"]
    assert shown.layers["moving"].colormap.name == "gray"
    shown.layers.clear()


@pytest.fixture
def beside_a_stack(dock: AlignDock, shown: Viewer) -> Viewer:
    """A new stack is the fixed layer, whose plane 2 is what the fixed one showed."""
    plane = shown.layers["fixed"].data.astype(float)
    planes = [gaussian_filter(plane, 2 * abs(depth - 2)) for depth in range(5)]
    stack = shown.add_image(
        np.stack(planes).astype(np.uint16),
        name="stack",
        scale=(1.0, PIXEL_UM, PIXEL_UM),
        units="micrometer",
    )
    dock.form.transform.setCurrentIndex(dock.form.transform.findData("translation"))
    dock.form.moving.choose(shown.layers["moving"])
    dock.form.fixed.choose(stack)
    return shown


def test_saved_transform_knows_the_plane_of_a_stack(
    dock: AlignDock,
    beside_a_stack: Viewer,
    qtbot: QtBot,
    told: list[str],
    tmp_path: Path,
) -> None:
    estimate(dock, qtbot)
    dock.form.hand.buttons["→"].click()
    dock.save(tmp_path / "t.json")
    dock.form.undo.click()
    dock.form.undo.click()
    beside_a_stack.dims.set_point(0, 0)
    dock.load(tmp_path / "t.json")
    assert told == []
    assert load_transform(tmp_path / "t.json", "µm").z_um == pytest.approx(2, abs=0.3)
    assert beside_a_stack.dims.current_step[0] == 2
    # Undone to where nothing was found, nothing is known of the stack.
    dock.form.undo.click()
    dock.save(tmp_path / "t.json")
    assert not load_transform(tmp_path / "t.json", "µm").has_z


def test_transform_of_another_layer_is_saved_without_what_was_found(
    dock: AlignDock, beside_a_stack: Viewer, qtbot: QtBot, tmp_path: Path
) -> None:
    estimate(dock, qtbot)
    dock.form.moving.choose(beside_a_stack.layers["stack"])
    dock.form.fixed.choose(beside_a_stack.layers["moving"])
    dock.save(tmp_path / "t.json")
    saved = load_transform(tmp_path / "t.json", "µm")
    assert (saved.found, saved.residual_um) == ("by hand", None)
    assert saved.matrix.tolist() == np.eye(4).tolist()


@pytest.mark.parametrize("has_moving_stack", [False, True])
def test_a_plane_with_a_depth_of_its_own_meets_its_plane(
    dock: AlignDock,
    beside_a_stack: Viewer,
    qtbot: QtBot,
    told: list[str],
    has_moving_stack: bool,
) -> None:
    shown = beside_a_stack
    plane = shown.add_image(
        shown.layers["moving"].data[np.newaxis],
        name="plane",
        scale=(1.0, PIXEL_UM, PIXEL_UM),
        translate=(5.0, 0, 0),
        units="micrometer",
    )
    stack = shown.layers["stack"]
    moving, fixed = (stack, plane) if has_moving_stack else (plane, stack)
    dock.form.moving.choose(moving)
    dock.form.fixed.choose(fixed)
    for start in ("anywhere", "here"):  # the second time it lies there already
        dock.estimate(start)
        with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
            pass
        assert told == []
        depths = [
            layer.data_to_world(at)[0]
            for layer, at in ((plane, (0, 0, 0)), (stack, (2, 0, 0)))
        ]
        assert depths[0] == pytest.approx(depths[1], abs=0.3)
        # Both are on screen.
        assert shown.dims.point[0] == pytest.approx(depths[0], abs=0.5)


def test_landmarks_stay_on_the_fixed_image_when_it_is_moved(
    dock: AlignDock, shown: Viewer
) -> None:
    dock.form.landmarks.begin.click()
    click_landmarks(shown)
    moved = np.eye(3)
    moved[1, 2] = 1.0
    shown.layers["fixed"].affine = moved
    dock.form.landmarks.apply.click()
    wanted = np.array(SHIFT_PX) * PIXEL_UM + (0, 1.0)
    assert shift_um(shown) == pytest.approx(wanted, abs=1e-6)


def test_lengths_of_layers_without_a_size_are_in_pixels(
    dock: AlignDock, shown: Viewer, qtbot: QtBot, tmp_path: Path
) -> None:
    for name in ("moving", "fixed"):
        shown.layers[name].units = "pixel"
        shown.layers[name].scale = (1, 1)
    estimate(dock, qtbot)
    assert "pixel is left" in dock.form.report.text()
    dock.save(tmp_path / "t.json")
    assert load_transform(tmp_path / "t.json", "pixel").unit == "pixel"


def test_a_plane_is_not_shifted_along_z(
    dock: AlignDock, shown: Viewer, told: list[str]
) -> None:
    for name in ("Z -", "Z +"):
        dock.form.hand.buttons[name].click()
    assert len(told) == 2
    assert "'moving' is a plane without Z" in dock.form.report.text()
    assert not dock.form.undo.isEnabled()
    stack = shown.add_image(np.zeros((1, 20, 20)), name="stack", units="um")
    dock.form.moving.choose(stack)  # of one plane, which lies somewhere
    dock.form.hand.buttons["Z +"].click()
    assert stack.affine.affine_matrix[0, -1] == pytest.approx(0.1)


def test_hand_counts_in_what_the_moving_layer_counts_in(
    dock: AlignDock, shown: Viewer
) -> None:
    assert dock.form.hand.shift.suffix() == " µm"
    bare = shown.add_image(np.zeros((20, 20)))
    dock.form.moving.choose(bare)
    assert dock.form.hand.shift.suffix() == " pixel"
    bare.units = "nm"
    dock.form.hand.buttons["→"].click()
    assert dock.form.hand.shift.suffix() == " µm"
