"""The Train dock in a real viewer: pairs, a training in its child process, a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.viewer.train_choices import TrainChoices
from napari_gan_enhance.viewer.train_preview import NAMES
from napari_gan_enhance.widgets import _train_pairs, train
from napari_gan_enhance.widgets.train import TrainDock

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot

WAIT_MS = 60_000
"""Longer than starting a process that loads torch takes on a busy machine."""

SIDE = 128


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (train, _train_pairs):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


@pytest.fixture
def shown(viewer: Viewer, rng: np.random.Generator) -> Viewer:
    """Two fields, each a blurred and noisy source and its target, aligned."""
    for name in ("one", "two"):
        sharp = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 2)
        sharp = 100 + 900 * np.clip(sharp / sharp.std(), 0, None)
        blurred = rng.poisson(gaussian_filter(sharp, 2)).astype(np.uint16)
        for side, pixels in (("source", blurred), ("target", sharp.astype(np.uint16))):
            viewer.add_image(
                pixels, name=f"{name} {side}", scale=(0.1, 0.1), units="micrometer"
            )
    return viewer


@pytest.fixture
def dock(
    shown: Viewer, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrainDock:
    monkeypatch.setenv("NAPARI_GAN_ENHANCE_MODELS", str(tmp_path / "models"))
    dock = TrainDock(shown)
    shown.window.add_dock_widget(dock, name="Train")
    dock.panel.form.show_choices(
        TrainChoices(start=str(checkpoint), budget="steps", steps=2, device="cpu")
    )
    return dock


def add_pair(dock: TrainDock, qtbot: QtBot, name: str) -> None:
    box, layers = dock.panel.pairs, dock._viewer.layers
    box.source.choose(layers[f"{name} source"])
    box.target.choose(layers[f"{name} target"])
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()


def train_to_the_end(dock: TrainDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.panel.start.click()


def test_pairs_of_layers_make_a_model_for_enhance(
    dock: TrainDock, qtbot: QtBot, told: list[str], tmp_path: Path
) -> None:
    assert not dock.panel.start.isEnabled()
    assert "add a pair" in dock.panel.reason.text()
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    # 128 x 128 pixels hold four patches of 64.
    assert dock.panel.pairs.list.item(0).text() == "one-source: 4 patches"
    assert dock.panel.pairs.report.text() == "two-source: 4 patches, none rejected."
    train_to_the_end(dock, qtbot)
    assert told == []
    panel = dock.panel
    assert "Done" in panel.progress.text.text()
    assert panel.strip.checkpoint is not None
    steps = [step for step, _ in panel.plot.points("psnr")]
    assert steps == [0, 2]
    assert [step for step, _ in panel.plot.points("total")]
    layers = dock._viewer.layers
    assert all(name in layers for name in NAMES.values())
    assert layers[NAMES["result"]].scale == pytest.approx([0.1, 0.1])
    # Right of the images, which end at 12.75 µm.
    assert layers[NAMES["source"]].translate[1] > SIDE * 0.1 - 0.1
    panel.strip.use.click()
    assert told == []
    kept = list((tmp_path / "models").iterdir())
    assert [p.suffix for p in kept] == [".safetensors"]
    _, enhance = dock._viewer.window.add_plugin_dock_widget(
        "napari-gan-enhance", "Enhance"
    )
    assert enhance.controls.model.choice.value == str(kept[0])
    assert enhance.controls.model.choice.error == ""
