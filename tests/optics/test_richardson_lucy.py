"""Richardson-Lucy: flux, position, edges, and agreement with other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import richardson_lucy as skimage_richardson_lucy

from napari_gan_enhance.device import device_faults, select_device
from napari_gan_enhance.errors import DeviceError, InputError
from napari_gan_enhance.optics import blur
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles

PERIODIC_FLUX = 1e-4  # anchor: architectures, section 12
PADDED_FLUX = 1e-3  # what reflection at the edges may cost
CENTROID_PX = 1e-3  # zero shift; half a pixel is what even PSFs cost
SEAM = 5e-5  # half of 10^-4: four half-widths of halo, ten times less with each
FLOAT32 = 5e-6  # of the brightest pixel: ten float32 transforms there and back


def gaussian_psf(sigma: float, half: int, ndim: int) -> np.ndarray:
    impulse = np.zeros((2 * half + 1,) * ndim)
    impulse[(half,) * ndim] = 1
    return gaussian_filter(impulse, sigma, mode="constant", truncate=half / sigma)


def beads(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> np.ndarray:
    image = np.full(shape, 5.0)
    for _ in range(count):
        image[tuple(rng.integers(0, n) for n in shape)] += rng.uniform(100, 1000)
    return image


def lopsided_psf() -> np.ndarray:
    """A PSF without any symmetry, its peak in the middle."""
    psf = gaussian_psf(1.2, 4, 2)
    psf[6, 3] += 0.3 * psf.max()
    psf[2, 2] += 0.1 * psf.max()
    return psf / psf.sum()


def deconvolved(psf: np.ndarray, iterations: int, image: np.ndarray, **kwargs):
    return RichardsonLucy(psf, iterations, **kwargs)(image[np.newaxis])[0]


@pytest.mark.parametrize("shape", [(64, 48), (12, 30, 25)])
def test_periodic_flux_is_kept(rng: np.random.Generator, shape: tuple) -> None:
    psf = gaussian_psf(1.5, 4, len(shape))
    image = beads(rng, shape, 40)
    result = deconvolved(psf, 20, image, boundary="periodic")
    assert result.sum(dtype=float) == pytest.approx(image.sum(), rel=PERIODIC_FLUX)


@pytest.mark.parametrize("iterations", [1, 10, 50])
@pytest.mark.parametrize("shape", [(61, 47), (9, 30, 25)])
def test_padded_flux_is_kept(
    rng: np.random.Generator, shape: tuple, iterations: int
) -> None:
    image = gaussian_filter(beads(rng, shape, 40), 1.5)
    result = deconvolved(gaussian_psf(1.5, 5, len(shape)), iterations, image)
    assert result.sum(dtype=float) == pytest.approx(image.sum(), rel=PADDED_FLUX)
    assert result.min() >= 0


def test_lopsided_psf_keeps_flux_away_from_edges() -> None:
    image = np.zeros((50, 50))
    image[20:30, 20:25] = 100
    result = deconvolved(lopsided_psf(), 30, image)
    assert result.sum(dtype=float) == pytest.approx(image.sum(), rel=PADDED_FLUX)


@pytest.mark.parametrize("shape", [(33, 40), (19, 21, 30)])
def test_nothing_is_shifted(shape: tuple[int, ...]) -> None:
    psf = gaussian_psf(1.5, 5, len(shape))
    image = np.zeros(shape)
    image[tuple(n // 2 for n in shape)] = 1000
    blurred = gaussian_filter(image, 1.5, truncate=5 / 1.5, mode="constant")
    result = deconvolved(psf, 20, blurred)
    for grid, size in zip(np.indices(shape), shape, strict=True):
        centroid = (grid * result).sum(dtype=float) / result.sum(dtype=float)
        assert centroid == pytest.approx(size // 2, abs=CENTROID_PX)


def test_lopsided_psf_is_not_mirrored() -> None:
    """Blurred by hand with a PSF of no symmetry, a point comes back where it was."""
    blurred = np.zeros((41, 37))
    blurred[20 - 4 : 20 + 5, 15 - 4 : 15 + 5] = 1000 * lopsided_psf()
    result = deconvolved(lopsided_psf(), 100, blurred)
    assert np.unravel_index(result.argmax(), result.shape) == (20, 15)
    assert result.max() > 0.9 * result.sum()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 6e4])
@pytest.mark.parametrize("psf", [gaussian_psf(1.5, 5, 2), lopsided_psf()])
def test_constant_stays_constant_up_to_the_edge(psf: np.ndarray, scale: float) -> None:
    result = deconvolved(psf, 20, np.full((31, 23), scale))
    np.testing.assert_allclose(result, scale, rtol=20 * FLOAT32)


def test_reflection_at_the_edge_is_exact(rng: np.random.Generator) -> None:
    """The same image mirrored by hand on all sides, periodic, is the same problem."""
    image = gaussian_filter(beads(rng, (20, 24), 20), 1)
    mirrored = np.pad(image, [(20, 20), (24, 24)], mode="symmetric")[:40, :48]
    psf = gaussian_psf(1.5, 5, 2)
    whole = deconvolved(psf, 10, mirrored, boundary="periodic")
    result = deconvolved(psf, 10, image)
    np.testing.assert_allclose(result, whole[20:40, 24:48], atol=FLOAT32 * result.max())


def test_psf_of_one_pixel_changes_nothing(rng: np.random.Generator) -> None:
    image = beads(rng, (17, 13), 10)
    result = deconvolved(np.ones((1, 1)), 10, image)
    np.testing.assert_allclose(result, image, rtol=1e-4, atol=FLOAT32 * image.max())


def test_agrees_with_skimage_inside(rng: np.random.Generator) -> None:
    """Zeros outside the field reach 2 px further in with each blurring: 40 in all."""
    image = rng.poisson(gaussian_filter(beads(rng, (128, 120), 300), 1.2)).astype(float)
    psf = gaussian_psf(1.2, 2, 2)
    expected = skimage_richardson_lucy(image, psf, num_iter=10, clip=False)
    result = deconvolved(psf, 10, image, start="flat")
    inside = (slice(42, -42), slice(42, -42))
    assert np.abs(result - expected)[inside].max() < FLOAT32 * expected.max()


def test_edges_are_better_than_without_padding(rng: np.random.Generator) -> None:
    scene = beads(rng, (120, 120), 200)
    psf = gaussian_psf(2, 7, 2)
    image = gaussian_filter(scene, 2, truncate=7 / 2)[30:90, 30:90]
    edge = np.ones((60, 60), bool)
    edge[7:-7, 7:-7] = False
    truth = gaussian_filter(scene, 1)[30:90, 30:90]
    ours = deconvolved(psf, 10, image)
    theirs = skimage_richardson_lucy(image, psf, num_iter=10, clip=False)
    error = [
        np.sqrt((((gaussian_filter(r, 1) - truth)[edge]) ** 2).mean())
        for r in (ours, theirs)
    ]
    assert error[0] < error[1]


@pytest.mark.parametrize("scale", [1e-3, 6e4])
def test_result_scales_with_the_image(rng: np.random.Generator, scale: float) -> None:
    image = gaussian_filter(beads(rng, (40, 40), 20), 1.5)
    psf = gaussian_psf(1.5, 5, 2)
    expected = deconvolved(psf, 10, image)
    result = deconvolved(psf, 10, image * scale) / scale
    np.testing.assert_allclose(result, expected, atol=FLOAT32 * expected.max())


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "f2", "f8"])
def test_every_dtype_gives_float32(dtype: str) -> None:
    image = np.zeros((20, 20), dtype)
    image[8:12, 8:12] = 1
    result = deconvolved(gaussian_psf(1, 3, 2), 2, image)
    assert result.dtype == np.float32
    assert result.sum() == pytest.approx(16, rel=PADDED_FLUX)


def test_negative_pixels_count_as_zero(rng: np.random.Generator) -> None:
    image = gaussian_filter(beads(rng, (30, 30), 10), 1) - 20
    psf = gaussian_psf(1, 3, 2)
    np.testing.assert_array_equal(
        deconvolved(psf, 5, image), deconvolved(psf, 5, np.maximum(image, 0))
    )


def test_dead_pixel_is_not_stuck_at_zero() -> None:
    image = np.full((15, 15), 100.0)
    image[7, 7] = 0
    assert deconvolved(gaussian_psf(1, 3, 2), 5, image)[7, 7] > 0


def test_black_window_stays_black() -> None:
    assert not deconvolved(gaussian_psf(1, 3, 2), 3, np.zeros((9, 9))).any()


def test_image_smaller_than_the_psf() -> None:
    result = deconvolved(gaussian_psf(2, 9, 3), 5, np.full((1, 2, 3), 7.0))
    np.testing.assert_allclose(result, 7, rtol=20 * FLOAT32)


@pytest.mark.parametrize("tile", [(33, 40), (64, 17)])
def test_tiles_agree_with_the_whole_image(
    rng: np.random.Generator, tile: tuple[int, int]
) -> None:
    image = rng.poisson(gaussian_filter(beads(rng, (97, 83), 80), 1.5))
    operator = RichardsonLucy(gaussian_psf(1.5, 4, 2), 10)
    target = np.zeros((1, 97, 83), np.float32)
    part = Part(image[np.newaxis], target, operator)
    drain(run_tiles([part], tile=tile, stage="testing"))
    whole = operator(image[np.newaxis])
    # What a tile misses fades by ten for each half-width of the PSF; the halo has four.
    assert np.abs(target - whole).max() < SEAM * whole.max()


def test_steps_report_and_can_be_stopped() -> None:
    operator = RichardsonLucy(gaussian_psf(1, 3, 2), 3)
    fractions = list(operator.steps(np.ones((2, 9, 9))))
    assert len(fractions) == 2 * 3 * 4
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    steps = operator.steps(np.ones((1, 9, 9)))
    next(steps)
    steps.close()


def test_memory_is_stated_honestly() -> None:
    """Count what torch and numpy allocate is not possible; count the arrays instead."""
    # Source, data, estimate, result; in place: blurred image and transfer function.
    plain = RichardsonLucy(np.ones((5, 5)), 1, image_shape=(100, 60))
    assert plain.bytes_per_pixel == 16 + 8
    # Grid of 104 x 64, fast sizes: 104 = 8 * 13 is not, 105 = 3 * 5 * 7 is.
    padded = RichardsonLucy(lopsided_psf()[2:7, 2:7], 1, image_shape=(100, 60))
    expected = 16 + 24 * 105 * 64 / (100 * 60)
    assert padded.bytes_per_pixel == pytest.approx(expected)


@pytest.mark.parametrize(
    ("psf", "message"),
    [
        (np.ones((4, 5)), "odd"),
        (np.ones(5), "two or three"),
        (np.zeros((3, 3)), "positive sum"),
        (np.array([[1, -1, 1]]), "no negative"),
        (np.array([[1, np.nan, 1]]), "no infinite"),
    ],
)
def test_impossible_psf_is_refused(psf: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RichardsonLucy(psf, 10)


def test_impossible_windows_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        RichardsonLucy(np.ones((3, 3)), 0)
    operator = RichardsonLucy(np.ones((3, 3)), 1)
    with pytest.raises(InputError, match="does not fit a PSF"):
        operator(np.ones((1, 5, 5, 5)))
    with pytest.raises(InputError, match="NaN"):
        operator(np.full((1, 5, 5), np.nan))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), MemoryError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError),
        (RuntimeError("cuFFT error"), DeviceError),
    ],
)
def test_torch_errors_become_ours(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, expected: type
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(blur.scipy.fft, "dctn", fails)
    with pytest.raises(expected, match=str(fault).split(":")[0]):
        RichardsonLucy(np.ones((3, 3)), 1)(np.ones((1, 5, 5)))


def test_device_faults_let_other_errors_pass() -> None:
    with pytest.raises(InputError, match="mine"), device_faults("cpu"):
        raise InputError("mine")


def test_absent_device_is_refused() -> None:
    assert select_device("cpu").type == "cpu"
    if not torch.backends.mps.is_available():
        with pytest.raises(DeviceError, match="'mps' is not there"):
            select_device("mps")


@pytest.mark.gpu
def test_gpu_agrees_with_the_processor(rng: np.random.Generator) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this computer has no CUDA device")
    image = gaussian_filter(beads(rng, (10, 40, 30), 20), 1)
    psf = gaussian_psf(1, 3, 3)
    expected = deconvolved(psf, 10, image)
    result = deconvolved(psf, 10, image, device="cuda")
    assert np.abs(result - expected).max() < 10 * FLOAT32 * expected.max()


def test_psf_of_the_microscope_works_end_to_end(rng: np.random.Generator) -> None:
    psf = point_spread_function(
        (5, 9, 9),
        (0.3, 0.1, 0.1),
        numerical_aperture=0.9,
        immersion_index=1.0,
        emission_nm=520,
    )
    result = deconvolved(psf, 5, np.full((6, 20, 20), 3.0))
    np.testing.assert_allclose(result, 3, rtol=20 * FLOAT32)
