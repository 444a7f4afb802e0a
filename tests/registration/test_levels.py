"""Percentiles of whole images."""

from __future__ import annotations

import numpy as np

from napari_gan_enhance.registration import levels
from napari_gan_enhance.registration.levels import PERCENTS, levels_of


def test_levels_of_booleans_are_zero_and_one() -> None:
    mask = np.arange(1001) >= 600  # no percentile of these falls between 0 and 1
    assert levels_of(mask) == tuple(float(percent >= 60) for percent in PERCENTS)


def test_levels_of_a_large_stack_see_every_column(monkeypatch) -> None:
    """Shading along X: a stride of a multiple of the width would see one column."""
    monkeypatch.setattr(levels, "MOST_SAMPLES", 2**12)
    stack = np.tile(np.arange(64.0), (64, 64, 1))
    # A gray level: few pixels are looked at.
    np.testing.assert_allclose(levels_of(stack), np.percentile(stack, PERCENTS), atol=1)
