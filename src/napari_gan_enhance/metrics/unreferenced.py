"""What can be said of a micrograph without a reference, plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics import niqe as naturalness
from napari_gan_enhance.metrics import resolution
from napari_gan_enhance.metrics.overlap import same_grid
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.region import positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.niqe import NiqeModel
    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.metrics.resolution import (
        FrcThreshold,
        Resolution,
        ResolutionMethod,
    )
    from napari_gan_enhance.micrograph.micrograph import Micrograph


@dataclass(frozen=True, slots=True, eq=False)
class PlaneResolution:
    """Resolution of one plane; its position holds only axes of several positions."""

    position: Mapping[str, int]
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class PlaneNiqe:
    """NIQE of one plane, lower is better; its position as in PlaneResolution."""

    position: Mapping[str, int]
    niqe: float


def measure_resolution(
    micrograph: Micrograph,
    method: ResolutionMethod,
    *,
    repeat: Micrograph | None = None,
    overlap: Overlap | None = None,
    threshold: FrcThreshold = "1/7",
) -> Job[tuple[PlaneResolution, ...]]:
    """Measure the lateral resolution of every plane.

    Parameters
    ----------
    micrograph : Micrograph
        Its pixel size must be known.
    method : "frc", "single-image frc" or "decorrelation"
    repeat : Micrograph, optional
        A second recording of the same field, needed by "frc".
    overlap : Overlap, optional
        Where the second recording lies on the first. Without it both must have the same
        size and are compared pixel by pixel.
    threshold : "1/7", "half-bit" or "three-sigma"
        Of ring correlation.

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    tuple of PlaneResolution

    Raises
    ------
    InputError
        If the second recording is missing or has another size, a single-image FRC is
        wanted of a processed image, or a plane cannot be measured.
    MissingExtraError
        If the extra 'metrics' is not installed.
    """
    if method == "single-image frc":
        resolution.check_raw(micrograph)
    if method == "frc" and repeat is None:
        raise InputError(
            "Only one image was given - the FRC is that of two recordings of one "
            "field - give the second recording, or measure by decorrelation."
        )
    pixel_um = _pixel_um(micrograph)
    shared = overlap or same_grid(repeat or micrograph, micrograph)
    found = []
    places = _places(micrograph, shared)
    for done, place in enumerate(places, start=1):
        plane = shared.reference_plane(micrograph, place)
        if method == "frc" and repeat is not None:
            other = shared.result_plane(repeat, place)
            one = resolution.frc(plane, other, pixel_um, threshold=threshold)
        elif method == "single-image frc":
            one = resolution.single_image_frc(plane, pixel_um, threshold=threshold)
        else:
            one = resolution.decorrelation(plane, pixel_um)
        found.append(PlaneResolution(place, one))
        yield Progress(done, len(places), "measuring the resolution")
    return tuple(found)


def fit_niqe_model(micrographs: Iterable[Micrograph]) -> Job[NiqeModel]:
    """Fit a NIQE model to all planes of sharp micrographs.

    Parameters
    ----------
    micrographs : iterable of Micrograph
        Taken one at a time; see `niqe.fit_niqe`.

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    NiqeModel

    Raises
    ------
    InputError
        If they are too few, blank, or hold NaN.
    """
    rows = []
    for micrograph in micrographs:
        for place in _places(micrograph):
            rows.append(naturalness.sharp_features(_plane(micrograph, place)))
            yield Progress(len(rows), len(rows) + 1, "fitting to sharp images")
    return naturalness.fit_niqe(rows)


def measure_niqe(
    micrograph: Micrograph, model: NiqeModel
) -> Job[tuple[PlaneNiqe, ...]]:
    """Score every plane by its distance from sharp images.

    Parameters
    ----------
    micrograph : Micrograph
    model : NiqeModel

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    tuple of PlaneNiqe

    Raises
    ------
    InputError
        If a plane is too small, blank, or holds NaN.
    """
    found = []
    places = _places(micrograph)
    for done, place in enumerate(places, start=1):
        score = naturalness.niqe(_plane(micrograph, place), model)
        found.append(PlaneNiqe(place, score))
        yield Progress(done, len(places), "scoring")
    return tuple(found)


def median_resolution_um(planes: Iterable[PlaneResolution]) -> float:
    """Return the median over planes, µm."""
    return float(median(p.resolution.resolution_um for p in planes))


def _pixel_um(micrograph: Micrograph) -> tuple[float, float]:
    _, y, x = micrograph.voxel_size_um
    if y is None or x is None:
        raise InputError(
            f"{micrograph.name or 'The image'!r} does not say its pixel size - a "
            "resolution is a length in µm - give the image its pixel size."
        )
    return y, x


def _places(
    micrograph: Micrograph, overlap: Overlap | None = None
) -> list[dict[str, int]]:
    sizes = {axis: micrograph.size(axis) for axis in "TCZS"}
    if overlap is not None:
        sizes["Z"] = overlap.size("Z")
    box = {axis: slice(0, n) for axis, n in sizes.items() if n > 1}
    return positions(box, list(box))


def _plane(micrograph: Micrograph, place: Mapping[str, int]) -> NDArray[Any]:
    view = AxesView(micrograph.pixels, micrograph.axes, "YX", place)
    return view[slice(None), slice(None)]
