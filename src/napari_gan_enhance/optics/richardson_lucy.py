"""Richardson-Lucy deconvolution as a tile operator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from napari_gan_enhance.device import device_faults
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import check_finite
from napari_gan_enhance.optics.blur import Boundary, blur_for, grid_for, takes_cosines
from napari_gan_enhance.optics.iteration import EPSILON, Observation, plain
from napari_gan_enhance.optics.iteration_accelerated import accelerated
from napari_gan_enhance.optics.iteration_total_variation import total_variation
from napari_gan_enhance.optics.iteration_wiener_butterworth import wiener_butterworth
from napari_gan_enhance.tiling.operator import Snapshot, result_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from napari_gan_enhance.optics.iteration import Iterations
    from napari_gan_enhance.optics.settings import Algorithm

PAUSES = 4
"""Steps of an iteration: one for each transform."""

KEPT_STEPS = (1, 1.5, 2, 3, 5, 7)
"""Kept iterations of each decade: each adds about as much as the one before it."""

HALO_REACH = 4
"""Halo in half-widths of the PSF. What a tile misses beyond its window fades by about
ten for each half-width: 1e-6 of the brightest pixel after 10 iterations, 4e-5 after 50
(measured on C. elegans and on a simulated volume of beads)."""

WINDOW_BYTES = 16
"""Memory for a pixel of the window: as it came, scaled, the estimate, the result."""

COSINE_BYTES = 8
"""Memory for a pixel of the grid with cosine transforms, which work in place: the
blurred image and the transfer function."""

FOURIER_BYTES = 24
"""Memory for a pixel of the grid with Fourier transforms: blurred image, transfer
function and spectrum (half as many complex numbers), what an inverse transform copies,
and workspace."""

ALGORITHM_BYTES = {
    "plain": 0,
    "accelerated": 12,
    "total-variation": 36,
    "wiener-butterworth": 12,
}
"""Further memory for a pixel of the window. All of these are what was measured on 64 x
512 x 512 voxels (tests/benchmarks/deconvolution_speed.py), rounded up."""


def kept_iterations(iterations: int) -> tuple[int, ...]:
    """Return the iterations worth looking at: 1, 2, 3, 5, 7, 10, 15, 20, 30 ... last.

    Parameters
    ----------
    iterations : int, >= 1
        The last one.
    """
    decades = range(len(str(iterations)))
    rounded = (int(step * 10**k) for k in decades for step in KEPT_STEPS)
    return (*sorted({n for n in rounded if n < iterations}), iterations)


class RichardsonLucy:
    """Deconvolve windows by Richardson-Lucy iteration.

    With H the blurring by the PSF and y the image, each iteration is

        x <- x * H^T (y / H x)

    or one of its faster or smoother relatives, a module each: `iteration`,
    `iteration_accelerated`, `iteration_total_variation`,
    `iteration_wiener_butterworth`.

    Before each blurring the image is continued beyond its edges by reflection. So a
    constant stays constant up to the edge, and with a symmetric PSF the flux is kept.
    Dividing by H^T of the window instead (Bertero and Boccacci 2005,
    doi:10.1051/0004-6361:20052717) was tried: inside it comes to the same, but it moves
    light out of the image, 1 % of it in 10 iterations on 32 planes with a PSF of 17.
    Reflection also needs no padding where the PSF is symmetric; see `blur`.

    Parameters
    ----------
    psf : ndarray, shape (pz, py, px) or (py, px), any real dtype
        Odd, centered, non-negative, finite; normalized to sum 1.
    iterations : int, >= 1
    device : str
        As torch names it: "cpu", "cuda", "cuda:1", "mps". On the processor as many
        threads are used as torch may use.
    algorithm : "plain", "accelerated", "total-variation" or "wiener-butterworth"
    tv_weight : float, 0 to 0.1
        For "total-variation".
    spacing : tuple of float or None
        Distance of neighboring pixels along each axis in any one unit, for
        "total-variation"; None for equal ones.
    background : float
        Subtracted from the window first, in its intensities.
    boundary : "reflect" or "periodic"
        What lies beyond the image: its reflection, or its other side.
    start : "image" or "flat"
        First estimate: the image or its mean.
    darkness : "relative" or "absolute"
        Where the blurred estimate is too dark to divide by. "relative": below 1e-6 of
        the brightest pixel it counts as that. "absolute": below 1e-6 of one intensity
        unit the quotient is 0, and the first estimate is not lifted above 0, as in
        DeconvolutionLab2.
    image_shape : tuple of int, optional
        Largest window to expect; makes `bytes_per_pixel` exact.
    kept : tuple of int, rising
        Iterations after which `steps` yields a Snapshot; those beyond the last
        iteration get the final result. Windows then have one channel.

    Raises
    ------
    InputError
        If the PSF or the number of iterations cannot be used.

    Notes
    -----
    Negative pixels cannot be light; they count as zero.

    References
    ----------
    Richardson (1972), doi:10.1364/JOSA.62.000055; Lucy (1974), doi:10.1086/111605,
    eq. (15).
    """

    def __init__(
        self,
        psf: NDArray[Any],
        iterations: int,
        device: str = "cpu",
        *,
        algorithm: Algorithm = "plain",
        tv_weight: float = 0.002,
        spacing: tuple[float, ...] | None = None,
        background: float = 0.0,
        boundary: Boundary = "reflect",
        start: Literal["image", "flat"] = "image",
        darkness: Literal["relative", "absolute"] = "relative",
        image_shape: tuple[int, ...] | None = None,
        kept: tuple[int, ...] = (),
    ) -> None:
        self._psf = _checked_psf(psf)
        if iterations < 1:
            raise InputError(
                f"{iterations} iterations cannot be done - at least 1 is needed - 10 "
                "is a good start."
            )
        self._iterations = iterations
        self._device = device
        self._algorithm = algorithm
        self._tv_weight = tv_weight
        finest = min(spacing or (1.0,))
        self._spacing = tuple(s / finest for s in spacing or (1.0,) * self._psf.ndim)
        self._background = background
        self._boundary: Boundary = boundary
        self._start = start
        self._darkness = darkness
        self._image_shape = image_shape
        self._kept = kept

    @property
    def halo(self) -> tuple[int, ...]:
        """Pixels of context: twice the width of the PSF on each side."""
        return tuple(HALO_REACH * (n // 2) for n in self._psf.shape)

    @property
    def size_multiple(self) -> tuple[int, ...]:
        """Any size will do."""
        return (1,) * self._psf.ndim

    @property
    def upscale(self) -> tuple[int, ...]:
        """One result pixel for each input pixel."""
        return (1,) * self._psf.ndim

    @property
    def bytes_per_pixel(self) -> float:
        """Working memory for one pixel of the window, its share of the margin included.

        Without `image_shape` it is that of a window with a tile as wide as two halos.
        """
        window = self._image_shape or tuple(4 * h + 1 for h in self.halo)
        where = (self._psf, window, self._device, self._boundary)
        cosines = takes_cosines(self._psf, self._device, self._boundary)
        grid_bytes = COSINE_BYTES if cosines else FOURIER_BYTES
        share = math.prod(grid_for(*where)) / math.prod(window)
        return WINDOW_BYTES + ALGORITHM_BYTES[self._algorithm] + grid_bytes * share

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Deconvolve one window; see `steps`."""
        return result_of(self.steps(window))

    def steps(
        self, window: NDArray[Any]
    ) -> Generator[float, None, NDArray[np.float32]]:
        """Deconvolve one window, pausing after each of an iteration's four transforms.

        Parameters
        ----------
        window : ndarray, shape (C, Y, X) or (C, Z, Y, X), any real dtype
            Intensities of any scale, finite; negative ones count as zero.

        Yields
        ------
        float
            Finished fraction, 0 to 1; a Snapshot after each kept iteration.

        Returns
        -------
        ndarray, same shape, float32
            Non-negative, on the window's intensity scale.

        Raises
        ------
        InputError
            If the window has other axes than the PSF or holds NaN or infinity.
        MemoryError
            If the device has no room for the window.
        """
        self._check(window)
        result = np.empty(window.shape, np.float32)
        for index, channel in enumerate(window):
            image = _light(channel, self._background)
            peak = float(image.max(initial=0))
            image /= peak or 1
            with device_faults(self._device):
                for done in self._iterate(image, result[index], peak):
                    yield _of_channel(done, index, len(window))
        return result

    def _iterate(
        self, image: NDArray[np.float32], result: NDArray[np.float32], peak: float
    ) -> Iterator[float]:
        """Deconvolve an image of maximum 1 into `result`, times `peak`."""
        data = torch.from_numpy(image).to(self._device)
        blur = blur_for(self._psf, image.shape, self._device, self._boundary)
        if self._darkness == "relative":
            observation = Observation(data, blur)
        else:
            observation = Observation(data, blur, EPSILON / (peak or 1), True)
        rounds, pauses = 0, 0
        for estimate in self._rounds(observation):
            pauses += 1
            fraction = pauses / (PAUSES * self._iterations)
            yield fraction
            if estimate is None:
                continue
            rounds += 1
            for index in self._kept_now(rounds):
                yield Snapshot(fraction, index, estimate.cpu().numpy()[None] * peak)
            if rounds == self._iterations:
                np.multiply(estimate.cpu().numpy(), np.float32(peak), out=result)
                return

    def _rounds(self, observation: Observation) -> Iterations:
        estimate = self._first_estimate(observation.image)
        match self._algorithm:
            case "accelerated":
                return accelerated(observation, estimate)
            case "total-variation":
                weight, spacing = self._tv_weight, self._spacing
                return total_variation(observation, estimate, weight, spacing)
            case "wiener-butterworth":
                return wiener_butterworth(observation, estimate, self._psf)
        return plain(observation, estimate)

    def _first_estimate(self, data: torch.Tensor) -> torch.Tensor:
        if self._start == "flat":
            return torch.full_like(data, float(data.mean()))
        # A pixel of zero could never grow again: each step is a product.
        return data.clamp(min=EPSILON if self._darkness == "relative" else 0)

    def _kept_now(self, iteration: int) -> list[int]:
        """Return the snapshots due; after the last iteration all that are left."""
        is_last = iteration == self._iterations
        return [
            index
            for index, number in enumerate(self._kept)
            if number == iteration or (is_last and number > iteration)
        ]

    def _check(self, window: NDArray[Any]) -> None:
        if window.ndim != self._psf.ndim + 1:
            raise InputError(
                f"A window of shape {window.shape} does not fit a PSF of shape "
                f"{self._psf.shape} - a volume needs a PSF with Z and a plane one "
                "without - choose a matching PSF."
            )
        if self._kept and len(window) != 1:
            raise InputError(
                f"Iterations of {len(window)} channels cannot be kept at once - the "
                "history takes one channel - deconvolve them one by one."
            )
        check_finite(window)


def _light(channel: NDArray[Any], background: float) -> NDArray[np.float32]:
    """Return a new array without background and negative values."""
    image = channel.astype(np.float32)
    if background:
        image -= np.float32(background)
    return np.maximum(image, 0, out=image)


def _of_channel(done: float, index: int, count: int) -> float:
    """Return the fraction of all channels."""
    return done if isinstance(done, Snapshot) else (index + done) / count


def _checked_psf(psf: NDArray[Any]) -> NDArray[np.float32]:
    array = np.asarray(psf, np.float64)
    total = array.sum()
    legal = array.ndim in (2, 3) and all(n % 2 for n in array.shape)
    if not (legal and np.isfinite(total) and total > 0 and array.min() >= 0):
        raise InputError(
            f"A PSF of shape {array.shape} and sum {total:g} cannot be used - it has "
            "two or three axes of odd length, no negative and no infinite values and "
            "a positive sum - repair the PSF or compute one."
        )
    return np.asarray(array / total, np.float32)
