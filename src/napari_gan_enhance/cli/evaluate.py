"""`evaluate`: compare a result with a reference."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from napari_gan_enhance.metrics.evaluation import Evaluation
    from napari_gan_enhance.metrics.fidelity import FidelityScores

Fit = Literal["affine", "none"]


def evaluate(
    result: Annotated[Path, typer.Argument(help="Image to judge.")],
    reference: Annotated[Path, typer.Argument(help="Image taken for the truth.")],
    fit: Annotated[
        Fit, typer.Option(help="Fit gain and offset of each plane first, or not.")
    ] = "affine",
    data_range: Annotated[
        float | None,
        typer.Option(
            help="Range of intensities for SSIM and PSNR; by default from the 3rd to "
            "the 99.8th percentile of the reference."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Score a result against a reference: MSE, NRMSE, SSIM, PSNR.

    Scores are given for each plane, with their median.
    """
    from napari_gan_enhance.cli._console import print_json, run_job
    from napari_gan_enhance.io.read import read_micrograph
    from napari_gan_enhance.metrics.evaluation import evaluate_planes

    pair = read_micrograph(result), read_micrograph(reference)
    evaluation = run_job(evaluate_planes(*pair, data_range=data_range, fit=fit))
    if as_json:
        names = {"result": str(result), "reference": str(reference), "fit": fit}
        print_json({**names, **_as_json(evaluation)})
    else:
        typer.echo("\n".join(_table(evaluation)))


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    planes = [
        {
            "position": dict(plane.position),
            "data_range": plane.data_range,
            **_finite(plane.scores),
        }
        for plane in evaluation.planes
    ]
    return {"median": _finite(evaluation.median), "planes": planes}


def _finite(scores: FidelityScores) -> dict[str, float | None]:
    """Return the scores; JSON has no infinity, which is the PSNR of equal planes."""
    values = asdict(scores).items()
    return {name: v if math.isfinite(v) else None for name, v in values}


def _table(evaluation: Evaluation) -> list[str]:
    names = list(asdict(evaluation.median))
    rows = [["plane", *names, "data_range"]]
    for plane in evaluation.planes:
        where = " ".join(f"{a}{at}" for a, at in plane.position.items()) or "-"
        scores = [f"{v:.6g}" for v in asdict(plane.scores).values()]
        rows.append([where, *scores, f"{plane.data_range:.6g}"])
    if len(evaluation.planes) > 1:
        scores = [f"{v:.6g}" for v in asdict(evaluation.median).values()]
        rows.append(["median", *scores, ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
