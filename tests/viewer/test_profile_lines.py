"""The layer of lines: added, named, typed, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.profile_lines import (
    LineHistory,
    add_line,
    ensure_line_layer,
    line_layer,
    lines,
    name_lines,
    parse_vertices,
    remove_line,
    rename_line,
    set_vertices,
    show_width,
    vertices_text,
)

if TYPE_CHECKING:
    from napari.layers import Shapes


@pytest.fixture
def viewer() -> ViewerModel:
    model = ViewerModel()
    model.add_image(np.zeros((40, 60)), scale=(0.5, 0.5), units="um")
    return model


def line_layer_with(viewer: ViewerModel, vertices: list[list[float]]) -> Shapes:
    layer = ensure_line_layer(viewer)
    layer.add([vertices], shape_type="line")
    return layer


def names(viewer: ViewerModel) -> list[str]:
    return [line.name for line in lines(viewer)]


@pytest.mark.parametrize("shape", [(40, 60), (3, 40, 60)], ids=["plane", "stack"])
def test_new_line_crosses_the_middle(shape: tuple[int, ...]) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros(shape))
    start, stop = add_line(viewer).vertices
    assert (start[0], stop[0]) == (19.5, 19.5)
    assert (start[1] + stop[1]) / 2 == pytest.approx(29.5)
    assert stop[1] - start[1] == pytest.approx((59 - 0) / 2)  # between pixel centers


def test_line_layer_has_the_unit_of_the_images(viewer: ViewerModel) -> None:
    add_line(viewer)
    assert [str(unit) for unit in line_layer(viewer).units] == ["micrometer"] * 2


def test_lines_stay_on_the_images_when_the_world_is_counted_in_another_unit(
    viewer: ViewerModel,
) -> None:
    layer = line_layer_with(viewer, [[2, 3], [2, 8]])  # µm
    viewer.add_image(np.zeros((40, 60)), scale=(500, 500), units="nm")
    (line,) = lines(viewer)
    assert line.vertices == pytest.approx(np.array([[2000, 3000], [2000, 8000]]))
    set_vertices(viewer, line, line.vertices + 1000)
    assert layer.data[0] == pytest.approx(np.array([[3, 4], [3, 9]]))
    show_width(viewer, 4000)
    assert layer.edge_width == pytest.approx([4])
    viewer.reset_view()
    start, stop = add_line(viewer).vertices
    assert (start[0], stop[0]) == pytest.approx((9750, 9750))  # the middle, in nm
    assert layer.data[1][:, 0] == pytest.approx([9.75, 9.75])


def test_lines_keep_their_names_when_one_is_removed(viewer: ViewerModel) -> None:
    for _ in range(3):
        add_line(viewer)
    rename_line(viewer, lines(viewer)[1], " nucleus ")
    remove_line(viewer, lines(viewer)[0])
    assert names(viewer) == ["nucleus", "Line 3"]
    # Drawn by hand: napari copies no name to it.
    line_layer(viewer).add([[[1, 1], [2, 2]]], shape_type="line")
    name_lines(line_layer(viewer))
    assert names(viewer) == ["nucleus", "Line 3", "Line 1"]


def test_other_shapes_in_the_layer_are_no_lines(viewer: ViewerModel) -> None:
    add_line(viewer)
    line_layer(viewer).add([[[1, 1], [2, 2]]], shape_type="rectangle")
    assert len(lines(viewer)) == 1


def test_typed_line_is_where_it_was_typed(viewer: ViewerModel) -> None:
    add_line(viewer)
    vertices = parse_vertices("1.5, 2; 3 4.25;5,6;")
    assert vertices.tolist() == [[1.5, 2], [3, 4.25], [5, 6]]
    set_vertices(viewer, lines(viewer)[0], vertices)
    (line,) = lines(viewer)
    np.testing.assert_allclose(line.vertices, vertices)
    assert line.name == "Line 1"
    assert vertices_text(line.vertices) == "1.500, 2.000; 3.000, 4.250; 5.000, 6.000"


@pytest.mark.parametrize("text", ["", "1, 2", "1, 2; 3", "a, b; c, d", "1,nan; 2,3"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="two or more points as 'y, x; y, x'"):
        parse_vertices(text)


def test_line_of_one_place_is_refused() -> None:
    with pytest.raises(InputError, match="points must differ"):
        parse_vertices("1, 2; 1, 2")


def test_history_goes_back_and_forth(viewer: ViewerModel) -> None:
    history = LineHistory(viewer)
    add_line(viewer, np.array([[1.0, 1], [2, 2]]))
    history.record()
    history.record()  # nothing has changed: no step
    set_vertices(viewer, lines(viewer)[0], np.array([[3.0, 3], [4, 4], [5, 3]]))
    history.record()
    history.undo()
    assert lines(viewer)[0].vertices.tolist() == [[1, 1], [2, 2]]
    history.undo()
    assert lines(viewer) == []
    assert not history.can_undo
    history.redo()
    history.redo()
    assert lines(viewer)[0].vertices.tolist() == [[3, 3], [4, 4], [5, 3]]
    assert not history.can_redo


def test_line_is_as_wide_as_what_is_averaged(viewer: ViewerModel) -> None:
    add_line(viewer)
    layer = line_layer(viewer)
    thin = layer.edge_width[0]
    show_width(viewer, 3.0)
    assert layer.edge_width == [3.0]
    assert layer.edge_color[0, 3] < 0.5  # seen through
    show_width(viewer, 0)
    assert layer.edge_width == [thin]
    assert layer.edge_color[0, 3] == 1


def test_lines_have_the_units_of_the_world(viewer: ViewerModel) -> None:
    """napari draws the highlight of other units a thousand times too wide."""
    viewer.add_image(np.zeros((40, 60)), scale=(500, 500), units="nanometer")
    assert [str(unit) for unit in ensure_line_layer(viewer).units] == ["nanometer"] * 2
