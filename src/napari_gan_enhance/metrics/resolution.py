"""How fine the detail of an image is, without a reference. The one place for `cubic`.

Two recordings of one field share the sample but not the noise: the frequency at which
they cease to agree is the resolution (Fourier ring correlation). From one image only
the decorrelation of its spectrum can be had, or the correlation of its halves.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_gan_enhance.errors import InputError, MissingExtraError
from napari_gan_enhance.micrograph.intensity import check_finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

ResolutionMethod = Literal["frc", "single-image frc", "decorrelation"]
FrcThreshold = Literal["1/7", "half-bit", "three-sigma"]

CRITERIA = {"1/7": "fixed", "half-bit": "half-bit", "three-sigma": "three-sigma"}
LEAST_SIDE = 32
"""Pixels; fewer leave too few rings to fit a curve to."""

LEAST_EVIDENCE = 5.0
"""Standard errors by which two images must correlate to show one sample."""

MOST_OF_BAND = 0.9
"""Share of its band above which a crossing is that of the edge, not of the image."""

SQUARE = 0.01
"""By how much a pixel may be longer than wide: rings become ellipses."""

DECORRELATION_NOTE = (
    "Decorrelation says how fine the finest content is, true or invented: an enhanced "
    "image always looks better than it is, and noise makes a raw one look worse."
)
SINGLE_NOTE = (
    "Single-image FRC holds for raw, well-sampled images only, and is calibrated: the "
    "FRC of two recordings is to be preferred."
)


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """A resolution, how it was measured, and what to think of it.

    Parameters
    ----------
    resolution_um : float, µm
        The period of the finest detail.
    method : "frc", "single-image frc" or "decorrelation"
    threshold : str
        Where the ring correlation was cut; "" for decorrelation.
    note : str
        A sentence on the bias of the method; "" where there is none to mention.
    frequency : ndarray, shape (rings,), float64, 0 to 1
        In units of the highest frequency of the pixels; empty for decorrelation.
    correlation : ndarray, shape (rings,), float64
    """

    resolution_um: float
    method: ResolutionMethod
    threshold: str
    note: str
    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]


def frc(
    first: NDArray[Any],
    second: NDArray[Any],
    pixel_um: tuple[float, float],
    *,
    threshold: FrcThreshold = "1/7",
) -> Resolution:
    """Measure the resolution of two recordings of one field.

    Parameters
    ----------
    first, second : ndarray, shape (Y, X), any real dtype
        Of the same field; their noise must be independent.
    pixel_um : (y, x), µm
        Square pixels.
    threshold : "1/7", "half-bit" or "three-sigma"
        Correlation below which rings count as noise; "1/7" is fixed, the others depend
        on the number of pixels in a ring.

    Returns
    -------
    Resolution

    Raises
    ------
    InputError
        If shapes differ, planes are too small, hold NaN, are identical or have nothing
        in common, or pixels are not square.
    MissingExtraError
        If `cubic` is not installed.

    References
    ----------
    Nieuwenhuizen et al. (2013), doi:10.1038/nmeth.2448;
    van Heel and Schatz (2005), doi:10.1016/j.jsb.2005.05.009
    """
    _check_plane(first)
    _check_plane(second)
    _check_common(first, second)
    spacing = _square(pixel_um)
    found = _ring_correlation(first, second, spacing, threshold)
    value, at = _crossing(found)
    if not (np.isfinite(value) and at < MOST_OF_BAND):
        raise InputError(
            f"The correlation of the two images never falls to {threshold!r} - their "
            "noise must differ, and pixels must be finer than the detail - give two "
            "recordings, not two copies or two smoothed versions of one."
        )
    return _resolution(found, value, "frc", threshold, "")


def single_image_frc(
    plane: NDArray[Any],
    pixel_um: tuple[float, float],
    *,
    threshold: FrcThreshold = "1/7",
) -> Resolution:
    """Measure the resolution of a raw image from the correlation of its halves.

    Neighboring pixels of a processed image share their noise, so that its halves agree
    whatever the resolution: see `check_raw`.

    Parameters
    ----------
    plane : ndarray, shape (Y, X), any real dtype
    pixel_um : (y, x), µm
        Square pixels.
    threshold : "1/7", "half-bit" or "three-sigma"

    Returns
    -------
    Resolution

    Raises
    ------
    InputError
        As for `frc`, or if the detail is finer than the halves can hold (about four
        pixels).
    MissingExtraError
        If `cubic` is not installed.

    References
    ----------
    Koho et al. (2019), doi:10.1038/s41467-019-11024-z
    """
    _check_plane(plane)
    found = _ring_correlation(plane, None, _square(pixel_um), threshold)
    value, at = _crossing(found)
    if not (np.isfinite(value) and at < MOST_OF_BAND):
        raise InputError(
            "The halves of the image agree up to their finest detail - a single image "
            "gives a ring correlation only where its detail is coarser than about four "
            "pixels - give a second recording of the field."
        )
    return _resolution(found, value, "single-image frc", threshold, SINGLE_NOTE)


def decorrelation(plane: NDArray[Any], pixel_um: tuple[float, float]) -> Resolution:
    """Measure the resolution of one image by decorrelation of its spectrum.

    Parameters
    ----------
    plane : ndarray, shape (Y, X), any real dtype
    pixel_um : (y, x), µm
        Square pixels.

    Returns
    -------
    Resolution
        Its note tells the bias.

    Raises
    ------
    InputError
        If the plane is too small, constant or holds NaN, or has no detail above noise.
    MissingExtraError
        If `cubic` is not installed.

    References
    ----------
    Descloux et al. (2019), doi:10.1038/s41592-019-0515-7
    """
    _check_plane(plane)
    measure = _cubic("dcr_resolution")
    value = float(measure(np.asarray(plane, np.float64), spacing=_square(pixel_um)))
    if not np.isfinite(value):
        raise InputError(
            "No detail stands out of the noise of the image - decorrelation needs a "
            "structure that is clearly seen - choose another plane or channel."
        )
    empty = np.empty(0)
    return Resolution(value, "decorrelation", "", DECORRELATION_NOTE, empty, empty)


def check_raw(micrograph: Micrograph) -> None:
    """Refuse an image that was computed from another.

    Raises
    ------
    InputError
        If the provenance names a process.
    """
    operation = micrograph.provenance.get("operation")
    if micrograph.provenance:
        raise InputError(
            f"{micrograph.name or 'The image'!r} is a result of "
            f"{operation or 'processing'!r} - single-image FRC needs raw pixels, whose "
            "noise is independent - measure the raw image, or give a second recording "
            "processed in the same way."
        )


def _ring_correlation(
    first: NDArray[Any], second: NDArray[Any] | None, spacing: float, threshold: str
) -> Any:
    if threshold not in CRITERIA:
        raise InputError(
            f"There is no threshold {threshold!r} - there are "
            f"{', '.join(map(repr, CRITERIA))} - choose one of them."
        )
    planes = [None if plane is None else _faded(plane) for plane in (first, second)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # splines on few rings
        return _cubic("calculate_frc")(
            *planes,
            spacing=spacing,
            backend="hist",
            curve_fit_type="smooth-spline",
            resolution_threshold=CRITERIA[threshold],
            threshold_value=1 / 7,
            disable_hamming=True,
        )


def _crossing(found: Any) -> tuple[float, float]:
    """Return the resolution and its share of the band; NaN where there is none."""
    point = found.resolution["resolution-point"]
    return float(found.resolution["resolution"]), float(point[1])


def _faded(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return a plane that ends in zero on all sides.

    The Hamming window of the library ends at 8 %: what it leaves of the borders
    correlates at all frequencies, as both images are cut at the same place.
    """
    image = np.asarray(plane, np.float64)
    window = np.outer(*map(np.hanning, image.shape))
    return np.asarray((image - image.mean()) * window, np.float64)


def _resolution(
    found: Any, value: float, method: ResolutionMethod, threshold: str, note: str
) -> Resolution:
    frequency = np.asarray(found.correlation["frequency"], np.float64)
    correlation = np.asarray(found.correlation["correlation"], np.float64)
    return Resolution(value, method, threshold, note, frequency, correlation)


def _cubic(name: str) -> Callable[..., Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that no GPU library is installed
            from cubic.metrics.spectral import dcr, frc
    except ImportError as error:
        raise MissingExtraError(
            "Measuring a resolution needs cubic, which is not installed - it comes "
            "with the extra 'metrics' - pip install 'napari-gan-enhance[metrics]'."
        ) from error
    functions: dict[str, Callable[..., Any]] = {
        "calculate_frc": frc.calculate_frc,
        "dcr_resolution": dcr.dcr_resolution,
    }
    return functions[name]


def _check_plane(plane: NDArray[Any]) -> None:
    if plane.ndim != 2 or min(plane.shape) < LEAST_SIDE:
        raise InputError(
            f"The resolution of an image of shape {plane.shape} cannot be measured - "
            f"planes of at least {LEAST_SIDE} x {LEAST_SIDE} pixels are needed - "
            "choose a larger one."
        )
    check_finite(plane)
    if plane.min() == plane.max():
        raise InputError(
            f"All pixels of a plane have the value {float(plane.min()):g} - resolution "
            "is that of its structure - choose another plane."
        )


def _check_common(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape:
        raise InputError(
            f"The two recordings have {first.shape[0]} x {first.shape[1]} and "
            f"{second.shape[0]} x {second.shape[1]} pixels - both must show one field "
            "on one grid - crop one of them."
        )
    r = float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    if r * first.size**0.5 < LEAST_EVIDENCE:
        raise InputError(
            f"The two images have nothing in common (correlation {r:.3f}) - they must "
            "be two recordings of one field - check that they belong together."
        )


def _square(pixel_um: tuple[float, float]) -> float:
    y, x = pixel_um
    if abs(y / x - 1) > SQUARE:
        raise InputError(
            f"Pixels are {y:g} µm high and {x:g} µm wide - ring correlation needs "
            "square ones - resample the image."
        )
    return float(x)
