"""A PSF from a file is checked, centered and normalized."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.optics.psf_file import read_psf

FLOAT32_SUM = 1e-5  # a sum over a few thousand float32 values


def peaked(shape: tuple[int, ...], at: tuple[int, ...]) -> np.ndarray:
    impulse = np.zeros(shape, np.float32)
    impulse[at] = 1000
    return gaussian_filter(impulse, 1.5, mode="constant")


def stored(tmp_path, psf: np.ndarray, axes: str = ""):
    axes = axes or "ZYX"[-psf.ndim :]
    tifffile.imwrite(
        tmp_path / "psf.ome.tif",
        psf.astype(np.float32),
        photometric="minisblack",
        metadata={"axes": axes, "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"},
    )
    return tmp_path / "psf.ome.tif"


@pytest.mark.parametrize(
    ("shape", "at", "expected"),
    [
        ((21, 23), (10, 11), (21, 23)),
        ((20, 22), (10, 11), (19, 21)),  # even, peak after the middle: drop the first
        ((20, 22), (9, 10), (19, 21)),  # even, peak before it: drop the last
        ((9, 20, 22), (4, 10, 10), (9, 19, 21)),
    ],
)
def test_psf_is_odd_with_its_peak_in_the_middle(tmp_path, shape, at, expected) -> None:
    psf = read_psf(stored(tmp_path, peaked(shape, at)), "ZYX"[-len(at) :], VoxelSize())
    assert psf.shape == expected
    assert psf.dtype == np.float32
    assert psf.sum(dtype=float) == pytest.approx(1, abs=FLOAT32_SUM)
    middle = tuple(n // 2 for n in expected)
    assert np.unravel_index(psf.argmax(), psf.shape) == middle


def test_even_symmetric_psf_stays_in_place(tmp_path) -> None:
    """Its center lies between two pixels; averaging the two keeps it symmetric."""
    x = np.arange(20) - 9.5
    even = np.exp(-(x[:, None] ** 2 + x**2) / 8)
    psf = read_psf(stored(tmp_path, even), "YX", VoxelSize())
    assert psf.shape == (19, 19)
    np.testing.assert_allclose(psf, psf[::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p + 0.05 * p.max(), "background of 5%"),
        (lambda p: p - 0.01 * p.max(), "negative values"),
        (lambda p: np.where(p == p.max(), np.nan, p), "NaN"),
        (lambda p: 0 * p, "no light"),
        (lambda p: np.roll(p, 8, axis=0), "off its center"),
        (lambda p: np.stack([p, p]), "nothing else"),
    ],
)
def test_unfit_psf_is_refused(tmp_path, change, message: str) -> None:
    psf = change(peaked((21, 21), (10, 10)))
    with pytest.raises(InputError, match=message):
        read_psf(stored(tmp_path, psf), "YX", VoxelSize())


def test_plane_psf_does_not_fit_a_stack(tmp_path) -> None:
    path = stored(tmp_path, peaked((21, 21), (10, 10)))
    with pytest.raises(InputError, match="stack needs a PSF with 'ZYX'"):
        read_psf(path, "ZYX", VoxelSize())


def test_other_sampling_is_refused(tmp_path) -> None:
    path = stored(tmp_path, peaked((21, 21), (10, 10)))
    with pytest.raises(InputError, match=r"0\.1 µm along X, the image 0\.2"):
        read_psf(path, "YX", VoxelSize(None, 0.1, 0.2))


def test_file_that_is_no_image_is_refused(tmp_path) -> None:
    path = tmp_path / "psf.tif"
    path.write_bytes(b"no image")
    with pytest.raises(FileFormatError, match=r"psf\.tif"):
        read_psf(path, "YX", VoxelSize())


def test_tiny_negative_values_are_rounding(tmp_path) -> None:
    psf = peaked((21, 21), (10, 10))
    psf[0, 0] = -1e-9 * psf.max()
    assert read_psf(stored(tmp_path, psf), "YX", VoxelSize()).min() == 0


@pytest.mark.shared_data
def test_measured_psf_off_center_is_refused(shared_data) -> None:
    path = shared_data / "deconvolution" / "measured_beads" / "psf.tif"
    with pytest.raises(InputError, match="off its center"):
        read_psf(path, "ZYX", VoxelSize())
