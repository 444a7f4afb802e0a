"""Distill a PSF from beads that the user has marked in the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.layers import (
    METADATA_KEY,
    micrograph_from_layer,
    unique_name,
)
from napari_gan_enhance.viewer.reader import LayerData, layers_of
from napari_gan_enhance.viewer.world import unit_sizes

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_gan_enhance.optics.beads import BeadPsf
    from napari_gan_enhance.viewer.optics_values import OpticsValues

MARK_SIZE = 8
"""Diameter of a mark in pixels of the stack."""


@dataclass(frozen=True, slots=True, eq=False)
class BeadRequest:
    """What a PSF is distilled from.

    Parameters
    ----------
    stack : Micrograph
        Axes Z, Y, X or Y, X.
    points : ndarray, shape (beads, axes), float64
        Marks, in pixels of the stack.
    optics : OpticsValues
        What the form holds: for the theory, and for sizes the stack does not state.
    """

    stack: Micrograph
    points: np.ndarray[Any, np.dtype[np.float64]]
    optics: OpticsValues

    @property
    def voxel_size_um(self) -> VoxelSize:
        """The stack's own voxel size, else that of the form."""
        pairs = zip(self.stack.voxel_size_um, self.optics.voxel_size_um, strict=True)
        return VoxelSize(*(own or typed for own, typed in pairs))


def bead_request(
    stack: Image | None, points: Points | None, optics: OpticsValues
) -> BeadRequest:
    """Return what a PSF is distilled from.

    Raises
    ------
    InputError
        If no stack is chosen, nothing is marked, or the stack has more than one time
        or channel.
    """
    if stack is None:
        raise InputError(
            "No bead stack is chosen - a PSF is made of an image of beads - open one "
            "and choose it."
        )
    if points is None or not len(points.data):
        raise InputError(
            "No bead is marked - a PSF needs some single beads - press 'Mark beads' "
            "and click on them."
        )
    micrograph = micrograph_from_layer(stack)
    if set(micrograph.axes) - set("ZYX"):
        raise InputError(
            f"Layer {stack.name!r} has the axes {micrograph.axes} - beads are taken "
            "from one plane or stack, ZYX or YX - choose one time and channel of it."
        )
    return BeadRequest(micrograph, _in_pixels(points, stack), optics)


def distill(request: BeadRequest) -> Job[BeadPsf]:
    """Average the marked beads to a PSF.

    Parameters
    ----------
    request : BeadRequest

    Yields
    ------
    Progress

    Returns
    -------
    BeadPsf

    Raises
    ------
    InputError
        If no mark is a bead that can be used.
    """
    from napari_gan_enhance.optics.beads import distill_psf

    yield Progress(0, 1, "averaging beads")
    optics, stack = request.optics, request.stack
    wavelengths = [v for v in optics.emission_nm if v is not None]
    return distill_psf(
        stack.pixels,
        request.points.tolist(),
        tuple(request.voxel_size_um)[-len(stack.axes) :],
        numerical_aperture=optics.numerical_aperture,
        immersion_index=optics.immersion_index,
        emission_nm=wavelengths[0] if wavelengths else None,
    )


def add_marks(viewer: ViewerModel, stack: Image) -> Points:
    """Add a points layer over a stack, ready to be clicked into."""
    names = [layer.name for layer in viewer.layers]
    marks: Points = viewer.add_points(
        np.empty((0, stack.ndim)),
        name=unique_name(names, f"{stack.name} [beads]"),
        scale=stack.scale,
        translate=stack.translate,
        rotate=stack.rotate,
        shear=stack.shear,
        affine=stack.affine,
        units=stack.units,
        axis_labels=stack.axis_labels,
        size=MARK_SIZE,
        face_color="transparent",
        border_color="yellow",
    )
    marks.mode = "add"
    return marks


def psf_layer_data(psf: BeadPsf, stack: Micrograph, names: list[str]) -> LayerData:
    """Return a PSF as a layer, in its true size.

    Parameters
    ----------
    psf : BeadPsf
    stack : Micrograph
        What it was made of.
    names : list of str
        Names that are taken.
    """
    image = Micrograph(
        psf.values,
        "ZYX"[-psf.values.ndim :],
        psf.voxel_size_um,
        channels=stack.channels,
        microscope=stack.microscope,
        name=unique_name(names, f"{stack.name} [PSF of {psf.used} beads]"),
        provenance={
            "operation": "distill-psf",
            "source": stack.name,
            "beads": psf.used,
            "notes": list(psf.notes),
        },
    )
    ((data, settings, kind),) = layers_of(image)
    return data, {**settings, "metadata": {METADATA_KEY: image}}, kind


def describe_psf(psf: BeadPsf) -> str:
    """Return how many beads made it, what was repaired, and its width in theory."""
    return "\n".join([*psf.notes, *_widths(psf)])


def _widths(psf: BeadPsf) -> list[str]:
    letters = "zyx"[-len(psf.fwhm_um) :]
    theory = psf.theory_um or (None,) * len(letters)
    return [
        f"FWHM {letter}: {_size(measured)}"
        + (f", in theory {_size(wanted)}" if wanted is not None else "")
        for letter, measured, wanted in zip(letters, psf.fwhm_um, theory, strict=True)
    ][::-1]


def _size(size: float | None) -> str:
    return "not measurable" if size is None else f"{size:.3g} µm"


def _in_pixels(points: Points, stack: Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return marks in pixels of a stack, whatever the scales of the two layers are."""
    world = np.array([points.data_to_world(point) for point in points.data])
    if world.shape[1] < stack.ndim:
        raise InputError(
            f"Layer {points.name!r} has {world.shape[1]} dimensions and the stack "
            f"{stack.ndim} - marks need a position on each axis - press 'Mark beads' "
            "to make a layer that fits."
        )
    own = world[:, -stack.ndim :] * unit_sizes(points.units[-stack.ndim :], stack.units)
    return np.array([stack.world_to_data(point) for point in own])
