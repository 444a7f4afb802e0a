"""The curves of a training, as they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtGui import QColor

from napari_gan_enhance.training.events import HeldOutScore
from napari_gan_enhance.widgets._train_plot import COLORS, TrainPlot

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

LOSSES = {"total": 0.3, "pixel": 0.2, "dissimilarity": 0.4}
SCORE = HeldOutScore(20.0, 1.0, 0.8, 0.1, 2.0)


@pytest.fixture
def plot(qtbot: QtBot) -> TrainPlot:
    plot = TrainPlot()
    qtbot.addWidget(plot)
    plot.resize(400, 400)
    plot.show()
    qtbot.waitExposed(plot)
    plot.clear_curves()
    return plot


def pixels_of(plot: TrainPlot, row: str, color: str) -> int:
    """Count the pixels of a color in one of the three plots, inside its axes."""
    wanted = np.array(QColor(color).getRgb()[:3])
    image = plot.grab().toImage()
    box = plot._plots[row].vb.sceneBoundingRect().toRect()
    seen = [
        image.pixelColor(x, y).getRgb()[:3]
        for x in range(box.left(), box.right())
        for y in range(box.top(), box.bottom())
    ]
    return int((np.abs(np.array(seen) - wanted).max(axis=1) < 30).sum())


def title(plot: TrainPlot) -> str:
    return plot._plots["loss"].titleLabel.text


def test_an_empty_plot_says_what_it_waits_for(plot: TrainPlot) -> None:
    assert "Waiting for the first step" in title(plot)
    plot.add_losses(1, LOSSES)
    plot.draw()
    assert "Waiting" not in title(plot)
    plot.clear_curves()
    assert "Waiting for the first step" in title(plot)


def test_only_losses_that_are_paid_are_named(plot: TrainPlot) -> None:
    plot.add_losses(1, LOSSES)
    plot.draw()
    assert "1-SSIM" in title(plot)
    assert "adversarial" not in title(plot)


def test_the_first_step_is_seen(plot: TrainPlot) -> None:
    assert pixels_of(plot, "loss", COLORS["dissimilarity"]) == 0
    plot.add_losses(1, LOSSES)
    plot.draw()
    assert pixels_of(plot, "loss", COLORS["dissimilarity"]) > 0


def test_the_start_is_seen_beside_the_first_step(plot: TrainPlot) -> None:
    """Looks begin at step 0, losses at step 1; all have one axis."""
    plot.add_score(0, SCORE)
    plot.add_losses(1, LOSSES)
    plot.draw()
    for row in ("psnr", "ssim"):
        # The point, and the dotted line of the untreated source.
        assert pixels_of(plot, row, COLORS["pixel"]) > 0
        assert pixels_of(plot, row, "#999999") > 0
        left, right = plot._plots[row].viewRange()[0]
        assert left < 0 < 1 < right
