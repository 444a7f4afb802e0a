"""`report`: several methods on a folder of test fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL
from napari_gan_enhance.cli._numbers import parse_voxel_size, parse_wavelengths

if TYPE_CHECKING:
    from napari_gan_enhance.comparison.report import Report

DEFAULT_METHODS = ("raw", "richardson-lucy", DEFAULT_MODEL)


def report(
    source: Annotated[
        Path, typer.Option(metavar="DIR", help="Images to work on; of the test set.")
    ],
    target: Annotated[
        Path, typer.Option(metavar="DIR", help="Their references, under equal names.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New folder for the report.")
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="raw|richardson-lucy|MODEL|NAME=DIR",
            help="What to compare; may be repeated. NAME=DIR: finished results. By "
            f"default {', '.join(DEFAULT_METHODS)}.",
        ),
    ] = None,
    iterations: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Of Richardson-Lucy, 10; repeated, one method each."),
    ] = None,
    numerical_aperture: Annotated[
        float | None, typer.Option(help="Where the files do not say it.")
    ] = None,
    immersion_index: Annotated[
        float | None, typer.Option(help="1.0 air, 1.333 water, 1.515 oil.")
    ] = None,
    emission_nm: Annotated[
        list[str] | None, typer.Option(help="One for each channel; may be repeated.")
    ] = None,
    voxel_size_um: Annotated[str | None, typer.Option(metavar="Z,Y,X")] = None,
    fit: Annotated[
        Literal["affine", "none"] | None,
        typer.Option(help="As for evaluate."),
    ] = None,
    convention: Annotated[
        Literal["standard", "panek", "micro_gan", "dlsr"],
        typer.Option(help="As for evaluate."),
    ] = "standard",
    field_pattern: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Part of a target's name that is the field of view; files of one "
            "field count once.",
        ),
    ] = "",
    pictures: Annotated[
        int, typer.Option(min=0, max=20, help="Fields shown in pictures.")
    ] = 3,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")
    ] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing report.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Compare methods on test images: box plots, tests, tables and pictures.

    Writes report.html, which needs no other file, and the numbers as CSV.
    """
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.comparison.report import ReportSettings
    from napari_gan_enhance.comparison.report import report as report_job
    from napari_gan_enhance.metrics.settings import EvaluateSettings

    optics: dict[str, Any] = {
        "numerical_aperture": numerical_aperture,
        "immersion_index": immersion_index,
        "emission_nm": parse_wavelengths(emission_nm or []),
        "voxel_size_um": voxel_size_um and parse_voxel_size(voxel_size_um),
        "device": device,
    }
    settings = ReportSettings(
        evaluation=EvaluateSettings(convention=convention, fit=fit),
        field_pattern=field_pattern,
        shown=pictures,
    )
    methods = _methods(method or DEFAULT_METHODS, optics, iterations or [None])
    job = report_job(source, target, output, methods, settings, overwrite=overwrite)
    found = run_job(job)
    for warning in found.warnings:
        message(f"Warning: {warning}")
    if as_json:
        print_json({"output": str(output), **_as_json(found)})
    else:
        message(f"Wrote {output / 'report.html'}.")


def _methods(words: Any, optics: dict[str, Any], iterations: Any) -> Any:
    from napari_gan_enhance.comparison.methods import make_methods
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.optics.settings import PRESETS

    given = {name: value for name, value in optics.items() if value is not None}
    deconvolutions = [
        PRESETS["fair"](**given, **({} if n is None else {"iterations": n}))
        for n in iterations
    ]
    return make_methods(words, deconvolutions, EnhanceSettings(device=optics["device"]))


def _as_json(found: Report) -> dict[str, Any]:
    return {
        "convention": found.convention,
        "warnings": found.warnings,
        "methods": found.methods,
        "summary": {
            metric: {
                name: {
                    "fields": q.count,
                    "lower_quartile": q.lower,
                    "median": q.median,
                    "upper_quartile": q.upper,
                }
                for name, q in by_method.items()
            }
            for metric, by_method in found.summary.items()
        },
        "kruskal_wallis_p": {m: t.p if t else None for m, t in found.tests.items()},
    }
