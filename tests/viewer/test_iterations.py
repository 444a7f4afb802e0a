"""Iterations that are kept belong to one layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.viewer.iterations import (
    ITERATIONS_KEY,
    KeptIterations,
    describe_iteration,
    kept_iterations,
    show_iteration,
)
from napari_gan_enhance.viewer.layers import METADATA_KEY

NUMBERS = (1, 5, 10)


@pytest.fixture
def result() -> Image:
    """A source that was deconvolved itself, after ten iterations."""
    history = np.stack([np.full((8, 8), n, np.float32) for n in NUMBERS])
    layer = ViewerModel().add_image(
        history[2],
        name="b [deconvolved: RL 10] [deconvolved: RL 10]",
        metadata={
            ITERATIONS_KEY: KeptIterations(NUMBERS, history, history[2], 2, 2),
            METADATA_KEY: Micrograph(history[2], "YX"),
        },
    )
    describe_iteration(layer)
    return layer


def iteration_of(layer: Image) -> int:
    return layer.metadata[METADATA_KEY].provenance["iteration"]


def test_a_duplicate_has_an_iteration_of_its_own(result: Image) -> None:
    duplicate = Layer.create(*result.as_layer_data_tuple())
    show_iteration(duplicate, 0)
    show_iteration(result, 1)
    for layer, number in ((duplicate, 1), (result, 5)):
        assert (layer.data == number).all()
        kept = kept_iterations(layer)
        assert kept.numbers[kept.shown] == number
        assert iteration_of(layer) == number


def test_a_duplicate_begins_with_what_it_shows(result: Image) -> None:
    show_iteration(result, 1)
    duplicate = Layer.create(*result.as_layer_data_tuple())
    show_iteration(result, 2)  # before anybody looks at the duplicate
    assert kept_iterations(duplicate).shown == 1


def test_the_name_of_the_source_stays(result: Image) -> None:
    show_iteration(result, 0)
    assert result.name == "b [deconvolved: RL 10] [deconvolved: RL 1]"
