"""Intermediate iterations: which are kept, and what stands in the history."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics.deconvolve import (
    IterationsChosen,
    deconvolve,
)
from napari_gan_enhance.optics.richardson_lucy import kept_iterations
from napari_gan_enhance.optics.settings import DeconvolveSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.region import WrittenSnapshot

SEAM = 1e-4  # of the peak: tiles against the whole, see HALO_REACH


@pytest.mark.parametrize(
    ("iterations", "kept"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (10, (1, 2, 3, 5, 7, 10)),
        (12, (1, 2, 3, 5, 7, 10, 12)),
        (100, (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)),
    ],
)
def test_kept_iterations_are_round_numbers(iterations: int, kept: tuple) -> None:
    assert kept_iterations(iterations) == kept


@pytest.fixture
def image(rng: np.random.Generator) -> Micrograph:
    """Axes T, C, Y, X."""
    spots = np.where(rng.random((2, 2, 24, 30)) > 0.98, 1000.0, 5)
    return Micrograph(
        rng.poisson(gaussian_filter(spots, (0, 0, 1, 1))).astype(np.uint16),
        "TCYX",
        VoxelSize(None, 0.2, 0.2),
        channels=(Channel(emission_nm=450), Channel(emission_nm=650)),
        microscope=Microscope(None, 0.75, 1.0),
    )


def settings(**given: object) -> DeconvolveSettings:
    return DeconvolveSettings(device="cpu", **given)


@pytest.mark.parametrize("tile", [None, 16])
def test_history_holds_what_fewer_iterations_give(image, tile) -> None:
    arrays = []

    def provide(kept: tuple[int, ...]) -> np.ndarray:
        arrays.append(np.full((len(kept), *image.shape), np.nan, np.float32))
        return arrays[-1]

    given = settings(iterations=4, tile=tile)
    result = drain(deconvolve(image, given, history=provide)).pixels
    (history,) = arrays
    for index, iterations in enumerate((1, 2, 3)):
        alone = drain(deconvolve(image, settings(iterations=iterations))).pixels
        assert np.abs(history[index] - alone).max() < SEAM * alone.max()
    np.testing.assert_array_equal(history[3], result)


def test_every_kept_iteration_of_every_tile_is_reported_before_the_tile(image) -> None:
    history = np.zeros((3, *image.shape), np.float32)
    reports = []
    given = settings(iterations=3, tile=16)
    drain(deconvolve(image, given, history=lambda kept: history), reports.append)
    details = [r.detail for r in reports if r.detail is not None]
    assert details[0] == IterationsChosen((3, 3), (1, 2, 3))
    count = np.zeros(history.shape, int)
    last = None
    for detail in details[1:]:
        if isinstance(detail, WrittenSnapshot):
            slices = tuple(detail.region.slices[axis] for axis in "TCYX")
            count[(detail.index, *slices)] += 1
            last = detail.region
        else:
            assert detail == last
    assert (count == 1).all()


def test_a_region_has_a_history_of_its_size(image) -> None:
    region = {"T": slice(1, 2), "C": slice(1, 2), "Y": slice(4, 12), "X": slice(3, 20)}
    history = np.full((2, 1, 1, 8, 17), np.nan, np.float32)
    job = deconvolve(
        image, settings(iterations=2), region=region, history=lambda kept: history
    )
    result = drain(job).pixels
    np.testing.assert_array_equal(history[1], result)
    assert np.isfinite(history).all()
