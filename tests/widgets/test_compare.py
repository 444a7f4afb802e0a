"""The Compare dock in a real viewer: what is on screen, and that all is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_gan_enhance.viewer.viewport import camera_of, grid_of
from napari_gan_enhance.widgets import _told, compare
from napari_gan_enhance.widgets._compare_button import CompareButton
from napari_gan_enhance.widgets._compare_modes import GUIDE
from napari_gan_enhance.widgets.compare import CompareDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

RED, GREEN = (255, 0, 0), (0, 255, 0)

WAIT_MS = 30_000

ON_SCREEN_PX = 2
"""A mouse event has whole pixels, and the line is two wide."""


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Viewer]) -> Viewer:
    viewer = make_napari_viewer(show=True)  # pixels are looked at
    viewer.window.resize(1200, 600)
    return viewer


@pytest.fixture
def raw(viewer: Viewer) -> Image:
    """Red all over, 100 x 100 units."""
    return viewer.add_image(
        np.ones((100, 100)), name="raw", colormap="red", contrast_limits=(0, 1)
    )


@pytest.fixture
def result(viewer: Viewer, raw: Image) -> Image:
    """Green all over the same place, with pixels half as large."""
    return viewer.add_image(
        np.full((200, 200), 2.0),
        name="result",
        colormap="green",
        contrast_limits=(0, 2),
        scale=(0.5, 0.5),
        translate=(-0.25, -0.25),
    )


@pytest.fixture
def other(viewer: Viewer, result: Image) -> Image:
    """Blue, and above both."""
    return viewer.add_image(np.ones((100, 100)), name="other", colormap="blue")


@pytest.fixture
def dock(viewer: Viewer, other: Image, told: list[str]) -> CompareDock:
    viewer.layers.selection = {viewer.layers["raw"], viewer.layers["result"]}
    dock = viewer.window.add_plugin_dock_widget("napari-gan-enhance", "Compare")[1]
    QTest.qWait(50)  # the canvas is narrower now
    viewer.reset_view()
    return dock


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (compare, _told):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


def state(viewer: Viewer) -> tuple[object, ...]:
    return (
        [layer.visible for layer in viewer.layers],
        [layer.name_overlay.visible for layer in viewer.layers],
        grid_of(viewer).enabled,
        len(viewer.mouse_drag_callbacks),
        len(viewer.mouse_move_callbacks),
    )


def canvas(viewer: Viewer):
    return viewer.window._qt_viewer.canvas


def color_at(viewer: Viewer, x: float, y: float = 50) -> tuple[int, ...]:
    """Return what is drawn at a place of the world."""
    QTest.qWait(50)
    picture = viewer.screenshot(canvas_only=True, flash=False)
    column, row = screen_point(viewer, x, y)
    ratio = picture.shape[1] / canvas(viewer).native.width()
    return tuple(int(v) for v in picture[int(row * ratio), int(column * ratio), :3])


def screen_point(viewer: Viewer, x: float, y: float = 50) -> tuple[float, float]:
    view = canvas(viewer).view
    return tuple((view.transform * view.scene.transform).map([x, y])[:2])


def drag(viewer: Viewer, start: float, stop: float) -> None:
    """Drag from one place of the world to another, with the mouse."""
    native = canvas(viewer).native
    first, last = (QPoint(*map(round, screen_point(viewer, x))) for x in (start, stop))
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(native, left, pos=first)
    QTest.mouseMove(native, last)
    QTest.qWait(20)
    QTest.mouseRelease(native, left, pos=last)


def test_dock_follows_two_selected_images(viewer: Viewer, dock: CompareDock) -> None:
    raw, result, other = viewer.layers
    assert dock.pair.layers() == (raw, result)
    viewer.layers.selection = {other, result}
    assert dock.pair.layers() == (result, other)
    dock.pair.swap.click()
    assert dock.pair.layers() == (other, result)


def test_swipe_shows_one_layer_on_each_side_of_a_line_that_is_dragged(
    viewer: Viewer, dock: CompareDock
) -> None:
    before = state(viewer)
    dock.modes.swipe.click()
    assert color_at(viewer, 40) == RED
    assert color_at(viewer, 60) == GREEN
    center = tuple(camera_of(viewer).center)
    drag(viewer, 49.5, 80)
    assert tuple(camera_of(viewer).center) == pytest.approx(center)  # nothing panned
    assert color_at(viewer, 60) == RED
    assert color_at(viewer, 90) == GREEN
    swipe = dock.modes._mode
    assert abs(swipe.position - 80) * camera_of(viewer).zoom <= ON_SCREEN_PX
    camera_of(viewer).zoom *= 1.5  # in the world, the line stays where it is
    assert color_at(viewer, swipe.position - 5) == RED
    assert color_at(viewer, swipe.position + 3) == GREEN
    dock.modes.swipe.click()
    assert color_at(viewer, 60) == color_at(viewer, 70) == (0, 0, 255)
    assert state(viewer) == before


def test_line_stays_in_view(viewer: Viewer, dock: CompareDock) -> None:
    dock.modes.swipe.click()
    camera_of(viewer).zoom *= 8
    camera_of(viewer).center = (0, 50, 80)
    position = dock.modes._mode.position
    assert 0 < screen_point(viewer, position)[0] < canvas(viewer).native.width()
    assert position != pytest.approx(49.5)


@pytest.mark.parametrize("how", ["removed", "3D", "grid", "closed"])
def test_swipe_that_cannot_go_on_puts_everything_back(
    viewer: Viewer, dock: CompareDock, how: str
) -> None:
    before = state(viewer)
    dock.modes.swipe.click()
    if how == "removed":
        viewer.layers.remove("result")
        assert "removed" in dock.hint.text()
        assert [layer.visible for layer in viewer.layers] == [True, True]
    elif how == "3D":
        viewer.dims.ndisplay = 3
        assert "switch to 2D" in dock.hint.text()
        viewer.dims.ndisplay = 2
        assert state(viewer) == before
    elif how == "grid":
        grid_of(viewer).enabled = True
        assert state(viewer)[:2] == before[:2]
        dock.modes.swipe.click()  # takes the grid away, and gives it back
        assert color_at(viewer, 40) == RED
        dock.modes.swipe.click()
        assert grid_of(viewer).enabled
    else:
        viewer.window.remove_dock_widget(dock)
        assert state(viewer) == before
        assert not viewer.keymap
        return
    assert not dock.modes.swipe.isChecked()


def test_blink_shows_each_in_turn_and_the_key_only_while_it_is_held(
    viewer: Viewer, dock: CompareDock, qtbot: QtBot
) -> None:
    raw, result, other = viewer.layers
    before = state(viewer)
    dock.modes.blink.click()
    assert (raw.visible, result.visible, other.visible) == (True, False, False)
    qtbot.waitUntil(lambda: result.visible and not raw.visible, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: raw.visible and not result.visible, timeout=WAIT_MS)
    dock.modes.blink.click()
    assert state(viewer) == before
    assert dock.modes.key == "H"
    QTest.keyPress(canvas(viewer).native, Qt.Key.Key_H)
    assert (raw.visible, result.visible, other.visible) == (True, False, False)
    QTest.keyRelease(canvas(viewer).native, Qt.Key.Key_H)
    assert state(viewer) == before


def test_second_dock_takes_another_key(viewer: Viewer, dock: CompareDock) -> None:
    assert CompareDock(viewer).modes.key == "J"


def test_one_way_to_compare_ends_the_other(viewer: Viewer, dock: CompareDock) -> None:
    before = state(viewer)
    dock.modes.swipe.click()
    dock.modes.side.click()
    assert not dock.modes.swipe.isChecked()
    assert grid_of(viewer).enabled
    dock.modes.blink.click()
    assert not grid_of(viewer).enabled
    dock.modes.blink.click()
    assert state(viewer) == before


def test_one_dock_that_compares_ends_the_other(
    viewer: Viewer, dock: CompareDock
) -> None:
    before = state(viewer)
    button = CompareButton(viewer, dock)
    raw, _, other = viewer.layers
    button.set_layers([raw, other])
    button.click()
    dock.modes.side.click()
    assert not button.isChecked()
    assert [layer.visible for layer in viewer.layers] == [True, True, False]
    button.click()
    assert not dock.modes.side.isChecked()
    assert dock.hint.text() == GUIDE
    assert [layer.visible for layer in viewer.layers] == [True, False, True]
    button.click()
    assert state(viewer) == before


def test_link_box_tells_whether_contrast_is_linked(
    viewer: Viewer, dock: CompareDock
) -> None:
    raw, result, _ = viewer.layers
    dock.linked.click()
    dock.pair.choose(raw, raw)
    assert not dock.linked.isChecked()
    dock.pair.choose(raw, result)
    limits = list(result.contrast_limits)
    raw.contrast_limits = (0.2, 0.3)
    assert result.contrast_limits == limits


def test_linked_contrast_follows_and_is_given_back(
    viewer: Viewer, dock: CompareDock, rng: np.random.Generator
) -> None:
    raw, result, _ = viewer.layers
    raw.data = rng.permutation(10_000.0 * np.linspace(0, 1, 10_000)).reshape(100, 100)
    result.data = 3 * raw.data
    raw.contrast_limits, result.contrast_limits = (1000, 5000), (0, 7)
    dock.linked.click()
    # What is black and white is the same share of both: three times the limits.
    assert result.contrast_limits == pytest.approx([3000, 15000], rel=1e-3)
    result.contrast_limits = (6000, 9000)
    assert raw.contrast_limits == pytest.approx([2000, 3000], rel=1e-3)
    dock.linked.click()
    assert (raw.contrast_limits, result.contrast_limits) == ([1000, 5000], [0, 7])


def test_difference_is_added_in_one_click(
    viewer: Viewer, dock: CompareDock, qtbot: QtBot
) -> None:
    dock.fits.setChecked(False)
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.difference.click()
        # It is made in a thread: the window stays live, and one is enough.
        assert viewer.layers[-1].name == "other"
        assert not dock.difference.isEnabled()
        dock.modes.swipe.click()
    assert dock.difference.isEnabled()
    assert not dock.modes.swipe.isChecked()  # the difference lies over both
    made = viewer.layers[-1]
    assert made.name == "difference: result - raw"
    np.testing.assert_allclose(made.data, 1, atol=1e-5)  # 2 - 1
    assert "orange is more" in dock.hint.text()


def test_difference_of_a_layer_that_is_gone_is_dropped(
    viewer: Viewer, dock: CompareDock, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.difference.click()
        viewer.layers.remove("raw")
    assert [layer.name for layer in viewer.layers] == ["result", "other"]


def test_difference_that_fails_says_why(
    viewer: Viewer, dock: CompareDock, qtbot: QtBot, told: list[str]
) -> None:
    viewer.layers["result"].data = np.full((200, 200), np.nan)
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.difference.click()
    assert "resampled holds NaN" in told[-1]
    assert dock.difference.isEnabled()


def test_what_cannot_be_compared_is_said_in_one_sentence(
    viewer: Viewer, dock: CompareDock, told: list[str]
) -> None:
    raw, result, other = viewer.layers
    result.translate = (0, 500)
    dock.modes.swipe.click()
    assert "do not overlap" in told[-1]
    assert not dock.modes.swipe.isChecked()
    dock.difference.click()
    assert "do not overlap" in told[-1]
    colors = viewer.add_image(np.zeros((10, 10, 3), np.uint8), name="colors", rgb=True)
    dock.pair.choose(raw, colors)
    dock.linked.click()
    assert "is RGB" in told[-1]
    assert not dock.linked.isChecked()
    for layer in (result, other, colors):
        viewer.layers.remove(layer)
    assert "chosen twice" in dock.hint.text()
    assert not dock.modes.isEnabled()


def test_a_choice_after_a_swap_is_heard(viewer: Viewer, dock: CompareDock) -> None:
    heard: list[list[str]] = []
    dock.pair.chosen.connect(
        lambda: heard.append([x.name for x in dock.pair.layers() if x is not None])
    )
    dock.pair.swap.click()
    dock.pair.before.choose(viewer.layers["other"])
    dock.pair.after.choose(viewer.layers["result"])
    assert heard == [["result", "raw"], ["other", "raw"], ["other", "result"]]


@pytest.mark.parametrize("gone", ["raw", "result"])
def test_a_layer_that_is_removed_leaves_two_different_ones(
    viewer: Viewer, dock: CompareDock, gone: str
) -> None:
    viewer.layers.remove(gone)
    assert {layer.name for layer in dock.pair.layers()} == {
        "raw",
        "result",
        "other",
    } - {gone}
    assert dock.hint.text() == GUIDE
