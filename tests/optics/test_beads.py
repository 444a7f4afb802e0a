"""Beads whose PSF is known, and real ones."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.beads import distill_psf
from napari_gan_enhance.optics.psf import point_spread_function

OIL = {"numerical_aperture": 1.4, "immersion_index": 1.515, "emission_nm": 520.0}
VOXEL = (0.2, 0.1, 0.1)
SHAPE = (9, 21, 21)
BACKGROUND = 100

NOISE = 0.04  # of the peak: five beads of 2000 photons at the peak, moved by 0.05 voxel
WIDTH = 0.03  # of a width: the same noise at half maximum

# Beads off the grid by thirds of a voxel, as (z, y, x) and thirds.
ALONE = [
    ((14, 20, 20), (0, 0, 0)),
    ((14, 20, 60), (1, -1, 0)),
    ((15, 60, 20), (-1, 1, 1)),
    ((13, 60, 60), (1, 1, -1)),
    ((14, 20, 100), (0, -1, 1)),
]


@pytest.fixture(scope="module")
def fine() -> np.ndarray:
    """The PSF on a grid three times finer, of one photon at its peak voxel."""
    third = tuple(v / 3 for v in VOXEL)
    psf = point_spread_function((75, 93, 93), third, **OIL).astype(float)
    return psf / psf.reshape(25, 3, 31, 3, 31, 3).sum((1, 3, 5)).max()


def add_bead(stack: np.ndarray, fine: np.ndarray, at, thirds, photons: float) -> None:
    moved = np.roll(fine, thirds, axis=(0, 1, 2))
    bead = photons * moved.reshape(25, 3, 31, 3, 31, 3).sum((1, 3, 5))
    box, part = [], []
    for place, size, whole in zip(at, bead.shape, stack.shape, strict=True):
        low, high = place - size // 2, place + size // 2 + 1
        box.append(slice(max(0, low), min(whole, high)))
        part.append(slice(max(0, -low), size - max(0, high - whole)))
    stack[tuple(box)] += bead[tuple(part)]


@pytest.fixture
def stack(fine: np.ndarray) -> np.ndarray:
    """Five beads that stand alone."""
    stack = np.full((29, 130, 130), float(BACKGROUND))
    for at, thirds in ALONE:
        add_bead(stack, fine, at, thirds, 2000)
    return stack


def picked(rng: np.random.Generator, *more: tuple) -> list[np.ndarray]:
    """Points set by hand: beside the beads."""
    places = [at for at, _ in ALONE] + list(more)
    return [np.array(at) + rng.uniform(-1.5, 1.5, 3) for at in places]


def test_average_is_the_psf(stack, rng) -> None:
    recorded = rng.poisson(stack).astype(np.uint16)
    found = distill_psf(recorded, picked(rng), VOXEL, shape=SHAPE, **OIL)
    assert found.used == 5
    assert found.notes[0] == "5 of 5 beads were averaged."
    assert found.values.shape == SHAPE
    assert found.values.sum(dtype=float) == pytest.approx(1, abs=1e-5)
    wanted = point_spread_function(SHAPE, VOXEL, **OIL)
    error = np.abs(found.values / found.values.max() - wanted / wanted.max()).max()
    assert error < NOISE
    assert found.fwhm_um == pytest.approx(found.theory_um, rel=WIDTH)
    # 0.514 wavelength / NA of 0.191 um, widened a little by voxels of 0.1 um
    assert found.theory_um[1:] == pytest.approx([0.2] * 2, rel=0.02)


def test_unfit_beads_are_left_out_and_counted(stack, fine, rng) -> None:
    add_bead(stack, fine, (14, 100, 20), (0, 0, 0), 2000)
    add_bead(stack, fine, (14, 106, 22), (0, 0, 0), 2000)  # both in one window
    add_bead(stack, fine, (14, 100, 70), (0, 0, 0), 2000)
    add_bead(stack, fine, (14, 93, 70), (0, 0, 0), 1500)  # not picked, still there
    add_bead(stack, fine, (14, 64, 126), (0, 0, 0), 2000)  # near the edge
    add_bead(stack, fine, (14, 110, 110), (0, 0, 0), 20_000)  # saturated
    more = ((14, 100, 20), (14, 106, 22), (14, 100, 70), (14, 64, 126), (14, 110, 110))
    recorded = np.minimum(rng.poisson(stack), 10_000).astype(np.uint16)
    points = [*picked(rng, *more), (14.0, 92.0, 44.0)]  # the last beside any bead
    found = distill_psf(recorded, points, VOXEL, shape=SHAPE)
    assert found.used == 5
    assert found.notes[0] == (
        "5 of 11 beads were averaged; left out: 1 too near to the edge, 3 too near to "
        "another, 1 saturated, 1 too faint."
    )
    assert found.theory_um == (None, None, None)


def test_bead_picked_twice_counts_once(stack, rng) -> None:
    recorded = rng.poisson(stack).astype(np.uint16)
    points = [(14, 20, 20), (14.8, 21.0, 19.4)]
    assert distill_psf(recorded, points, VOXEL, shape=SHAPE).used == 1


def test_plane_of_beads_gives_a_plane(stack, rng) -> None:
    recorded = rng.poisson(stack[14]).astype(np.uint16)
    found = distill_psf(recorded, [p[1:] for p in picked(rng)], VOXEL[1:], **OIL)
    assert found.used == 5
    assert found.values.ndim == 2
    assert tuple(found.voxel_size_um) == (None, 0.1, 0.1)
    assert len(found.fwhm_um) == 2


@pytest.mark.parametrize(
    ("points", "given", "message"),
    [
        ([(14, 20)], {}, "3 coordinates"),
        ([(14, 20, np.nan)], {}, "3 coordinates"),
        ([(14, 20, 20)], {"shape": (8, 21, 21)}, "odd sizes"),
        ([(14, 3, 3)], {"shape": SHAPE}, "0 of 1 beads .* 1 too near to the edge"),
        ([(14, -9, 3)], {"shape": SHAPE}, "0 of 1 beads .* 1 too near to the edge"),
        ([], {}, "0 of 0 beads"),
    ],
)
def test_what_gives_no_psf_is_refused(stack, points, given, message: str) -> None:
    with pytest.raises(InputError, match=message):
        distill_psf(stack, points, VOXEL, **given)


def test_voxel_size_must_be_known(stack) -> None:
    with pytest.raises(InputError, match="3 positive"):
        distill_psf(stack, [(14, 20, 20)], (None, 0.1, 0.1))


@pytest.mark.shared_data
def test_measured_beads_agree_with_one_of_them(shared_data) -> None:
    """The stored PSF is one bead of the stack, cut out by others."""
    folder = shared_data / "deconvolution" / "measured_beads"
    stack = tifffile.imread(folder / "beads.tif")
    points = [(24, 36, 125), (24, 73, 29), (24, 82, 75), (24, 111, 44)]
    found = distill_psf(stack, points, (0.125, 0.0225, 0.0225))
    assert found.used >= 2
    # Full widths at half maximum of psf.tif, read off its middle lines by eye.
    assert found.fwhm_um[0] == pytest.approx(4.3 * 0.125, rel=0.15)
    assert found.fwhm_um[1] == pytest.approx(10.5 * 0.0225, rel=0.2)
    assert found.fwhm_um[2] == pytest.approx(8.0 * 0.0225, rel=0.2)
