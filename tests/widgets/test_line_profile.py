"""The Line profile dock in a real viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from napari.settings import get_settings
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
)
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog
from wrapt import ObjectProxy

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.viewer.profile_files import save_request
from napari_gan_enhance.viewer.profile_lines import line_layer
from napari_gan_enhance.viewer.profile_pixels import PixelStore
from napari_gan_enhance.widgets import _line_profile_saving, _told
from napari_gan_enhance.widgets.line_profile import GUIDE, LineProfileDock

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

WAIT_MS = 5_000


@pytest.fixture
def profile(viewer: Viewer, cells: Image) -> LineProfileDock:
    dock = LineProfileDock(viewer)
    viewer.window.add_dock_widget(dock)
    return dock


@pytest.fixture
def drawn(profile: LineProfileDock, qtbot: QtBot) -> LineProfileDock:
    """A dock with one line that was sampled and measured."""
    profile.lines.new.click()
    qtbot.waitUntil(profile.saving.save.isEnabled, timeout=WAIT_MS)
    return profile


def type_points(dock: LineProfileDock, text: str) -> None:
    dock.lines.points.setText(text)
    dock.lines.points.setModified(True)
    dock.lines.points.editingFinished.emit()


def ends(dock: LineProfileDock) -> float:
    """Return the length of the first curve."""
    curves = dock.plot.curves()
    return float(curves[0].getData()[0][-1]) if curves else 0.0


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where napari remembers docks to have been; nothing yet."""
    application = get_settings().application
    monkeypatch.setattr(application, "plugin_widget_positions", {})
    return application.plugin_widget_positions


@pytest.mark.parametrize(
    ("moved_before", "side"),
    [
        ({}, Qt.DockWidgetArea.BottomDockWidgetArea),
        (
            {"Line profile (napari-gan-enhance)": "left"},
            Qt.DockWidgetArea.LeftDockWidgetArea,
        ),
    ],
)
def test_dock_opens_below_the_images_unless_the_user_moved_it(
    viewer: Viewer, places: dict[str, str], moved_before: dict[str, str], side: object
) -> None:
    places.update(moved_before)
    frame, _ = viewer.window.add_plugin_dock_widget(
        "napari-gan-enhance", "Line profile"
    )
    assert viewer.window._qt_window.dockWidgetArea(frame) == side


def test_new_line_gives_one_curve_for_each_visible_layer(
    profile: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    assert "New line" in profile.hint.text() or not profile.hint.text().strip(GUIDE)
    viewer.add_image(np.ones((64, 96)), name="other", scale=(0.1, 0.1), units="um")
    profile.lines.new.click()
    qtbot.waitUntil(lambda: len(profile.plot.curves()) == 2, timeout=WAIT_MS)
    first, second = profile.plot.curves()
    assert first.opts["pen"].color().name() == "#40ff40"  # of the green color map
    assert second.opts["pen"].color() != first.opts["pen"].color()
    viewer.layers["other"].visible = False
    qtbot.waitUntil(lambda: len(profile.plot.curves()) == 1, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: profile.table.topLevelItemCount() == 1, timeout=WAIT_MS)
    assert profile.table.topLevelItem(0).text(0) == "cells"


def test_curve_follows_the_mouse(
    drawn: LineProfileDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    """An end of the line is dragged in the viewer, as napari's canvas does it."""
    layer = line_layer(viewer)
    layer.data = [np.array([[2.0, 1.0], [2.0, 5.0]])]
    qtbot.waitUntil(lambda: ends(drawn) == pytest.approx(4), timeout=WAIT_MS)
    layer.mode = "direct"
    layer.selected_data = {0}
    drag(layer, (2.0, 5.0), (2.0, 8.0))
    qtbot.waitUntil(lambda: ends(drawn) == pytest.approx(7), timeout=WAIT_MS)
    _, values = drawn.plot.curves()[0].getData()
    # From 1 to 8 µm in row 20 of pixels of 0.1 µm; three samples a pixel.
    np.testing.assert_allclose(values[::3], cells.data[20, 10:81])


def drag(layer, start, stop) -> None:
    class Event:
        def __init__(self, kind: str, position, is_dragging: bool) -> None:
            self.type, self.position, self.is_dragging = kind, position, is_dragging
            self.pos, self.modifiers, self.button = np.array(position), [], 1
            self.dims_displayed, self.dims_point = [0, 1], [0, 0]
            self.view_direction, self.handled = None, False

    # napari exchanges what is inside the proxy while a drag goes on.
    mouse_press_callbacks(layer, ObjectProxy(Event("mouse_press", start, False)))
    mouse_move_callbacks(layer, Event("mouse_move", stop, True))


def test_typed_line_is_measured_and_undone(
    drawn: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    before = drawn.lines.points.text()
    type_points(drawn, "1, 1; 1, 4; 5, 4")
    qtbot.waitUntil(lambda: ends(drawn) == pytest.approx(7), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: drawn.lines.undo.isEnabled(), timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: drawn.lines.points.text().startswith("1.000, 1.000;"), timeout=WAIT_MS
    )
    drawn.lines.undo.click()
    qtbot.waitUntil(lambda: drawn.lines.points.text() == before, timeout=WAIT_MS)
    drawn.lines.redo.click()
    qtbot.waitUntil(lambda: ends(drawn) == pytest.approx(7), timeout=WAIT_MS)


def test_wrong_points_are_marked_and_change_nothing(
    drawn: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    before = line_layer(viewer).data[0].copy()
    type_points(drawn, "1, 1; x")
    assert "is no line" in drawn.lines.points.toolTip()
    np.testing.assert_array_equal(line_layer(viewer).data[0], before)


def test_several_lines_are_kept_chosen_and_removed(
    drawn: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    drawn.lines.new.click()
    qtbot.waitUntil(lambda: drawn.lines.names.count() == 2, timeout=WAIT_MS)
    assert drawn.lines.current().name == "Line 2"
    line_layer(viewer).selected_data = {0}
    qtbot.waitUntil(lambda: drawn.lines.current().name == "Line 1", timeout=WAIT_MS)
    drawn.lines.names.item(0).setText("axon")
    assert drawn.lines.current().name == "axon"
    drawn.lines.remove.click()
    qtbot.waitUntil(lambda: drawn.lines.names.count() == 1, timeout=WAIT_MS)
    assert drawn.lines.current().name == "Line 2"


def test_width_draws_a_band_and_is_remembered(
    drawn: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    drawn.options.width_box.setValue(0.5)
    drawn.options.intensity.setCurrentIndex(1)
    qtbot.waitUntil(lambda: line_layer(viewer).edge_width == [0.5], timeout=WAIT_MS)

    def is_normalized() -> bool:
        _, values = drawn.plot.curves()[0].getData()
        return (np.nanmin(values), np.nanmax(values)) == (0, 1)

    qtbot.waitUntil(is_normalized, timeout=WAIT_MS)
    again = LineProfileDock(viewer)
    viewer.window.add_dock_widget(again)
    assert again.options.choices() == drawn.options.choices()
    again.options.defaults.click()
    assert again.options.choices().width == 0


def test_lazy_layer_is_read_in_a_thread(
    profile: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    viewer.layers.clear()
    lazy = da.random.default_rng(1).random((600, 2000), chunks=(600, 500))
    viewer.add_image(lazy, name="lazy", contrast_limits=(0, 1))
    profile.lines.new.click()
    with qtbot.waitSignal(profile.reader.returned, timeout=WAIT_MS):
        pass
    qtbot.waitUntil(profile.saving.save.isEnabled, timeout=WAIT_MS)
    (curve,) = profile.plot.curves()
    assert np.isfinite(curve.getData()[1]).all()
    assert profile.hint.text() == GUIDE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("90, 90; 99, 99", "outside all visible images"),
        ("1, 1; 1, 1.1", "too short for a peak"),
    ],
)
def test_bad_lines_get_one_sentence(
    drawn: LineProfileDock, qtbot: QtBot, text: str, said: str
) -> None:
    type_points(drawn, text)
    qtbot.waitUntil(lambda: said in drawn.hint.text(), timeout=WAIT_MS)


@pytest.mark.parametrize("pixels", [np.full((40, 40), 5.0), np.full((40, 40), np.nan)])
def test_constant_and_empty_images_hold_no_peak(
    drawn: LineProfileDock, viewer: Viewer, pixels: np.ndarray, qtbot: QtBot
) -> None:
    viewer.layers.remove("cells")
    viewer.add_image(pixels, contrast_limits=(0, 9), scale=(0.1, 0.1), units="um")
    type_points(drawn, "1, 1; 2, 3")

    def is_told() -> bool:
        branch = drawn.table.topLevelItem(0)
        says_no_peak = branch is not None and "No peak" in branch.child(0).text(0)
        return says_no_peak or "hold no numbers" in drawn.hint.text()

    qtbot.waitUntil(is_told, timeout=WAIT_MS)


@pytest.mark.parametrize("suffix", [".csv", ".png", ".svg"])
def test_lines_are_saved(
    drawn: LineProfileDock,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(_line_profile_saving, "show_info", told.append)
    path = tmp_path / f"profile{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(path), ""))
    button = drawn.saving.save if suffix == ".csv" else drawn.saving.figure
    button.click()
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    head = path.read_bytes()[:2000]
    expected = {".csv": b"# made by: ", ".png": b"\x89PNG", ".svg": b"<?xml"}
    assert head.startswith(expected[suffix])
    qtbot.waitUntil(button.isEnabled, timeout=WAIT_MS)


def test_a_file_nobody_was_asked_about_is_not_replaced(
    drawn: LineProfileDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(_told, "show_error", told.append)
    answer = str(tmp_path / "profile"), "Table (*.csv)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: answer)
    (tmp_path / "profile.csv").write_text("mine")
    drawn.saving.save.click()
    assert not drawn.saving.runner.is_running
    assert "'profile.csv' already exists" in told[0]
    assert (tmp_path / "profile.csv").read_text() == "mine"


def test_unknown_ending_is_refused(drawn: LineProfileDock, viewer: Viewer) -> None:
    choices, store = drawn.options.choices(), PixelStore()
    with pytest.raises(OutputError, match=r"\.csv, \.png, \.svg, \.pdf"):
        save_request(viewer, Path("profile.xls"), [], choices, store)


def test_closed_dock_hears_nothing(
    drawn: LineProfileDock, viewer: Viewer, cells: Image
) -> None:
    viewer.window.remove_dock_widget(drawn)
    cells.visible = False
    viewer.layers.remove("Line profile")
    viewer.add_image(np.zeros((8, 8)))
