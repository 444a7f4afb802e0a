"""Line profiles as CSV: the curves, and above them what they are and their peaks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_gan_enhance.metrics.line_profile_curve import verdict_text
from napari_gan_enhance.metrics.table_text import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_gan_enhance.metrics.line_profile_curve import Analysis

COLUMNS = ("line", "layer", "distance", "intensity", "standard_error")
DIGITS = 9
"""Significant: more than any camera knows, and float32 comes back the same."""


def profile_csv(
    lines: Mapping[str, Sequence[Analysis]], facts: Mapping[str, object]
) -> str:
    """Return curves as CSV text.

    Parameters
    ----------
    lines : mapping of line name to the analyses of its curves
    facts : mapping of name to value
        What the reader must know: one comment line each, before the table.

    Returns
    -------
    str
        Comment lines begin with "#": the facts, then one for each peak and for each
        verdict. Then one row for each sample with the columns line, layer, distance,
        intensity, standard_error; empty where there is no value. The unit of the
        distance is among the column names: distance_um or distance_px.
    """
    comments = [f"{name}: {value}" for name, value in facts.items()]
    comments += _peak_comments(lines)
    unit = next((a.curve.unit for group in lines.values() for a in group), "µm")
    head = [f"distance_{_ascii(unit)}" if c == "distance" else c for c in COLUMNS]
    return csv_text(head, _samples(lines), comments)


def _samples(lines: Mapping[str, Sequence[Analysis]]) -> Iterable[tuple[str, ...]]:
    for line, analyses in lines.items():
        for curve in (analysis.curve for analysis in analyses):
            columns = curve.distance, curve.values, curve.standard_error
            for numbers in zip(*columns, strict=True):
                yield (line, curve.name, *(_number(float(n)) for n in numbers))


def _peak_comments(lines: Mapping[str, Sequence[Analysis]]) -> Iterable[str]:
    for line, analyses in lines.items():
        for analysis in analyses:
            where = f"{line}, {analysis.curve.name}"
            unit = _ascii(analysis.curve.unit)
            for peak in analysis.peaks:
                error = f" +- {peak.fwhm_error:.4g}" if peak.fwhm_error >= 0 else ""
                yield (
                    f"peak: {where}: position {peak.position:.6g} {unit}, height "
                    f"{peak.height:.6g}, FWHM {peak.fwhm:.6g}{error} {unit}"
                )
            yield f"verdict: {where}: {verdict_text(analysis, unit)}"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.{DIGITS}g}"


def _ascii(unit: str) -> str:
    return unit.replace("µ", "u")
