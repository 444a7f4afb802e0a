"""Save line profiles: a table, a plot, or a figure with the crops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.metrics.line_profile_curve import analyze
from napari_gan_enhance.metrics.line_profile_figure import profile_figure
from napari_gan_enhance.metrics.line_profile_table import profile_csv
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.profile import complete_curves, plans
from napari_gan_enhance.viewer.profile_crops import complete_crops
from napari_gan_enhance.viewer.profile_lines import vertices_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_gan_enhance.viewer.profile import CurvePlan
    from napari_gan_enhance.viewer.profile_choices import ProfileChoices
    from napari_gan_enhance.viewer.profile_lines import Line
    from napari_gan_enhance.viewer.profile_pixels import PixelStore

TABLES, PICTURES = (".csv",), (".png", ".svg", ".pdf")
DOTS_PER_INCH = 300
"""What journals ask for."""

INTENSITY = {"raw": "Intensity", "normalized": "Normalized intensity"}


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """What to save; holds no layer, so that a thread can do it.

    Parameters
    ----------
    path : Path
        Its suffix says what is made: .csv, or a picture (.png, .svg, .pdf).
    lines : tuple of (Line, tuple of CurvePlan)
        All lines for a table; the first one only for a picture.
    choices : ProfileChoices
    facts : dict of name to value
        For the head of a table.
    has_crops : bool
        Whether a picture shows the crops beside the curves.
    store : PixelStore
    """

    path: Path
    lines: tuple[tuple[Line, tuple[CurvePlan, ...]], ...]
    choices: ProfileChoices
    facts: dict[str, object]
    has_crops: bool
    store: PixelStore


def save_request(
    viewer: ViewerModel,
    path: Path,
    lines: Sequence[Line],
    choices: ProfileChoices,
    store: PixelStore,
    *,
    has_crops: bool = False,
) -> SaveRequest:
    """Gather from the viewer what a thread needs to save lines.

    Raises
    ------
    OutputError
        If the suffix of the path stands for no known format.
    """
    if path.suffix.lower() not in (*TABLES, *PICTURES):
        known = ", ".join((*TABLES, *PICTURES))
        raise OutputError(
            f"{path.name!r} cannot be written - profiles are saved as {known} - give "
            "the name one of these endings."
        )
    planned = tuple(
        (line, tuple(plans(viewer, line, choices.width, store))) for line in lines
    )
    facts = _facts(viewer, planned, choices)
    return SaveRequest(path, planned, choices, facts, has_crops, store)


def save_profile(request: SaveRequest) -> Job[Path]:
    """Sample at full resolution and write the file.

    The dialog has asked before an existing file is chosen, so it is replaced.

    Yields
    ------
    Progress

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    MissingExtraError
        If a picture is asked for and matplotlib is not installed.
    """
    if request.path.suffix.lower() in TABLES:
        text = yield from _table(request)
        with atomic_file(request.path, overwrite=True) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        return request.path
    _, line_plans = request.lines[0]
    curves = yield from complete_curves(line_plans, request.store)
    if request.choices.intensity == "normalized":
        curves = [curve.normalized() for curve in curves]
    crops = []
    if request.has_crops:
        crops = yield from complete_crops(line_plans, request.store)
    yield Progress(0, 1, "drawing")
    figure = profile_figure(
        curves, crops, intensity=INTENSITY[request.choices.intensity]
    )
    with atomic_file(request.path, overwrite=True) as unfinished:
        figure.savefig(unfinished, dpi=DOTS_PER_INCH)
    yield Progress(1, 1, "drawing")
    return request.path


def _table(request: SaveRequest) -> Job[str]:
    analyses = {}
    for line, line_plans in request.lines:
        curves = yield from complete_curves(line_plans, request.store)
        if request.choices.intensity == "normalized":
            curves = [curve.normalized() for curve in curves]
        fits = request.choices.widths == "fit"
        analyses[line.name] = [analyze(curve, fits=fits) for curve in curves]
    return profile_csv(analyses, request.facts)


def _facts(
    viewer: ViewerModel,
    planned: Sequence[tuple[Line, tuple[CurvePlan, ...]]],
    choices: ProfileChoices,
) -> dict[str, object]:
    shown = zip(viewer.dims.axis_labels, viewer.dims.point, strict=True)
    hidden = [x for i, x in enumerate(shown) if i not in viewer.dims.displayed]
    unit = next((p.unit for _, found in planned for p in found), "")
    facts: dict[str, object] = {
        "made by": f"napari-gan-enhance {version('napari-gan-enhance')}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "intensity": choices.intensity,
        "width": f"{choices.width:g} {unit}",
        "FWHM from": {"fit": "fitted Gaussians", "curve": "the curve"}[choices.widths],
        "sliders": "; ".join(f"{label} = {at:g}" for label, at in hidden) or "none",
    }
    for line, found in planned:
        facts[f"{line.name} (y, x in world units)"] = vertices_text(line.vertices)
        for plan in found:
            size = f"{plan.pixel_size():.6g} {plan.unit} pixel"
            facts[f"layer {plan.name}"] = size
    for layer in viewer.layers:
        if layer.source.path is not None:
            facts[f"file of {layer.name}"] = layer.source.path
    return facts
