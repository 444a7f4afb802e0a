"""Two fields that choose among the layers of one viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

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
