"""The relatives of plain Richardson-Lucy: what each promises, what all must keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.optics.blur import blur_for
from napari_gan_enhance.optics.iteration_total_variation import unit_divergence
from napari_gan_enhance.optics.iteration_wiener_butterworth import (
    ALPHA,
    ORDER,
    back_projector,
)
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.operator import Snapshot

PERIODIC_FLUX = 1e-4  # anchor: architectures, section 12
PADDED_FLUX = 1e-3  # what reflection at the edges may cost
UNMATCHED_FLUX = 0.05  # neither total variation nor Wiener-Butterworth promises any
CENTROID_PX = 1e-3
FLOAT32 = 1e-5  # of the brightest pixel: ten iterations in float32
ACCELERATED = 2e-3  # float32 against float64, amplified by the extrapolation
SEAM = 2e-3  # of the peak: extrapolation factors differ between tiles

ALGORITHMS = ["plain", "accelerated", "total-variation", "wiener-butterworth"]
MATCHED = ["plain", "accelerated"]


def gaussian_psf(sigma: float, half: int, ndim: int = 2) -> np.ndarray:
    impulse = np.zeros((2 * half + 1,) * ndim)
    impulse[(half,) * ndim] = 1
    return gaussian_filter(impulse, sigma, mode="constant", truncate=half / sigma)


def filaments(rng: np.random.Generator, size: int = 96) -> np.ndarray:
    """Thin lines, peak 200 photons, background 5."""
    image = np.zeros((size, size))
    steps = np.linspace(0, 1, 4 * size)
    for _ in range(8):
        (y0, x0), (y1, x1) = rng.uniform(0, size - 1, (2, 2))
        y, x = y0 + (y1 - y0) * steps, x0 + (x1 - x0) * steps
        image[y.round().astype(int), x.round().astype(int)] = 1
    smooth = gaussian_filter(image, 0.6)
    return 5 + 195 * smooth / smooth.max()


@pytest.fixture
def toy(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, image with photon noise, and PSF."""
    truth, psf = filaments(rng), gaussian_psf(1.45, 6)
    image = rng.poisson(gaussian_filter(truth, 1.45, truncate=6 / 1.45))
    return truth, image.astype(float), psf


def deconvolved(psf: np.ndarray, iterations: int, image: np.ndarray, **given):
    return RichardsonLucy(psf, iterations, **given)(image[np.newaxis])[0].astype(float)


def psnr(result: np.ndarray, truth: np.ndarray) -> float:
    return float(20 * np.log10(truth.max() / np.sqrt(((result - truth) ** 2).mean())))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("scale", [1e-3, 6e4])
def test_constant_stays_constant(algorithm: str, scale: float) -> None:
    image = np.full((31, 23), scale)
    result = deconvolved(gaussian_psf(1.5, 5), 20, image, algorithm=algorithm)
    np.testing.assert_allclose(result, scale, rtol=1e-4)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_intensities_of_any_scale_are_alike(toy, algorithm: str) -> None:
    _, image, psf = toy
    results = [
        deconvolved(psf, 5, image * scale, algorithm=algorithm) / scale
        for scale in (1e-3 / image.max(), 1.0, 6e4 / image.max())
    ]
    for other in results[::2]:
        assert np.abs(other - results[1]).max() < FLOAT32 * results[1].max()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_is_shifted(algorithm: str) -> None:
    image = np.zeros((33, 40))
    image[16, 20] = 1000
    image = gaussian_filter(image, 1.5, truncate=5 / 1.5, mode="constant") + 1
    result = deconvolved(gaussian_psf(1.5, 5), 10, image, algorithm=algorithm)
    result = result[16 - 8 : 16 + 9, 20 - 8 : 20 + 9]
    for grid in np.indices(result.shape):
        centroid = (grid * result).sum() / result.sum()
        assert centroid == pytest.approx(8, abs=CENTROID_PX)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("boundary", ["periodic", "reflect"])
def test_flux(toy, algorithm: str, boundary: str) -> None:
    _, image, psf = toy
    result = deconvolved(psf, 10, image, algorithm=algorithm, boundary=boundary)
    bound = PERIODIC_FLUX if boundary == "periodic" else PADDED_FLUX
    if algorithm not in MATCHED:
        bound = UNMATCHED_FLUX
    assert result.sum() == pytest.approx(image.sum(), rel=bound)
    assert result.min() >= 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_kept_iterations_equal_shorter_runs(toy, algorithm: str) -> None:
    _, image, psf = toy
    operator = RichardsonLucy(psf, 4, algorithm=algorithm, kept=(1, 3, 7))
    shots = [s for s in operator.steps(image[None]) if isinstance(s, Snapshot)]
    assert [s.index for s in shots] == [0, 1, 2]
    for shot, iterations in zip(shots, (1, 3, 4), strict=True):
        expected = deconvolved(psf, iterations, image, algorithm=algorithm)
        np.testing.assert_allclose(shot.result[0], expected, rtol=1e-5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tiles_agree_with_the_whole_image(toy, algorithm: str) -> None:
    _, image, psf = toy
    operator = RichardsonLucy(psf, 5, algorithm=algorithm)
    target = np.zeros((1, *image.shape), np.float32)
    part = Part(image[np.newaxis], target, operator)
    drain(run_tiles([part], tile=(48, 40), stage="testing"))
    whole = operator(image[np.newaxis])
    assert np.abs(target - whole).max() < SEAM * whole.max()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_background_is_taken_off_and_not_put_back(toy, algorithm: str) -> None:
    _, image, psf = toy
    expected = deconvolved(psf, 5, image, algorithm=algorithm)
    result = deconvolved(psf, 5, image + 100, algorithm=algorithm, background=100)
    np.testing.assert_allclose(result, expected, atol=FLOAT32 * expected.max())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_stack_of_one_plane_equals_the_plane(toy, algorithm: str) -> None:
    _, image, psf = toy
    flat = deconvolved(psf, 5, image, algorithm=algorithm)
    stack = deconvolved(psf[None], 5, image[None], algorithm=algorithm)
    np.testing.assert_allclose(stack[0], flat, atol=FLOAT32 * flat.max())


def accelerated_by_hand(psf: np.ndarray, n: int, image: np.ndarray) -> np.ndarray:
    """Vector extrapolation as MATLAB's deconvlucy does it, periodic, in float64."""
    kernel = np.zeros(image.shape)
    kernel[: len(psf), : len(psf)] = psf
    half = len(psf) // 2
    otf = np.fft.fft2(np.roll(kernel, (-half, -half), (0, 1)))
    now, before = image.copy(), np.zeros_like(image)
    steps = [np.zeros_like(image), np.zeros_like(image)]
    for _ in range(n):
        length = (steps[1] ** 2).sum()
        factor = np.clip((steps[0] * steps[1]).sum() / (length or 1), 0, 1)
        guess = np.maximum(now + factor * (now - before), 0)
        ratio = image / np.real(np.fft.ifft2(otf * np.fft.fft2(guess)))
        new = guess * np.real(np.fft.ifft2(otf.conj() * np.fft.fft2(ratio)))
        steps = [new - guess, steps[0]]
        now, before = new, now
    return now


@pytest.mark.parametrize("iterations", [2, 10])
def test_accelerated_agrees_with_the_published_rule(toy, iterations: int) -> None:
    _, image, psf = toy
    image = image + 1  # dark pixels are treated differently
    expected = accelerated_by_hand(psf, iterations, image)
    given = {"algorithm": "accelerated", "boundary": "periodic"}
    result = deconvolved(psf, iterations, image, **given)
    difference = np.linalg.norm(result - expected) / np.linalg.norm(expected)
    assert difference < ACCELERATED


def test_ten_accelerated_iterations_are_worth_eighteen(toy) -> None:
    truth, image, psf = toy
    fast = deconvolved(psf, 10, image, algorithm="accelerated")
    assert psnr(fast, truth) >= psnr(deconvolved(psf, 18, image), truth)


def test_five_wiener_butterworth_iterations_are_worth_ten(toy) -> None:
    truth, image, psf = toy
    fast = deconvolved(psf, 5, image, algorithm="wiener-butterworth")
    assert psnr(fast, truth) > psnr(deconvolved(psf, 10, image), truth)


def test_back_projector_is_real_symmetric_and_sums_to_one() -> None:
    psf = gaussian_psf(1.45, 6).astype(np.float32)
    projectors = []

    def make(transfer, frequencies):
        projectors.append(back_projector(transfer, frequencies, psf))
        return projectors[-1]

    blur_for(psf, (32, 32), "cpu", "periodic").project_back_with(make)
    kernel = torch.fft.irfftn(projectors[0], s=(32, 32)).numpy()
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert projectors[0].imag.abs().max() < 1e-6
    mirrored = np.roll(np.flip(kernel), (1, 1), (0, 1))
    np.testing.assert_allclose(kernel, mirrored, atol=1e-6 * kernel.max())


def test_back_projector_follows_the_formula() -> None:
    """A Gaussian of sigma 2: H(k) = exp(-2 (pi sigma k)^2), cut off at 1 / FWHM."""
    sigma = 2.0
    psf = gaussian_psf(sigma, 14).astype(np.float32)
    cutoff = 1 / (2 * np.sqrt(2 * np.log(2)) * sigma)
    k = np.array([0.0, 0.5, 1.0, 1.2, 2.0]) * cutoff
    gain = np.exp(-2 * (np.pi * sigma * k) ** 2)
    beta = gain[2]
    eps2 = (1 / (beta**2 + ALPHA)) ** 2 - 1  # (w / beta)^2 - 1, w = beta / (...)
    expected = (
        gain / (gain**2 + ALPHA) / np.sqrt(1 + eps2 * (k / cutoff) ** (2 * ORDER))
    )
    axes = [torch.zeros(1, 1), torch.from_numpy(k.astype(np.float32))[None]]
    transfer = torch.from_numpy(gain.astype(np.float32))[None]
    result = back_projector(transfer, axes, psf)[0].numpy()
    # The steep filter amplifies 1 % of error in the width tenfold and more.
    np.testing.assert_allclose(result[:3], (expected / expected[0])[:3], rtol=0.01)
    np.testing.assert_allclose(result[3:], (expected / expected[0])[3:], rtol=0.1)
    # There it passes what the PSF does.
    assert result[2] / result[0] * expected[0] == pytest.approx(beta, rel=0.01)


def divergence_by_hand(image: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """The formula of Dey et al., pixel by pixel."""
    height, width = image.shape

    def forward(y: int, x: int) -> tuple[float, float]:
        down = image[y + 1, x] - image[y, x] if y + 1 < height else 0.0
        right = image[y, x + 1] - image[y, x] if x + 1 < width else 0.0
        return down / spacing[0], right / spacing[1]

    def minmod(a: float, b: float) -> float:
        return (np.sign(a) + np.sign(b)) / 2 * min(abs(a), abs(b))

    def unit(y: int, x: int) -> tuple[float, float]:
        if min(y, x) < 0:
            return 0.0, 0.0
        down, right = forward(y, x)
        up = forward(y - 1, x)[0] if y else 0.0
        left = forward(y, x - 1)[1] if x else 0.0
        lengths = np.hypot(down, minmod(right, left)), np.hypot(right, minmod(down, up))
        return (
            down / lengths[0] if lengths[0] else 0.0,
            right / lengths[1] if lengths[1] else 0.0,
        )

    result = np.zeros_like(image)
    for y, x in np.ndindex(image.shape):
        result[y, x] = (unit(y, x)[0] - unit(y - 1, x)[0]) / spacing[0]
        result[y, x] += (unit(y, x)[1] - unit(y, x - 1)[1]) / spacing[1]
    return result


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (3.0, 1.0)])
def test_divergence_follows_the_formula(rng, spacing: tuple[float, float]) -> None:
    image = rng.integers(0, 4, (9, 11)).astype(np.float32)  # with flat places
    result = unit_divergence(torch.from_numpy(image), spacing).numpy()
    expected = divergence_by_hand(image.astype(float), spacing)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_divergence_in_slabs_equals_the_whole(toy, monkeypatch) -> None:
    from napari_gan_enhance.optics import iteration_total_variation as module

    _, image, psf = toy
    given = {"algorithm": "total-variation", "tv_weight": 0.02}
    whole = deconvolved(psf, 3, image, **given)
    monkeypatch.setattr(module, "SLAB_VOXELS", 1)
    np.testing.assert_array_equal(deconvolved(psf, 3, image, **given), whole)


def test_total_variation_smooths_noise(toy) -> None:
    _, image, psf = toy

    def variation(array: np.ndarray) -> float:
        return sum(np.abs(np.diff(array, axis=axis)).sum() for axis in (0, 1))

    given = {"algorithm": "total-variation"}
    plain = deconvolved(psf, 20, image)
    assert variation(deconvolved(psf, 20, image, tv_weight=0.02, **given)) < (
        0.8 * variation(plain)
    )
    none = deconvolved(psf, 20, image, tv_weight=0, **given)
    np.testing.assert_allclose(none, plain, atol=FLOAT32 * plain.max())


def test_total_variation_counts_in_micrometres(toy) -> None:
    """Planes three times as far apart: only the ratio counts, and it does count."""
    _, image, psf = toy
    given = {"algorithm": "total-variation", "tv_weight": 0.05}
    results = [
        deconvolved(psf, 5, image, spacing=spacing, **given)
        for spacing in ((0.3, 0.1), (3.0, 1.0), (0.1, 0.1))
    ]
    atol = FLOAT32 * results[0].max()
    np.testing.assert_allclose(results[0], results[1], atol=atol)
    assert np.abs(results[0] - results[2]).max() > 100 * atol


def test_absolute_darkness_follows_deconvolutionlab2(rng) -> None:
    """Start from the image itself; a quotient of 0 where the estimate is dark."""
    image = np.zeros((24, 20))
    image[5:9, 4:8] = rng.uniform(1, 3, (4, 4))
    psf = gaussian_psf(1.0, 2)
    kernel = np.zeros(image.shape)
    kernel[:5, :5] = psf / psf.sum()
    otf = np.fft.fft2(np.roll(kernel, (-2, -2), (0, 1)))
    expected = image.copy()
    for _ in range(5):
        blurred = np.real(np.fft.ifft2(otf * np.fft.fft2(expected)))
        ratio = np.divide(
            image, blurred, out=np.zeros_like(image), where=blurred >= 1e-6
        )
        expected *= np.real(np.fft.ifft2(otf.conj() * np.fft.fft2(ratio)))
    given = {"boundary": "periodic", "darkness": "absolute"}
    result = deconvolved(psf, 5, image, **given)
    np.testing.assert_allclose(result, expected, atol=FLOAT32 * expected.max())
    assert not result[15:].any()
