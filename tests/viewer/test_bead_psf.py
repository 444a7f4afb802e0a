"""Marks of beads in the viewer, and the PSF that comes of them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.optics.beads import BeadPsf
from napari_gan_enhance.viewer.bead_psf import (
    add_marks,
    bead_request,
    describe_psf,
    psf_layer_data,
)
from napari_gan_enhance.viewer.optics_values import OpticsValues

OPTICS = OpticsValues(1.2, 1.33, (None, 520.0), (0.3, 0.1, 0.1))


@pytest.fixture
def stack() -> Image:
    pixels = np.zeros((5, 20, 30))
    place = {"scale": (2, 0.5, 0.5), "translate": (0, 1, 3)}
    return Image(pixels, name="beads", units=("micrometer",) * 3, **place)


@pytest.fixture
def psf() -> BeadPsf:
    values = np.zeros((3, 5, 5), np.float32)
    values[1, 2, 2] = 1
    return BeadPsf(
        values=values,
        voxel_size_um=VoxelSize(0.3, 0.1, 0.1),
        used=3,
        fwhm_um=(0.71, 0.25, 0.24),
        theory_um=(0.6, 0.2, None),
        notes=("3 of 6 beads were averaged.",),
    )


def test_marks_are_found_in_pixels_of_the_stack(stack: Image) -> None:
    marks = Points([[4.0, 6.0, 8.0]])  # in the world: µm
    request = bead_request(stack, marks, OPTICS)
    # (4 - 0) / 2, (6 - 1) / 0.5, (8 - 3) / 0.5
    assert request.points.tolist() == [[2, 10, 10]]
    assert tuple(request.voxel_size_um) == (2, 0.5, 0.5)


def test_marks_in_another_unit_of_length_are_found(stack: Image) -> None:
    marks = Points([[4000.0, 6000.0, 8000.0]], units=("nanometer",) * 3)
    assert bead_request(stack, marks, OPTICS).points == pytest.approx(
        np.array([[2, 10, 10]])
    )


def test_voxel_size_that_the_stack_does_not_state_is_that_of_the_form() -> None:
    stack = Image(np.zeros((5, 20, 30)), name="beads")
    request = bead_request(stack, Points([[1, 2, 3]]), OPTICS)
    assert tuple(request.voxel_size_um) == (0.3, 0.1, 0.1)


def test_new_marks_lie_on_the_stack(stack: Image) -> None:
    viewer = ViewerModel()
    viewer.add_layer(stack)
    marks = add_marks(viewer, stack)
    marks.add([2, 10, 10])
    assert bead_request(stack, marks, OPTICS).points.tolist() == [[2, 10, 10]]
    assert (marks.name, marks.mode) == ("beads [beads]", "add")


@pytest.mark.parametrize(
    ("shape", "points", "reason"),
    [
        (None, [[1, 2, 3]], "No bead stack"),
        ((5, 8, 8), [], "No bead is marked"),
        ((2, 5, 8, 8), [[1, 1, 2, 3]], "one time and channel"),
        ((5, 8, 8), [[2, 3]], "position on each axis"),
    ],
)
def test_what_cannot_be_distilled_is_refused(
    shape: tuple[int, ...] | None, points: list[list[float]], reason: str
) -> None:
    stack = None if shape is None else Image(np.zeros(shape), name="beads")
    with pytest.raises(InputError, match=reason):
        bead_request(
            stack, Points(points, ndim=len(points[0]) if points else 3), OPTICS
        )


def test_result_is_told_against_theory(psf: BeadPsf) -> None:
    assert describe_psf(psf).splitlines() == [
        "3 of 6 beads were averaged.",
        "FWHM x: 0.24 µm",
        "FWHM y: 0.25 µm, in theory 0.2 µm",
        "FWHM z: 0.71 µm, in theory 0.6 µm",
    ]


def test_layer_of_a_psf_has_its_size(psf: BeadPsf) -> None:
    source = Micrograph(np.zeros((5, 20, 30)), "ZYX", name="beads")
    layer = Layer.create(*psf_layer_data(psf, source, ["beads [PSF of 3 beads]"]))
    assert layer.name == "beads [PSF of 3 beads] [1]"
    assert layer.scale.tolist() == [0.3, 0.1, 0.1]
    assert [str(u) for u in layer.units] == ["micrometer"] * 3
