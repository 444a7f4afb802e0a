"""Passes over turned, mirrored and moved windows."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.trust.disagreement import TURNS, Spread

ROUNDING = 1e-6
"""float32 on values around 1."""


class Slope:
    """Difference to the pixel on the left: turned copies answer differently."""

    halo = (1, 1)
    size_multiple = (4, 4)
    upscale = (1, 1)
    bytes_per_pixel = 8.0

    def __call__(self, window):
        return np.diff(window, axis=2, prepend=window[:, :, :1])


class Grid(Slope):
    """Marks the pixels at which tiles begin."""

    def __call__(self, window):
        result = np.zeros(window.shape)
        result[:, ::4, ::4] = 1
        return result


@pytest.mark.parametrize("turn", TURNS)
def test_turning_there_and_back_is_nothing(rng, turn):
    window = rng.random((2, 8, 12))
    shown = turn.forward(window, (4, 4))
    assert all(n % 4 == 0 for n in shown.shape[1:])
    np.testing.assert_array_equal(turn.backward(shown, (8, 12), (4, 4)), window)


def test_all_eight_turns_are_different(rng):
    square = rng.random((1, 4, 4))
    shown = {turn.forward(square, (1, 1)).tobytes() for turn in TURNS}
    assert len(shown) == 8


def test_symmetric_operator_agrees_with_itself(rng):
    class Square(Slope):
        def __call__(self, window):
            return window**2

    spread = Spread(Square(), 8)(rng.random((1, 8, 8)))
    np.testing.assert_allclose(spread, 0, atol=ROUNDING)


def test_spread_of_a_slope_is_that_of_its_four_directions():
    """On a ramp along X each pass sees +1, -1, 0 or 0, twice: s² = 4 / (8 - 1)."""
    ramp = np.broadcast_to(np.arange(16.0), (1, 16, 16))
    spread = Spread(Slope(), 8)(ramp)
    inner = (0, slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(spread[inner], np.sqrt(4 / 7), rtol=ROUNDING)


@pytest.mark.parametrize("passes", [4, 8])
def test_tile_origins_are_moved(rng, passes):
    assert Spread(Grid(), passes)(np.zeros((1, 16, 16))).max() > 0.3
