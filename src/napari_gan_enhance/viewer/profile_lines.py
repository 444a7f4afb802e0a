"""The lines of the line profile: a Shapes layer that is drawn, dragged and typed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.viewport import camera_of, cell_size
from napari_gan_enhance.viewer.world import to_pixels, to_world, world_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LINE_LAYER = "Line profile"
"""Name of the Shapes layer whose lines are sampled."""

NAME_FEATURE = "name"
"""Column of the layer's features that names each line."""

KINDS = ("line", "path")
"""Shapes that are lines; others in the layer are left alone."""

THIN_SHARE = 1 / 250
"""Width of a line on screen, as a share of what is in view."""

LINE_COLOR = "#ffd400"
BAND_OPACITY = 0.35
"""Of a line as wide as what is averaged over: the image must be seen through it."""

MOST_UNDONE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A line or polyline.

    Parameters
    ----------
    index : int
        Of its shape in the layer.
    name : str
    vertices : ndarray, shape (k, 2), float64
        (Y, X) in world coordinates.
    """

    index: int
    name: str
    vertices: Floats


def line_layer(viewer: ViewerModel) -> Shapes | None:
    """Return the layer that holds the lines."""
    if LINE_LAYER not in viewer.layers:
        return None
    layer = viewer.layers[LINE_LAYER]
    return layer if isinstance(layer, Shapes) else None


def ensure_line_layer(viewer: ViewerModel) -> Shapes:
    """Return the layer that holds the lines, a new one on top if there is none."""
    layer = line_layer(viewer)
    if layer is not None:
        return layer
    # In the world's own: napari takes the width of its highlight for such units.
    units = max(
        (layer.units for layer in viewer.layers if isinstance(layer, Image)),
        key=lambda units: world_in(viewer, units)[-1],
        default=None,
    )
    thin = thin_width(viewer)  # of the images alone
    added: Shapes = viewer.add_shapes(
        ndim=2,
        name=LINE_LAYER,
        edge_color=LINE_COLOR,
        face_color="transparent",
        opacity=0.9,
        features={NAME_FEATURE: np.array([], dtype=object)},
        units=None if units is None else tuple(units[-2:]),
    )
    added.current_edge_width = thin * _unit(viewer, added)
    return added


def add_line(viewer: ViewerModel, vertices: Floats | None = None) -> Line:
    """Add a line, to be moved by its ends.

    Parameters
    ----------
    viewer : ViewerModel
    vertices : ndarray, shape (k, 2), optional
        World coordinates; by default half the width of what is in view, across its
        middle.

    Returns
    -------
    Line
    """
    layer = ensure_line_layer(viewer)
    if vertices is None:
        vertices = _across_view(viewer)
    layer.current_edge_width = thin_width(viewer) * _unit(viewer, layer)
    layer.add([_to_layer(viewer, layer, vertices)], shape_type=_kind(vertices))
    name_lines(layer)
    layer.mode = "direct"
    layer.selected_data = {layer.nshapes - 1}
    viewer.layers.selection.active = layer
    return lines(viewer)[-1]


def lines(viewer: ViewerModel) -> list[Line]:
    """Return all lines, in the order they were drawn."""
    layer = line_layer(viewer)
    if layer is None:
        return []
    names = _names(layer)
    found = []
    for index, (kind, shape) in enumerate(
        zip(layer.shape_type, layer.data, strict=True)
    ):
        if kind in KINDS and len(shape) > 1:
            world = np.array([to_world(viewer, layer, v)[-2:] for v in shape])
            found.append(Line(index, names[index], world))
    return found


def set_vertices(viewer: ViewerModel, line: Line, vertices: Floats) -> None:
    """Move a line to other vertices, in world coordinates."""
    layer = line_layer(viewer)
    if layer is None:
        return
    shapes = list(zip(layer.data, layer.shape_type, strict=True))
    shapes[line.index] = (_to_layer(viewer, layer, vertices), _kind(vertices))
    _replace(layer, shapes, _names(layer))
    layer.selected_data = {line.index}


def remove_line(viewer: ViewerModel, line: Line) -> None:
    """Take a line away."""
    layer = line_layer(viewer)
    if layer is not None:
        layer.selected_data = {line.index}
        layer.remove_selected()


def rename_line(viewer: ViewerModel, line: Line, name: str) -> None:
    """Give a line another name; an empty one is ignored."""
    layer = line_layer(viewer)
    if layer is not None and name.strip():
        names = _names(layer)
        names[line.index] = name.strip()
        _set_names(layer, names)


def name_lines(layer: Shapes) -> None:
    """Give lines that were drawn by hand a name of their own."""
    names = _names(layer)
    number = 1
    for index, name in enumerate(names):
        if name and name not in names[:index]:
            continue
        while f"Line {number}" in names:
            number += 1
        names[index] = f"Line {number}"
    if names != _names(layer):
        _set_names(layer, names)


def show_width(viewer: ViewerModel, width: float) -> None:
    """Draw the lines as wide as what is averaged over, in world units.

    A line that is thinner than is well seen keeps the width it was drawn with.
    """
    layer = line_layer(viewer)
    if layer is None or not layer.nshapes:
        return
    is_band = width > thin_width(viewer)
    band = width * _unit(viewer, layer)
    wanted = band if is_band else layer.current_edge_width
    if not np.allclose(layer.edge_width, wanted):
        layer.edge_width = [wanted] * layer.nshapes
        opacity = round(255 * (BAND_OPACITY if is_band else 1.0))
        layer.edge_color = [f"{LINE_COLOR}{opacity:02x}"] * layer.nshapes
        layer.refresh()


def thin_width(viewer: ViewerModel) -> float:
    """Return a width, in world units, that is well seen at the present zoom."""
    extent = viewer.layers.extent.world[:, -2:]
    whole = float(np.ptp(extent, axis=0).max())
    in_view = float(cell_size(viewer).min() / camera_of(viewer).zoom)
    return (min(whole, in_view) if whole > 0 else in_view) * THIN_SHARE


def parse_vertices(text: str) -> Floats:
    """Read vertices as a user types them.

    Parameters
    ----------
    text : str
        "y, x; y, x" and so on; at least two points.

    Returns
    -------
    ndarray, shape (k, 2), float64

    Raises
    ------
    InputError
        If it is not that.
    """
    try:
        points = [
            [float(n) for n in part.replace(",", " ").split()]
            for part in text.strip().strip(";").split(";")
        ]
    except ValueError:
        points = []
    is_legal = len(points) > 1 and all(
        len(p) == 2 and all(map(math.isfinite, p)) for p in points
    )
    if not is_legal:
        raise InputError(
            f"{text!r} is no line - it needs two or more points as 'y, x; y, x' - "
            "correct it, or draw the line."
        )
    vertices = np.array(points, np.float64)
    if (vertices == vertices[0]).all():
        raise InputError(
            f"{text!r} is no line - its points must differ - move one of them."
        )
    return vertices


def vertices_text(vertices: Floats) -> str:
    """Return vertices as `parse_vertices` reads them, to four digits of the length."""
    span = float(np.ptp(vertices, axis=0).max()) or 1.0
    digits = max(0, 3 - math.floor(math.log10(span)))
    return "; ".join(f"{y:.{digits}f}, {x:.{digits}f}" for y, x in vertices)


class LineHistory:
    """What the lines were, step by step, to go back and forth.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._states: list[Any] = [self._state()]
        self._at = 0

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back to."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone."""
        return self._at < len(self._states) - 1

    def record(self) -> None:
        """Take note of the lines, if they are not as they were."""
        state = self._state()
        if _is_same(state, self._states[self._at]):
            return
        self._states = [*self._states[: self._at + 1], state][-MOST_UNDONE:]
        self._at = len(self._states) - 1

    def undo(self) -> None:
        """Go back one step."""
        if self.can_undo:
            self._at -= 1
            self._restore(self._states[self._at])

    def redo(self) -> None:
        """Go forth one step."""
        if self.can_redo:
            self._at += 1
            self._restore(self._states[self._at])

    def _state(self) -> Any:
        layer = line_layer(self._viewer)
        if layer is None:
            return [], []
        shapes = zip(layer.data, layer.shape_type, strict=True)
        return [(np.array(d), kind) for d, kind in shapes], _names(layer)

    def _restore(self, state: Any) -> None:
        shapes, names = state
        if not shapes and line_layer(self._viewer) is None:
            return
        _replace(ensure_line_layer(self._viewer), shapes, names)


def _is_same(one: Any, other: Any) -> bool:
    return one[1] == other[1] and all(
        a[1] == b[1] and np.array_equal(a[0], b[0])
        for a, b in zip(one[0], other[0], strict=True)
    )


def _replace(layer: Shapes, shapes: list[Any], names: list[str]) -> None:
    # napari takes all shapes away before it adds the others: nobody need see that.
    with layer.events.set_data.blocker():
        layer.selected_data = set()
        layer.data = list(shapes)  # emptied by napari
        if shapes:
            _set_names(layer, names)
    layer.refresh()


def _names(layer: Shapes) -> list[str]:
    # napari keeps the features when the last shape goes.
    if NAME_FEATURE not in layer.features or not layer.nshapes:
        return [""] * layer.nshapes
    return [
        name if isinstance(name, str) else "" for name in layer.features[NAME_FEATURE]
    ]


def _set_names(layer: Shapes, names: Sequence[str]) -> None:
    features = {column: list(layer.features[column]) for column in layer.features}
    layer.features = {**features, NAME_FEATURE: np.array(names, dtype=object)}
    # A line that is drawn next must not take over the name of the last.
    layer.feature_defaults = {NAME_FEATURE: ""}


def _to_layer(viewer: ViewerModel, layer: Shapes, vertices: Floats) -> Floats:
    return np.array([to_pixels(viewer, layer, v) for v in vertices])


def _unit(viewer: ViewerModel, layer: Shapes) -> float:
    """Return the size of one unit of the world in the layer's."""
    return float(world_in(viewer, layer.units)[-1])


def _kind(vertices: Floats) -> str:
    return "line" if len(vertices) == 2 else "path"


def _across_view(viewer: ViewerModel) -> Floats:
    """Return a line across the middle of what is both in view and in the layers."""
    extent = viewer.layers.extent.world[:, -2:]
    center = np.asarray(camera_of(viewer).center[-2:], np.float64)
    half = cell_size(viewer) / camera_of(viewer).zoom / 2
    lower, upper = np.maximum(extent[0], center - half), extent[1]
    upper = np.minimum(upper, center + half)
    if (upper <= lower).any():
        lower, upper = extent
    (y, x), reach = (lower + upper) / 2, (upper - lower)[1] / 4
    return np.array([[y, x - reach], [y, x + reach]])
