"""What was measured as a table: on screen, on the clipboard and as CSV."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.metrics.table_text import csv_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_gan_enhance.metrics.fidelity import FidelityScores
    from napari_gan_enhance.metrics.scale_free import ScaleFreeScores
    from napari_gan_enhance.viewer.metrics_against import Scored, ScoredAgainst
    from napari_gan_enhance.viewer.metrics_alone import Measured, MeasuredAlone

MEDIAN = "median"
DIGITS = 9
"""Significant, in files: more than any camera knows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One measure.

    Parameters
    ----------
    key : str
        In files.
    title : str
        On screen.
    better : "higher", "lower" or ""
    help : str
        Tooltip.
    """

    key: str
    title: str
    better: Literal["higher", "lower", ""]
    help: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was measured of one layer.

    Parameters
    ----------
    layer : str
    variant : str
        What sets it apart from other groups of the layer, such as the fit.
    rows : tuple of (str, tuple of float or None)
        Where, and a value for each column; the first is the median over planes.
    notes : tuple of str
        Sentences.
    """

    layer: str
    variant: str
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Groups under columns, and what must be known to read them."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    facts: Mapping[str, object]

    def best(self, column: int) -> float | None:
        """Return the best median of a column; None where there is nothing to choose."""
        values = [g.rows[0][1][column] for g in self.groups if g.rows]
        known = [v for v in values if v is not None and not math.isnan(v)]
        better = self.columns[column].better
        if len(known) < 2 or len(set(known)) < 2 or not better:
            return None
        return max(known) if better == "higher" else min(known)


AGAINST: tuple[Column, ...] = (
    Column("mse", "MSE", "lower", "Mean square error, in squared intensities."),
    Column(
        "nrmse_euclidean",
        "NRMSE\nEuclidean",
        "lower",
        "Root mean square error over the root mean square of the reference.",
    ),
    Column(
        "nrmse_minmax",
        "NRMSE\nmin-max",
        "lower",
        "Root mean square error over maximum - minimum of the reference.",
    ),
    Column("ssim", "SSIM", "higher", "Structural similarity (Wang et al. 2004)."),
    Column("psnr", "PSNR\n(dB)", "higher", "Peak signal to noise ratio."),
    Column(
        "si_psnr",
        "SI-PSNR\n(dB)",
        "higher",
        "Scale-invariant PSNR: after the best gain and offset, whatever the fit.",
    ),
    Column(
        "micro_ssim",
        "MicroSSIM",
        "higher",
        "SSIM without background, at the one scale of the layer that suits best.",
    ),
    Column("data_range", "Range", "", "Range of intensities for PSNR and SSIM."),
)

FITS = {"affine": "fitted", "none": "as it is"}

ALONE = {
    "decorrelation": Column(
        "decorrelation_um",
        "Decorrelation\n(µm)",
        "",
        "Period of the finest content, true or invented. No measure of quality.",
    ),
    "frc": Column("frc_um", "FRC\n(µm)", "", "Fourier ring correlation."),
    "single-image frc": Column(
        "single_image_frc_um",
        "Single-image\nFRC (µm)",
        "",
        "Ring correlation of the halves of one raw image.",
    ),
    "niqe": Column("niqe", "NIQE", "lower", "How unlike your sharp images it looks."),
}


def table_against(found: ScoredAgainst) -> Table:
    """Return the table of scores against a reference."""
    first = found.scored[0].settings
    facts = {**_made(), "reference": found.reference, "scores": first.in_words()}
    facts |= found.facts
    several = len({one.settings.used_fit for one in found.scored}) > 1
    if several:
        text = facts["scores"]
        facts["scores"] = str(text).replace(
            f"offset: {first.used_fit}", "offset: affine and none"
        )
    columns = AGAINST
    if all(
        one.evaluation and not one.evaluation.median_scale_free for one in found.scored
    ):
        columns = tuple(c for c in AGAINST if c.key not in ("si_psnr", "micro_ssim"))
    groups = tuple(_scored(one, columns, several=several) for one in found.scored)
    return Table(columns, groups, facts)


def table_alone(found: MeasuredAlone) -> Table:
    """Return the table of what was measured without a reference."""
    facts = {**_made(), **found.facts}
    columns = []
    for measure in found.measures:
        column = ALONE[measure]
        if "frc" in measure:
            facts[f"threshold of {measure}"] = found.threshold
            title = column.title.replace("FRC", f"FRC {found.threshold}")
            key = f"{column.key[:-3]}_{found.threshold.replace('/', '_')}_um"
            column = Column(key, title, column.better, column.help)
        columns.append(column)
    if "niqe" in found.measures and found.model is not None:
        facts["NIQE model"] = (
            f"{found.model.model.blocks} blocks of {', '.join(found.model.images)}"
        )
    groups = tuple(_measured(one, found) for one in found.measured)
    return Table(tuple(columns), groups, facts)


def as_csv(table: Table, *, delimiter: str = ",") -> str:
    """Return the table as text; with commas the facts stand before it."""
    head = ["layer", "variant", "plane", *(c.key for c in table.columns)]
    rows = [
        [group.layer, group.variant, where, *map(_exact, values)]
        for group in table.groups
        for where, values in group.rows
    ]
    facts = dict(table.facts) if delimiter == "," else {}
    if facts:
        notes = {f"note {i}": text for i, text in enumerate(all_notes(table), start=1)}
        facts |= notes
    comments = [f"{name}: {text}" for name, text in facts.items()]
    return csv_text(head, rows, comments, delimiter=delimiter)


def save_table(path: Path, table: Table) -> None:
    """Write the table as CSV; the dialog has asked before a file is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_file(path, overwrite=True) as part:
        part.write_text(as_csv(table), encoding="utf-8")


def all_notes(table: Table) -> list[str]:
    """Return the notes of all groups, each once."""
    return list(dict.fromkeys(n for group in table.groups for n in group.notes if n))


def shown(value: float | None) -> str:
    """Return a number for the eye."""
    if value is None or math.isnan(value):
        return "–"  # noqa: RUF001
    return "∞" if math.isinf(value) else f"{value:.4g}"


def _scored(one: Scored, columns: tuple[Column, ...], *, several: bool) -> Group:
    fit = FITS[one.settings.used_fit] if several else ""
    evaluation = one.evaluation
    if evaluation is None:
        return Group(one.name, fit, (), (f"{one.name!r}: {one.problem}",))
    spans = {plane.data_range for plane in evaluation.planes}
    middle = _values(
        evaluation.median,
        evaluation.median_scale_free,
        spans.pop() if len(spans) == 1 else None,
    )
    rows = [(MEDIAN, middle)]
    if len(evaluation.planes) > 1:
        rows += [
            (_where(p.position), _values(p.scores, p.scale_free, p.data_range))
            for p in evaluation.planes
        ]
    table = tuple(
        (where, tuple(values.get(c.key) for c in columns)) for where, values in rows
    )
    return Group(one.name, fit, table, one.pair.notes if one.pair else ())


def _values(
    scores: FidelityScores, free: ScaleFreeScores | None, data_range: float | None
) -> dict[str, float | None]:
    return {
        **asdict(scores),
        **(asdict(free) if free else {}),
        "data_range": data_range,
    }


def _measured(one: Measured, found: MeasuredAlone) -> Group:
    from statistics import median

    columns = [one.values.get(measure, {}) for measure in found.measures]
    middle = tuple(float(median(c.values())) if c else None for c in columns)
    rows: list[tuple[str, tuple[float | None, ...]]] = [(MEDIAN, middle)]
    places = list(dict.fromkeys(place for c in columns for place in c))
    if len(places) > 1:
        rows += [
            (_where(dict(place)), tuple(c.get(place) for c in columns))
            for place in places
        ]
    return Group(one.name, "", tuple(rows), tuple(one.notes))


def _where(position: Mapping[str, int]) -> str:
    return " ".join(f"{axis}{at}" for axis, at in position.items())


def _exact(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{DIGITS}g}"


def _made() -> dict[str, object]:
    return {
        "made by": f"napari-gan-enhance {version('napari-gan-enhance')}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
