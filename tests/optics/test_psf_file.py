"""A PSF from a file is checked, centered and normalized."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.psf_file import read_psf
from napari_gan_enhance.optics.psf_width import fwhm_um

OIL = {"numerical_aperture": 1.4, "immersion_index": 1.515, "emission_nm": 520.0}

FLOAT32_SUM = 1e-5  # a sum over a few thousand float32 values
CENTERED = 0.05  # of a voxel
SHOT_NOISE = 0.08  # of a width: three voxels set it, each with noise of 3 to 5 %
INTERPOLATED = 2e-3  # of the peak: splines through 2 to 4 samples for each FWHM


def peaked(shape: tuple[int, ...], at: tuple[int, ...]) -> np.ndarray:
    impulse = np.zeros(shape, np.float32)
    impulse[at] = 1000
    return gaussian_filter(impulse, 1.5, mode="constant")


def stored(tmp_path, psf: np.ndarray, voxel_um: tuple[float, ...] = ()):
    """Write a PSF; without voxel size its planes and rows have none, and X 0.1 µm."""
    sizes = (
        dict(zip("ZYX"[-psf.ndim :], voxel_um, strict=True)) if voxel_um else {"X": 0.1}
    )
    metadata = {"axes": "ZYX"[-psf.ndim :]}
    for axis, size in sizes.items():
        metadata[f"PhysicalSize{axis}"] = size
        metadata[f"PhysicalSize{axis}Unit"] = "µm"
    tifffile.imwrite(
        tmp_path / "psf.ome.tif",
        psf.astype(np.float32),
        photometric="minisblack",
        metadata=metadata,
    )
    return tmp_path / "psf.ome.tif"


def centroid(psf: np.ndarray) -> np.ndarray:
    """Return the offset of the center of light from the middle, in voxels."""
    total = psf.sum(dtype=float)
    grids = np.indices(psf.shape)
    middle = np.array(psf.shape) // 2
    return np.array([(g * psf).sum(dtype=float) / total for g in grids]) - middle


@pytest.mark.parametrize(
    ("shape", "at", "expected"),
    [
        ((21, 23), (10, 11), (21, 23)),
        ((20, 22), (10, 11), (19, 21)),  # even, peak after the middle: drop the first
        ((20, 22), (9, 10), (19, 21)),  # even, peak before it: drop the last
        ((9, 20, 22), (4, 10, 10), (9, 19, 21)),
        ((31, 33), (18, 9), (25, 19)),
    ],
)
def test_psf_is_odd_with_its_peak_in_the_middle(tmp_path, shape, at, expected) -> None:
    path = stored(tmp_path, peaked(shape, at))
    found = read_psf(path, "ZYX"[-len(at) :], VoxelSize(0.1, 0.1, 0.1))
    assert found.values.shape == expected
    assert found.values.dtype == np.float32
    assert found.values.sum(dtype=float) == pytest.approx(1, abs=FLOAT32_SUM)
    # On a voxel already: cut, not interpolated.
    sides = zip(at, expected, strict=True)
    cut = tuple(slice(c - n // 2, c + n // 2 + 1) for c, n in sides)
    wanted = peaked(shape, at)[cut]
    np.testing.assert_allclose(found.values, wanted / wanted.sum(), atol=FLOAT32_SUM)


def test_fit_psf_is_taken_as_it_is(tmp_path) -> None:
    psf = point_spread_function((9, 43, 43), (0.3, 0.159, 0.159), **OIL)
    path = stored(tmp_path, psf)
    found = read_psf(path, "ZYX", VoxelSize(0.3, 0.1, 0.1))
    np.testing.assert_allclose(found.values, psf, rtol=1e-6)
    unknown = "The voxel size along Z, Y is not known of both the PSF and the image"
    assert [note.split(":")[0] for note in found.notes] == [unknown]


def test_psf_is_moved_by_parts_of_a_voxel(tmp_path) -> None:
    """The same PSF on a grid three times finer says where its center is."""
    fine = point_spread_function((61, 183, 183), (0.1, 0.02, 0.02), **OIL).astype(float)
    moved = fine[1:, 1:181, 2:182].reshape(30, 2, 60, 3, 60, 3).sum((1, 3, 5))
    found = read_psf(stored(tmp_path, moved), "ZYX", VoxelSize())
    # centers at 14.25, 29.67 and 29.33 of 30, 60 and 60
    assert found.notes[0] == (
        "The PSF was moved by (+0.25, -0.17, +0.17) voxels to its center."
    )
    assert found.values.shape == (29, 59, 59)
    assert np.abs(centroid(found.values)).max() < CENTERED
    wanted = point_spread_function((29, 59, 59), (0.2, 0.06, 0.06), **OIL)
    error = np.abs(found.values / found.values.max() - wanted / wanted.max()).max()
    assert error < INTERPOLATED


@pytest.mark.parametrize("voxel", [(0.3, 0.125, 0.085), (0.05, 0.03, 0.04)])
def test_psf_is_resampled_to_the_image(tmp_path, voxel: tuple) -> None:
    """As if it had been integrated over the image's voxels from the start."""
    psf = point_spread_function((31, 61, 61), (0.1, 0.05, 0.05), **OIL)
    path = stored(tmp_path, psf, voxel_um=(0.1, 0.05, 0.05))
    found = read_psf(path, "ZYX", VoxelSize(*voxel))
    wanted = point_spread_function(found.values.shape, voxel, **OIL)
    reach = np.array(found.values.shape) * voxel
    assert np.all(reach <= np.array([3.1, 3.05, 3.05]) + 1e-9)
    assert np.all(reach > np.array([3.1, 3.05, 3.05]) - 2 * np.array(voxel))
    error = np.abs(found.values / found.values.max() - wanted / wanted.max()).max()
    assert error < INTERPOLATED
    z, y, x = (f"{size} µm" for size in voxel)
    steps = f"Z 0.1 to {z}, Y 0.05 to {y}, X 0.05 to {x}"
    assert found.notes == (f"The PSF was resampled: {steps}.",)


def test_even_symmetric_psf_stays_in_place(tmp_path) -> None:
    """Its center lies between two pixels."""
    x = np.arange(20) - 9.5
    even = np.exp(-(x[:, None] ** 2 + x**2) / 8)
    psf = read_psf(stored(tmp_path, even), "YX", VoxelSize()).values
    assert psf.shape == (19, 19)
    np.testing.assert_allclose(psf, psf[::-1, ::-1], atol=1e-7)
    x = np.arange(19) - 9.0
    wanted = np.exp(-(x[:, None] ** 2 + x**2) / 8)
    assert np.abs(psf / psf.max() - wanted).max() < INTERPOLATED


def test_off_center_along_z_keeps_its_focus(tmp_path) -> None:
    """Each plane of a wide-field PSF holds the same light: its centroid is no guide."""
    whole = point_spread_function((31, 61, 61), (0.2, 0.08, 0.08), **OIL)
    psf = read_psf(stored(tmp_path, whole[6:]), "ZYX", VoxelSize()).values
    assert psf.shape == (19, 61, 61)
    wanted = whole[6:25]
    np.testing.assert_allclose(psf, wanted / wanted.sum(), atol=1e-7)


def test_background_and_noise_are_removed(tmp_path, rng) -> None:
    clean = peaked((25, 41, 41), (12, 20, 20))
    clean *= 1000 / clean.max()
    recorded = rng.poisson(clean + 50)
    found = read_psf(stored(tmp_path, recorded), "ZYX", VoxelSize())
    assert found.notes[0].startswith("A background of 4.5% of the peak was")
    assert found.notes[1].startswith("Noise around the PSF, down to -")
    assert np.abs(centroid(found.values)).max() < CENTERED
    # As much light within the spot as in the one without noise and background.
    spot = (slice(6, 19), slice(14, 27), slice(14, 27))
    assert found.values[spot].sum() > 0.97
    assert fwhm_um(found.values, (1, 1, 1)) == pytest.approx([3.53] * 3, rel=SHOT_NOISE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p - 0.2 * np.roll(p, 6, axis=0), "negative values down to -20%"),
        (lambda p: np.where(p == p.max(), np.nan, p), "NaN"),
        (lambda p: 0 * p, "no light"),
        (lambda p: 0 * p + 7, "no light"),
        (lambda p: np.minimum(p, 0.8 * p.max()), "saturated"),
        (lambda p: np.minimum(p + 10, 0.8 * p.max()), "saturated"),
        (lambda p: np.roll(p, 9, axis=0), "too near to the edge"),
        (lambda p: p[11:], "too near to the edge"),
        (lambda p: np.stack([p, p]), "nothing else"),
    ],
    ids=["negative", "nan", "dark", "flat", "saturated", "on-background", "near", "cut",
         "stack"],
)  # fmt: skip
def test_unfit_psf_is_refused(tmp_path, change, message: str) -> None:
    psf = change(peaked((23, 23), (11, 11)))
    with pytest.raises(InputError, match=message):
        read_psf(stored(tmp_path, psf), "YX", VoxelSize())


def test_top_rounded_to_gray_levels_is_not_saturated(tmp_path) -> None:
    impulse = np.zeros((61, 61))
    impulse[30, 30] = 1
    wide = gaussian_filter(impulse, 8, mode="constant")
    psf = np.round(60 * wide / wide.max())
    assert (psf == 60).sum() > 3
    assert read_psf(stored(tmp_path, psf), "YX", VoxelSize()).values.shape == (61, 61)


def test_plane_psf_does_not_fit_a_stack(tmp_path) -> None:
    path = stored(tmp_path, peaked((21, 21), (10, 10)))
    with pytest.raises(InputError, match="stack needs a PSF with 'ZYX'"):
        read_psf(path, "ZYX", VoxelSize())


def test_much_coarser_psf_is_refused(tmp_path) -> None:
    path = stored(tmp_path, peaked((21, 21), (10, 10)))
    with pytest.raises(InputError, match="voxels 5 times as large as the image's"):
        read_psf(path, "YX", VoxelSize(None, 0.1, 0.02))


def test_file_that_is_no_image_is_refused(tmp_path) -> None:
    path = tmp_path / "psf.tif"
    path.write_bytes(b"no image")
    with pytest.raises(FileFormatError, match=r"psf\.tif"):
        read_psf(path, "YX", VoxelSize())


def test_tiny_negative_values_are_rounding(tmp_path) -> None:
    psf = peaked((21, 21), (10, 10))
    psf[0, 0] = -1e-9 * psf.max()
    path = stored(tmp_path, psf, voxel_um=(0.1, 0.1, 0.1)[-2:])
    found = read_psf(path, "YX", VoxelSize(None, 0.1, 0.1))
    assert found.values.min() == 0
    assert found.notes == ()


@pytest.mark.shared_data
def test_measured_psf_is_repaired_and_says_so(shared_data) -> None:
    path = shared_data / "deconvolution" / "measured_beads" / "psf.tif"
    found = read_psf(path, "ZYX", VoxelSize(0.125, 0.0225, 0.0225))
    assert [note.split(" of ")[0] for note in found.notes[:1]] == ["A background"]
    assert "was moved by (-3." in found.notes[2]
    assert "voxel size along Z, Y, X is not known" in found.notes[3]
    assert found.values.min() >= 0
    assert found.values.sum(dtype=float) == pytest.approx(1, abs=FLOAT32_SUM)
    assert np.abs(centroid(found.values)).max() < CENTERED
