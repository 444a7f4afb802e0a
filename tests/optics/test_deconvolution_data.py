"""Richardson-Lucy on real and published data; see the README beside the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from skimage.metrics import structural_similarity
from skimage.restoration import richardson_lucy as skimage_richardson_lucy

from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.optics.psf_file import read_psf
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy

pytestmark = pytest.mark.shared_data

PADDED_FLUX = 1e-3  # what reflection at the edges may cost
CENTROID_PX = 0.05  # demanded; half a pixel is what even PSFs cost
RINGING = 0.05  # of the brightest voxel: what may stand where the data shows nothing
MATLAB = 0.06  # see test_square_comes_back: what independent noise leaves
SKIMAGE = 0.04  # its noise is half the same
BEADS = [("bead_3d", "data", "kernel"), ("measured_beads", "beads", "psf")]


def load(*parts: str | Path) -> np.ndarray:
    return tifffile.imread(Path(*parts).with_suffix(".tif")).astype(float)


def psf_of(path: Path, axes: str) -> np.ndarray:
    psf = read_psf(path.with_suffix(".tif"), axes, VoxelSize())
    return getattr(psf, "values", psf)


def deconvolved(psf: np.ndarray, iterations: int, image: np.ndarray, **given):
    return RichardsonLucy(psf, iterations, **given)(image[np.newaxis])[0].astype(float)


def centroid(array: np.ndarray) -> np.ndarray:
    return np.array([(grid * array).sum() for grid in np.indices(array.shape)]) / (
        array.sum()
    )


def test_square_comes_back(shared_data) -> None:
    """Both stored results are accelerated, periodic iterations: 10 and about 20.

    `rl_skimage.tif` is not what its name says: the script that wrote it stored its own
    iteration. Both were made of other noise than `image.tif` holds: inside the square
    the fluctuations correlate by 0.07 (MATLAB) and 0.47. So they are compared after a
    Gaussian of 4 px, which leaves the structure; among one another they differ by 9 %.
    """
    folder = shared_data / "deconvolution" / "square_2d"
    names = ("image", "truth", "rl_skimage", "rl_matlab")
    image, truth, skimage, matlab = (load(folder, name) for name in names)
    psf = psf_of(folder / "psf", "YX")

    def smooth(array: np.ndarray) -> np.ndarray:
        return gaussian_filter(array, 4)[64:-64, 64:-64]

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        a, b = smooth(a), smooth(b)
        return float(np.linalg.norm(a - b) / np.linalg.norm(b))

    given = {"algorithm": "accelerated", "boundary": "periodic"}
    ten = deconvolved(psf, 10, image, **given)
    assert distance(ten, matlab) < MATLAB
    assert distance(deconvolved(psf, 20, image, **given), skimage) < SKIMAGE
    # The image stands on the mean of its squared noise, 1. MATLAB came to 0.072.
    assert distance(image - 1, truth) > 0.13
    assert distance(ten - 1, truth) < 0.08
    assert distance(deconvolved(psf, 30, image) - 1, truth) < 0.08


@pytest.mark.parametrize("iterations", [20, 100])
def test_bars_come_back_better_than_with_scikit_image(shared_data, iterations) -> None:
    folder = shared_data / "deconvolution" / "bars_3d"
    data, actual = load(folder, "data"), load(folder, "actual")
    psf = psf_of(folder / "kernel", "ZYX")
    peak = data.max()
    # The truth has the light of the data divided by 24.
    gain = actual.sum() / data.sum()

    def similarity(result: np.ndarray) -> float:
        return structural_similarity(result * gain, actual, data_range=np.ptp(actual))

    plain = deconvolved(psf, iterations, data)
    theirs = skimage_richardson_lucy(
        data / peak, psf.astype(float), num_iter=iterations, clip=False
    )
    assert similarity(plain) >= similarity(theirs * peak)
    assert plain.sum() == pytest.approx(data.sum(), rel=PADDED_FLUX)
    fast = deconvolved(psf, iterations, data, algorithm="accelerated")
    assert similarity(fast) >= similarity(plain)
    assert fast.sum() == pytest.approx(data.sum(), rel=PADDED_FLUX)


@pytest.mark.parametrize(("name", "image", "kernel"), BEADS)
def test_beads_sharpen_without_shift_and_rings(shared_data, name, image, kernel):
    """Mirrored on all axes they come out mirrored: a shift would change its sign."""
    folder = shared_data / "deconvolution" / name
    data, psf = load(folder, image), psf_of(folder / kernel, "ZYX")
    background = float(np.percentile(data, 10))
    light = np.maximum(data - background, 0)
    result = deconvolved(psf, 20, data, background=background)
    mirrored = deconvolved(np.flip(psf), 20, np.flip(data), background=background)
    moved = np.abs(centroid(result) - centroid(np.flip(mirrored))).max()
    assert moved < CENTROID_PX
    assert result.max() > 5 * light.max()
    dark = light < 0.1 * light.max()
    assert result[dark].max() < RINGING * result.max()
    assert result.sum() == pytest.approx(light.sum(), rel=PADDED_FLUX)


@pytest.mark.parametrize(("name", "image", "kernel"), BEADS)
def test_point_under_a_real_psf_stays_where_it_is(shared_data, name, image, kernel):
    psf = psf_of(shared_data / "deconvolution" / name / kernel, "ZYX")
    point = np.zeros((41, 61, 61))
    point[20, 30, 30] = 1000
    blurred = np.maximum(fftconvolve(point, psf.astype(float), mode="same"), 0)
    result = deconvolved(psf, 50, blurred)[16:25, 26:35, 26:35]
    assert np.abs(centroid(result) - 4).max() < CENTROID_PX
    assert result.max() > 10 * blurred.max()


def test_worms_sharpen_and_keep_their_light(shared_data) -> None:
    """A real plane with a PSF of about its width, every algorithm."""
    image = load(shared_data, "deconvolution", "celegans_2d", "image")
    y, x = np.mgrid[-7:8, -7:8]
    psf = np.exp(-(y**2 + x**2) / (2 * 1.5**2))
    detail = np.abs(np.diff(image)).mean()
    for algorithm in ("plain", "accelerated"):
        result = deconvolved(psf, 10, image, algorithm=algorithm)
        assert result.sum() == pytest.approx(image.sum(), rel=PADDED_FLUX)
        assert np.abs(np.diff(result)).mean() > 1.1 * detail
