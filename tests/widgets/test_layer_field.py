"""Two fields that choose among the layers of one viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.viewer.layers import METADATA_KEY
from napari_gan_enhance.viewer.trust_run import SOURCE_KEY
from napari_gan_enhance.widgets._layer_field import LayerField

if TYPE_CHECKING:
    from napari.layers import Image
    from pytestqt.qtbot import QtBot


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def fields(viewer: ViewerModel, qtbot: QtBot) -> tuple[LayerField, LayerField]:
    both = [LayerField(viewer, "", follows=False) for _ in range(2)]
    for field in both:
        qtbot.addWidget(field)
    source, target = both
    target.step_aside_for(source)
    return source, target


def image(viewer: ViewerModel, name: str) -> Image:
    return viewer.add_image(np.zeros((8, 8)), name=name)


def test_layers_that_come_later_are_shared_out(
    fields: tuple[LayerField, LayerField], viewer: ViewerModel
) -> None:
    source, target = fields
    first = image(viewer, "first")
    assert (source.layer(), target.layer()) == (first, first)  # there is no other
    second = image(viewer, "second")
    assert (source.layer(), target.layer()) == (first, second)


def test_choosing_what_the_other_has_exchanges_two(
    fields: tuple[LayerField, LayerField], viewer: ViewerModel
) -> None:
    source, target = fields
    first, second = image(viewer, "first"), image(viewer, "second")
    source.choose(second)
    assert (source.layer(), target.layer()) == (second, first)


def test_a_removed_layer_does_not_leave_one_chosen_twice(
    fields: tuple[LayerField, LayerField], viewer: ViewerModel
) -> None:
    source, target = fields
    first, second, third = (image(viewer, name) for name in "abc")
    source.choose(third)
    target.choose(first)
    viewer.layers.remove(third)
    assert source.layer() is first
    assert target.layer() is second


def test_a_field_may_wait_for_the_user(viewer: ViewerModel, qtbot: QtBot) -> None:
    """A PSF that was deleted is not replaced by any other image."""
    field = LayerField(viewer, "", follows=False, takes_another=False)
    qtbot.addWidget(field)
    first, _ = image(viewer, "first"), image(viewer, "second")
    assert field.layer() is None
    field.choose(first)
    viewer.layers.remove(first)
    assert field.layer() is None
    image(viewer, "third")
    assert field.layer() is None


def test_a_result_that_is_being_written_is_not_followed(
    viewer: ViewerModel, qtbot: QtBot
) -> None:
    field = LayerField(viewer, "")
    qtbot.addWidget(field)
    first = image(viewer, "first")
    assert field.layer() is first
    made = viewer.add_image(np.zeros((8, 8)), metadata={SOURCE_KEY: object()})
    assert viewer.layers.selection.active is made
    assert field.layer() is first
    made.metadata[METADATA_KEY] = object()
    viewer.layers.selection.active = first
    viewer.layers.selection.active = made
    assert field.layer() is made
