"""What keeps a line from being measured, in one sentence for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_gan_enhance.viewer.profile import is_long

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from napari_gan_enhance.metrics.line_profile_curve import Curve
    from napari_gan_enhance.viewer.profile import CurvePlan
    from napari_gan_enhance.viewer.profile_lines import Line

LEAST_PIXELS = 3
"""A peak needs a neighbor on each side."""


def viewer_problem(viewer: ViewerModel, line: Line | None) -> str:
    """Return why nothing can be sampled; empty if something can."""
    if not any(type(x) is Image and x.visible for x in viewer.layers):
        return "No image is visible: open one, or click the eye beside its name."
    last = viewer.dims.ndim - 1
    if set(viewer.dims.displayed[-2:]) != {last - 1, last}:
        return (
            "Lines are measured in Y and X, and the view shows other axes: press "
            "'Change order of visible axes' under the layer list until they are back."
        )
    if line is None:
        return "No line is drawn yet: press 'New line' and drag its ends."
    return "" if is_long(line) else f"{line.name} has no length: drag one of its ends."


def curve_problem(line: Line, found: Sequence[tuple[CurvePlan, Curve]]) -> str:
    """Return what is wrong with the curves of a line; empty if nothing is."""
    if not found:
        return (
            f"{line.name} lies outside all visible images, or where they hold no "
            "numbers: drag it over one of them."
        )
    longest = max(curve.distance[-1] / plan.pixel_size() for plan, curve in found)
    if longest < LEAST_PIXELS:
        return (
            f"{line.name} is {longest:.2g} pixels long, too short for a peak: drag "
            f"its ends at least {LEAST_PIXELS} pixels apart."
        )
    return ""
