"""The dock says whether the model suits the layer, of this layer and this model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.widgets._verdict_row import COLORS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.widgets.enhance import EnhanceDock

WAIT_MS = 20_000
"""Longer than a look at an image takes on a busy machine."""


@pytest.fixture(scope="module")
def fine_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator with random weights whose card names pixels of 50 to 60 nm."""
    import torch

    from napari_gan_enhance.checkpoints.native import save_checkpoint
    from napari_gan_enhance.models.registry import build_network, spec_of
    from napari_gan_enhance.models.spec import ModelCard

    torch.manual_seed(3)
    config = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 1}
    network = build_network("residual-unet", config)
    card = ModelCard(name="fine", voxel_size_range_um=(0.05, 0.06))
    path = tmp_path_factory.mktemp("models") / "fine.safetensors"
    spec = spec_of("residual-unet", config)
    return save_checkpoint(path, network.state_dict(), spec, card)


@pytest.fixture
def says(dock: EnhanceDock, qtbot: QtBot) -> Callable[[str, str], None]:
    def wait_for(level: str, words: str) -> None:
        def is_said() -> None:
            row = dock.controls.verdict
            assert row.verdict is not None
            assert row.verdict.level == level, row.verdict
            assert words in row.text.text()
            assert COLORS[level] in row.text.styleSheet()
            assert row.isVisibleTo(dock)

        qtbot.waitUntil(is_said, timeout=WAIT_MS)

    return wait_for


def test_verdict_follows_layer_model_and_pixels(
    dock: EnhanceDock,
    viewer: Viewer,
    cells: Image,
    checkpoint: Path,
    fine_checkpoint: Path,
    says: Callable[[str, str], None],
) -> None:
    says("good", "Nothing found against this model")
    dock.controls.model.choose(str(fine_checkpoint))
    says("doubtful", "0.1 µm; the model was trained on 0.05 to 0.06 µm")
    dock.controls.deconvolve.setChecked(True)  # the pixel size can be typed in
    for axis in "yx":
        field = dock.controls.optics.fields[f"voxel_size_um.{axis}"]
        field.setText("0.055")
        field.textEdited.emit("0.055")
    says("good", "Nothing found against this model")
    dock.controls.deconvolve.setChecked(False)
    dock.controls.model.choose(str(checkpoint))
    cells.data = np.minimum(cells.data, 100)  # half of the pixels
    says("unfit", "saturated")
    assert dock.panel.button.isEnabled()  # it is for the user to decide
    viewer.add_image(np.zeros((48, 48, 3), np.uint8), rgb=True)
    says("unfit", "RGB")
    viewer.layers.clear()
    assert not dock.controls.verdict.isVisibleTo(dock)


def test_answer_to_an_older_question_is_not_shown(
    dock: EnhanceDock,
    viewer: Viewer,
    cells: Image,
    says: Callable[[str, str], None],
    qtbot: QtBot,
) -> None:
    row = dock.controls.verdict
    says("good", "Nothing found against this model")
    cells.data = np.minimum(cells.data, 100)
    assert row.verdict is None
    with qtbot.waitSignal(row.question.runner.reported, timeout=WAIT_MS):
        pass
    # napari does not ask before it closes a window that only looks at an image.
    assert viewer.window._task_status_manager.get_status() == []
    cells.data = np.random.default_rng(0).poisson(100, (64, 96)).astype(np.uint16)
    assert row.verdict is None  # whatever the first job is about to say
    says("good", "Nothing found against this model")
