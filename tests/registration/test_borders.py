"""Empty borders are left out, dark background is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.borders import within_border
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.estimate import AlignSettings, estimate

SIDE = 256

CORNER_PX = 0.35
"""As in `test_estimate`; a captured alignment is off by pixels."""


def offsets() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return y, x


def frame(width: int) -> np.ndarray:
    return np.pad(np.ones((SIDE - 2 * width,) * 2, bool), width)


def turned() -> np.ndarray:
    y, x = offsets()
    along = np.cos(0.1) * y + np.sin(0.1) * x, np.cos(0.1) * x - np.sin(0.1) * y
    return (np.abs(along[0]) < 116) & (np.abs(along[1]) < 116)


def stitched() -> np.ndarray:
    held = np.ones((SIDE, SIDE), bool)
    held[:20, :100] = held[:30, 180:] = held[:, :5] = False
    return held


BORDERS = {
    "frame": frame(32),
    "thin": frame(3),
    "field stop": np.hypot(*offsets()) < 120,
    "turned": turned(),
    "stitched": stitched(),
}


def specimen(rng: np.random.Generator, margin: int = 32) -> np.ndarray:
    side = SIDE + 2 * margin
    return gaussian_filter((rng.random((side, side)) > 0.995) * 3000.0, 1.5)


@pytest.mark.parametrize("value", [0, 77.5])
@pytest.mark.parametrize("held", BORDERS.values(), ids=BORDERS)
def test_border_of_one_value_is_found(rng, held, value) -> None:
    camera = specimen(rng, 0) + rng.normal(100, 3, held.shape)
    np.testing.assert_array_equal(within_border(np.where(held, camera, value)), held)


CELLS = [(70, 90, 30), (150, 160, 45), (90, 190, 20), (200, 60, 15)]


def cells(height: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    disks = [np.hypot(y - at, x - by) < radius for at, by, radius in CELLS]
    return gaussian_filter(height * np.sum(disks, axis=0), 2.5)


def test_dark_background_is_no_border(rng) -> None:
    fields = {
        "camera": rng.normal(20, 2, (SIDE, SIDE)) + cells(300),
        "dim camera": rng.poisson(2, (SIDE, SIDE)),
        "photons": rng.poisson(0.01 + cells(2)),
        "few photons": rng.poisson(0.002 + cells(0.1)),
        "cells on zero": rng.poisson(cells(50)),
        "offset cut off": np.clip(cells(200) + rng.normal(-8, 3, (SIDE, SIDE)), 0, 255),
        "8 bits without noise": cells(200).astype(np.uint8),
        "mask": cells(200) > 100,
        "simulation": np.where(cells(200) > 20, cells(200), 0),
        "one value": np.full((SIDE, SIDE), 7),
    }
    lost = [name for name, plane in fields.items() if not within_border(plane).all()]
    assert lost == []


@pytest.mark.parametrize("pixel_um", [1.0, 1.05], ids=["as it is", "resampled"])
@pytest.mark.parametrize("name", ["frame", "field stop"])
def test_border_in_both_images_does_not_capture_the_alignment(
    rng, name, pixel_um
) -> None:
    whole, shift = specimen(rng), np.array([7, -5])
    fixed = whole[32:-32, 32:-32] + rng.normal(100, 3, (SIDE, SIDE))
    y, x = 32 + shift
    seen = gaussian_filter(whole, 2)[y : y + SIDE, x : x + SIDE]
    moving = seen + rng.normal(100, 1, (SIDE, SIDE))
    placed = np.diag([pixel_um, pixel_um, 1.0])
    pair = [
        PlacedImage(np.where(BORDERS[name], pixels, 0), world)
        for pixels, world in ((moving, placed), (fixed, np.eye(3)))
    ]
    found = drain(estimate(*pair, AlignSettings())).transform.matrix @ placed
    true = np.eye(3)
    true[:2, 2] = shift
    ends = np.array([[a, b, 1] for a in (0, SIDE) for b in (0, SIDE)])
    off = np.linalg.norm((ends @ (found - true).T)[:, :2], axis=1).max()
    assert off < CORNER_PX
