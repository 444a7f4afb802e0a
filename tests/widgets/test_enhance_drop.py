"""Files dropped on the dock, as Qt delivers them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile
from napari.plugins import utils as napari_utils
from napari.settings import NapariSettings
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent

from napari_gan_enhance.viewer import reader_preference
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.widgets import _told, enhance
from napari_gan_enhance.widgets._settings import load_choices, settings_path

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot
    from qtpy.QtWidgets import QWidget
    from tests.widgets.conftest import HeldRun

    from napari_gan_enhance.widgets.enhance import EnhanceDock

WAIT_MS = 20_000


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(widget: QWidget, *paths: Path) -> None:
    data = mime(*paths)
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    widget.dropEvent(event)


def is_taken(widget: QWidget, path: Path) -> bool:
    data = mime(path)
    event = QDragEnterEvent(
        QPointF(5, 5).toPoint(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    widget.dragEnterEvent(event)
    return event.isAccepted()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    monkeypatch.setattr(enhance, "show_info", messages.append)
    return messages


@pytest.fixture
def tiff(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "dropped.tif"
    pixels = rng.poisson(50, (48, 48)).astype(np.uint16)
    resolution = (1e4 / 0.2, 1e4 / 0.2)  # pixels per cm for 0.2 µm
    tifffile.imwrite(path, pixels, resolution=resolution, resolutionunit="CENTIMETER")
    return path


@pytest.fixture
def two_channels(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "two.ome.tif"
    pixels = rng.poisson(50, (2, 48, 48)).astype(np.uint16)
    metadata = {"axes": "CYX", "Channel": {"Name": ["actin", "dna"]}}
    tifffile.imwrite(path, pixels, metadata=metadata)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.tif", True),
        ("A.OME.TIFF", True),
        ("a.lsm", True),
        ("a.safetensors", True),
        ("a.pth", False),
        ("a.txt", False),
    ],
)
def test_dock_takes_images_and_checkpoints_only(
    dock: EnhanceDock, tmp_path: Path, name: str, expected: bool
) -> None:
    assert is_taken(dock, tmp_path / name) is expected


def test_dropped_checkpoint_is_chosen(
    dock: EnhanceDock, checkpoint: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(checkpoint.read_bytes())
    drop(dock, other)
    assert dock.controls.model.choice.value == str(other)
    drop(dock.controls.model, checkpoint)
    assert dock.controls.model.choice.value == str(checkpoint)


def test_dropped_tiff_is_opened_with_its_scale_and_enhanced(
    dock: EnhanceDock, viewer: Viewer, tiff: Path, qtbot: QtBot, told: list[str]
) -> None:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        drop(dock, tiff)
    assert told == []
    names = [layer.name for layer in viewer.layers]
    assert names == ["cells", "dropped", "dropped [enhanced: tiny]"]
    assert viewer.layers["dropped"].source.reader_plugin == "napari-gan-enhance"
    for layer in viewer.layers[1:]:
        assert layer.scale == pytest.approx([0.2, 0.2])
        assert str(layer.units[0]) == "micrometer"


def test_more_than_one_dropped_tiff_is_told(
    dock: EnhanceDock,
    viewer: Viewer,
    tiff: Path,
    two_channels: Path,
    qtbot: QtBot,
    said: list[str],
) -> None:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        drop(dock, tiff, two_channels)
    assert said[-1] == "Of 2 files dropped.tif is taken: drop one."
    assert len(viewer.layers) == 3


def test_dropped_tiff_waits_for_trust_maps(
    dock: EnhanceDock,
    viewer: Viewer,
    tiff: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dock.trust, "runner", Mock(is_running=True))
    drop(dock, tiff)
    assert "waits" in said[0]
    assert len(viewer.layers) == 1


def test_dropped_tiff_without_optics_is_enhanced_alone(
    dock: EnhanceDock,
    viewer: Viewer,
    tiff: Path,
    qtbot: QtBot,
    said: list[str],
) -> None:
    dock.controls.deconvolve.setChecked(True)
    before = load_choices(settings_path("enhance"), EnhanceChoices)
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        drop(dock, tiff)
    assert [layer.name for layer in viewer.layers][2:] == ["dropped [enhanced: tiny]"]
    assert len(said) == 1
    assert "does not say what Richardson-Lucy needs" in said[0]
    # for other files and sessions the user's choice stays
    assert dock.controls.deconvolve.isChecked()
    assert load_choices(settings_path("enhance"), EnhanceChoices) == before


def test_dropped_file_that_is_no_tiff_is_explained(
    dock: EnhanceDock, viewer: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(_told, "show_error", said.append)
    broken = tmp_path / "broken.tif"
    broken.write_text("not a TIFF")
    drop(dock, broken)
    assert len(said) == 1
    assert "broken.tif" in said[0]
    assert len(viewer.layers) == 1
    assert not dock.panel.runner.is_running


def test_all_channels_of_a_dropped_file_are_enhanced(
    dock: EnhanceDock,
    viewer: Viewer,
    two_channels: Path,
    qtbot: QtBot,
) -> None:
    drop(dock, two_channels)
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not dock.panel.runner.is_running, timeout=WAIT_MS)
    assert [layer.name for layer in viewer.layers][1:] == [
        "two: actin",
        "two: dna",
        "two: actin [enhanced: tiny]",
        "two: dna [enhanced: tiny]",
    ]


def test_channels_that_cannot_begin_do_not_wait_for_another_run(
    dock: EnhanceDock,
    viewer: Viewer,
    checkpoint: Path,
    two_channels: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(checkpoint.read_bytes()[:200])
    dock.controls.model.choose(str(broken))
    drop(dock, two_channels)
    assert not dock.panel.runner.is_running
    dock.controls.model.choose(str(checkpoint))
    dock.controls.layer.choose(viewer.layers["cells"])
    dock.panel.button.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not dock.panel.runner.is_running, timeout=WAIT_MS)
    qtbot.wait(200)  # a run that follows would begin at once
    assert not dock.panel.runner.is_running
    assert viewer.layers[-1].name == "cells [enhanced: tiny]"


def test_channel_that_is_deleted_while_it_waits_is_left_out(
    dock: EnhanceDock,
    viewer: Viewer,
    held: HeldRun,
    two_channels: Path,
    qtbot: QtBot,
) -> None:
    drop(dock, two_channels)
    qtbot.waitUntil(held.reached.is_set, timeout=WAIT_MS)
    viewer.layers.remove("two: dna")
    held.go_on.set()
    qtbot.waitUntil(lambda: not dock.panel.runner.is_running, timeout=WAIT_MS)
    results = [x.name for x in viewer.layers if "enhanced" in x.name]
    assert results == ["two: actin [enhanced: held]"]


@pytest.fixture
def preferences(monkeypatch: pytest.MonkeyPatch) -> NapariSettings:
    """Preferences of napari that are never written to the user's folder."""
    settings = NapariSettings(config_path=None)
    for module in (reader_preference, napari_utils):
        monkeypatch.setattr(module, "get_settings", lambda: settings)
    return settings


def test_tiff_dropped_on_the_viewer_opens_with_our_reader_where_wanted(
    preferences: NapariSettings, dock: EnhanceDock, viewer: Viewer, tiff: Path
) -> None:
    assert not dock.opens_tiff.isChecked()
    dock.opens_tiff.setChecked(True)
    drop(viewer.window._qt_viewer, tiff)
    layer = viewer.layers["dropped"]
    assert layer.source.reader_plugin == "napari-gan-enhance"
    assert layer.scale == pytest.approx([0.2, 0.2])


def test_other_readers_keep_their_preferences(
    preferences: NapariSettings, dock: EnhanceDock
) -> None:
    before = {"*.png": "napari", "*.tif": "other"}
    preferences.plugins.extension2reader = before
    dock.opens_tiff.setChecked(True)
    chosen = preferences.plugins.extension2reader
    assert (chosen["*.png"], chosen["*.tif"]) == ("napari", "napari-gan-enhance")
    dock.opens_tiff.setChecked(False)
    assert preferences.plugins.extension2reader == {"*.png": "napari"}


def test_file_that_is_gone_is_explained(
    dock: EnhanceDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(_told, "show_error", messages.append)
    drop(dock, tmp_path / "gone.tif")
    assert "'gone.tif' cannot be opened" in messages[0]
    assert not dock.panel.runner.is_running
