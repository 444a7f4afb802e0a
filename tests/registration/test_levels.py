"""Percentiles of whole images."""

from __future__ import annotations

import numpy as np

from napari_gan_enhance.registration.levels import PERCENTS, levels_of


def test_levels_of_booleans_are_zero_and_one() -> None:
    mask = np.arange(1001) >= 600  # no percentile of these falls between 0 and 1
    assert levels_of(mask) == tuple(float(percent >= 60) for percent in PERCENTS)
