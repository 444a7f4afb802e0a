"""Trust maps from the dock: one click, layers, words, and every way to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.viewer.viewport import camera_of
from napari_gan_enhance.widgets import _told, _trust_row

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.widgets.enhance import EnhanceDock

WAIT_MS = 60_000
"""Longer than the maps of a small image take on a busy machine."""


@pytest.fixture
def enhanced(dock: EnhanceDock, viewer: Viewer, cells: Image, qtbot: QtBot) -> Image:
    assert not dock.trust.button.isEnabled()
    assert "Enhance a layer first" in dock.trust.button.toolTip()
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()
    return viewer.layers[-1]


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (_told, _trust_row):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


def make_maps(dock: EnhanceDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.trust.runner.idle, timeout=WAIT_MS):
        dock.trust.button.click()
        assert dock.trust.button.text() == "Cancel"
        assert not dock.panel.button.isEnabled()
        assert not dock.controls.isEnabled()


def test_one_click_adds_maps_over_the_result(
    dock: EnhanceDock,
    viewer: Viewer,
    cells: Image,
    enhanced: Image,
    errors: list[str],
    qtbot: QtBot,
) -> None:
    before = list(viewer.layers)
    make_maps(dock, qtbot)
    assert errors == []
    made = {layer.name: layer for layer in viewer.layers if layer not in before}
    assert list(made) == [
        f"cells [trust: {kind}]"
        for kind in (
            "disagreement",
            "re-blur score",
            "beyond the evidence",
            "expected error",
        )
    ]
    for layer in made.values():
        assert layer.extent.world.tolist() == cells.extent.world.tolist()
        assert [str(unit) for unit in layer.units] == ["micrometer"] * 2
        assert layer.data.dtype == np.float32
        assert np.isfinite(layer.data).all()
    assert [layer.name for layer in made.values() if layer.visible] == [
        "cells [trust: expected error]"
    ]
    assert made["cells [trust: beyond the evidence]"].contrast_limits == [0, 1]
    low, high = made["cells [trust: re-blur score]"].contrast_limits
    assert low == -high
    assert "RSP" in dock.trust.text.text()
    assert "RSE" in dock.trust.text.text()
    assert dock.trust.text.isVisibleTo(dock)
    assert dock.panel.button.isEnabled()
    assert dock.controls.layer.layer() is cells
    assert enhanced.name in dock.trust.button.toolTip()  # maps are no results
    for layer in made.values():
        viewer.layers.remove(layer)
    assert list(viewer.layers) == before
    assert not dock.trust.text.isVisibleTo(dock)


def test_fast_maps_of_a_part_are_remembered_and_lie_on_it(
    dock: EnhanceDock,
    viewer: Viewer,
    cells: Image,
    errors: list[str],
    config_folder: Path,
    qtbot: QtBot,
) -> None:
    dock.controls.region.setCurrentIndex(1)
    camera_of(viewer).zoom *= 3
    viewer.window._qt_window.repaint()
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()
    part = viewer.layers[-1]
    assert part.data.shape < cells.data.shape
    dock.controls.trust.setCurrentIndex(1)
    make_maps(dock, qtbot)
    assert errors == []
    shown = viewer.layers["cells [trust: expected error]"]
    assert shown.extent.world.tolist() == part.extent.world.tolist()
    assert "cells [trust: disagreement]" not in viewer.layers
    assert '"trust": "fast"' in (config_folder / "enhance.json").read_text()


def test_maps_can_be_cancelled(
    dock: EnhanceDock, viewer: Viewer, enhanced: Image, qtbot: QtBot
) -> None:
    before = list(viewer.layers)
    with qtbot.waitSignal(dock.trust.runner.idle, timeout=WAIT_MS):
        dock.trust.button.click()
        dock.trust.button.click()
    assert list(viewer.layers) == before
    assert dock.trust.progress.text.text() == "Cancelled."
    assert dock.trust.button.text() == "Trust maps"
    assert dock.panel.button.isEnabled()


def test_what_is_missing_is_said_in_a_sentence(
    dock: EnhanceDock,
    viewer: Viewer,
    cells: Image,
    enhanced: Image,
    checkpoint: Path,
    errors: list[str],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    path = tmp_path / "moved.safetensors"
    path.write_bytes(checkpoint.read_bytes())
    names = dock.controls.model.names
    names.removeItem(names.findData(str(checkpoint)))
    make_maps(dock, qtbot)
    assert "Model 'tiny' that made this result is not in the list" in errors[-1]
    dock.controls.model.choose(str(path))  # the same model under another name
    viewer.layers.remove(cells)
    dock.trust.button.click()
    assert "What 'cells [enhanced: tiny]' was made of is not open" in errors[-1]
    assert not dock.trust.runner.is_running
