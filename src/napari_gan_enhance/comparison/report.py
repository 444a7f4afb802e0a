"""The report: box plots, tests, tables and pictures of several methods in a folder."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance import __version__
from napari_gan_enhance.comparison.fields import field_medians, score_fields
from napari_gan_enhance.comparison.page import write_page
from napari_gan_enhance.comparison.training_overlap import training_warnings
from napari_gan_enhance.io.atomic import atomic_folder, other_than
from napari_gan_enhance.metrics.drawing import new_figure
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.metrics.significance import (
    Quartiles,
    Significance,
    check_installed,
    compare_methods,
    quartiles,
)
from napari_gan_enhance.metrics.table_text import csv_text
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.training.pairs import find_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_gan_enhance.comparison.fields import FileScores, Panel
    from napari_gan_enhance.comparison.methods import Method

FILES = ("report.html", "scores.csv", "summary.csv", "dunn.csv", "report.json")


class ReportSettings(BaseModel):
    """How to compare.

    Parameters
    ----------
    evaluation : EvaluateSettings
    field_pattern : str
        Regular expression whose match in a target's name is its field of view; by
        default the whole name.
    shown : int, 0 to 20
        Fields with pictures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: EvaluateSettings = EvaluateSettings()
    field_pattern: str = ""
    shown: int = Field(3, ge=0, le=20)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What was found.

    Parameters
    ----------
    methods : mapping of name to mapping
        What each method is.
    files : tuple of FileScores
    fields : mapping of metric to mapping of method to list of float
        One score for each field of view.
    summary : mapping of metric to mapping of method to Quartiles
    tests : mapping of metric to Significance or None
        None where there is too little to test.
    panels : tuple of Panel
    convention : str
        In words.
    warnings : tuple of str
        Sentences on methods that were trained on what they are tested on.
    """

    methods: Mapping[str, Mapping[str, Any]]
    files: tuple[FileScores, ...]
    fields: Mapping[str, Mapping[str, Sequence[float]]]
    summary: Mapping[str, Mapping[str, Quartiles]]
    tests: Mapping[str, Significance | None]
    panels: tuple[Panel, ...]
    convention: str
    warnings: tuple[str, ...] = ()


def report(
    source: Path,
    target: Path,
    output: Path,
    methods: Sequence[Method],
    settings: ReportSettings,
    *,
    overwrite: bool = False,
) -> Job[Report]:
    """Compare methods on pairs of test images, and write what was found.

    Parameters
    ----------
    source, target : Path
        Folders whose images are paired by name, see `find_pairs`. No method should have
        been trained on them; the report warns of those whose card says so.
    output : Path
        Folder, written at the end: `report.html`, `scores.csv` (every file),
        `summary.csv` (medians and quartiles over fields), `dunn.csv` (tests) and
        `report.json`.
    methods : sequence of Method
    settings : ReportSettings
    overwrite : bool
        Replace an earlier report; a folder that holds anything else never is.

    Yields
    ------
    Progress

    Returns
    -------
    Report

    Raises
    ------
    TrainingError
        If images cannot be paired.
    InputError
        If a result cannot be compared.
    MissingExtraError
        If the extra 'stats' is not installed; before any work.
    OutputError
        If the folder exists, holds other things, or cannot be written; before any work.
    """
    check_installed()
    new_figure(1, 1)
    settings.evaluation.chosen()
    pairs = find_pairs(source, target, settings.field_pattern)
    warnings = training_warnings(methods, pairs)
    if warnings:
        total = len(pairs) * len(methods)
        yield Progress(0, total, "comparing", note="\n".join(warnings))
    with atomic_folder(output, overwrite, other_than(FILES)) as folder:
        with tempfile.TemporaryDirectory(
            prefix=".comparison-", dir=output.parent, ignore_cleanup_errors=True
        ) as at:
            scores, panels = yield from score_fields(
                pairs, methods, settings.evaluation, settings.shown, Path(at)
            )
        done = len(scores)
        yield Progress(done, done, "writing the report")
        found = _summarized(methods, scores, panels, settings)
        found = replace(found, warnings=tuple(warnings))
        folder.mkdir()
        _write_tables(folder, found)
        write_page(folder / "report.html", found)
    return found


def _summarized(
    methods: Sequence[Method],
    scores: Sequence[FileScores],
    panels: Sequence[Panel],
    settings: ReportSettings,
) -> Report:
    metrics = list(scores[0].scores)
    fields = field_medians(scores, metrics)
    return Report(
        {m.name: dict(m.described) for m in methods},
        tuple(scores),
        fields,
        {
            metric: {name: quartiles(values) for name, values in by_method.items()}
            for metric, by_method in fields.items()
        },
        {metric: compare_methods(fields[metric]) for metric in metrics},
        tuple(panels),
        settings.evaluation.in_words(),
    )


def _write_tables(folder: Path, found: Report) -> None:
    metrics = list(found.summary)
    _write_csv(
        folder / "scores.csv",
        ["file", "field", "method", *metrics],
        ([s.file, s.field, s.method, *s.scores.values()] for s in found.files),
    )
    _write_csv(
        folder / "summary.csv",
        ["metric", "method", "fields", "lower_quartile", "median", "upper_quartile"],
        (
            [metric, name, q.count, q.lower, q.median, q.upper]
            for metric, by_method in found.summary.items()
            for name, q in by_method.items()
        ),
    )
    tests = [(metric, test) for metric, test in found.tests.items() if test]
    _write_csv(
        folder / "dunn.csv",
        ["metric", "kruskal_wallis_h", "kruskal_wallis_p", "first", "second", "dunn_p"],
        (
            [metric, test.statistic, test.p, *pair, p]
            for metric, test in tests
            for pair, p in test.pairs.items()
        ),
    )
    content = {
        "version": __version__,
        "methods": found.methods,
        "convention": found.convention,
        "fields": len({s.field for s in found.files}),
        "files": len({s.file for s in found.files}),
        "warnings": found.warnings,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")


def _write_csv(path: Path, head: list[str], rows: Iterable[Sequence[Any]]) -> None:
    path.write_text(csv_text(head, rows), encoding="utf-8")
