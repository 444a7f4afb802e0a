"""The Line profile dock in a real viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.widgets.line_profile import LineProfileDock

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

WAIT_MS = 20_000


@pytest.fixture
def profile(viewer: Viewer, cells: Image) -> LineProfileDock:
    dock = LineProfileDock(viewer)
    viewer.window.add_dock_widget(dock)
    return dock


def names(dock: LineProfileDock) -> list[str]:
    return [item.name() for item in dock.plot.listDataItems()]


def test_drawn_line_gives_one_curve_for_each_visible_layer(
    profile: LineProfileDock, viewer: Viewer, qtbot: QtBot
) -> None:
    viewer.add_image(np.ones((64, 96)), name="other", scale=(0.1, 0.1), units="um")
    profile.draw.click()
    assert not profile.draw.isEnabled()
    qtbot.waitUntil(lambda: names(profile) == ["cells", "other"], timeout=WAIT_MS)
    first, second = profile.plot.listDataItems()
    assert first.opts["pen"].color() != second.opts["pen"].color()
    viewer.layers["other"].visible = False
    qtbot.waitUntil(lambda: names(profile) == ["cells"], timeout=WAIT_MS)


def test_curve_follows_the_line(
    profile: LineProfileDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    profile.draw.click()
    qtbot.waitUntil(lambda: names(profile) == ["cells"], timeout=WAIT_MS)
    viewer.layers["Line profile"].data = [np.array([[2.0, 1.0], [2.0, 5.0]])]

    def is_moved() -> bool:
        distance, values = profile.plot.listDataItems()[0].getData()
        # From 1 to 5 µm in row 20 of pixels of 0.1 µm.
        return distance[-1] == pytest.approx(4) and np.array_equal(
            values, cells.data[20, 10:51]
        )

    qtbot.waitUntil(is_moved, timeout=WAIT_MS)


def test_closed_dock_hears_nothing(
    profile: LineProfileDock, viewer: Viewer, cells: Image
) -> None:
    profile.draw.click()
    viewer.window.remove_dock_widget(profile)
    cells.visible = False
    viewer.layers.remove("Line profile")
    viewer.add_image(np.zeros((8, 8)))
