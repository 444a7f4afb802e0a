"""`evaluate`: compare a result with a reference, or judge it without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_gan_enhance.cli._numbers import parse_offset

if TYPE_CHECKING:
    from napari_gan_enhance.cli._evaluation import Wanted

Fit = Literal["affine", "none", "both"]
ConventionName = Literal["standard", "panek", "micro_gan", "dlsr"]
Method = Literal["frc", "single-image-frc", "decorrelation"]
Threshold = Literal["1/7", "half-bit", "three-sigma"]


def evaluate(
    result: Annotated[Path, typer.Argument(help="Image to judge.")],
    reference: Annotated[
        Path | None, typer.Argument(help="Image taken for the truth.")
    ] = None,
    fit: Annotated[
        Fit | None,
        typer.Option(
            help="Fit gain and offset of each plane first, or not, or score both ways; "
            "affine, where the convention has a choice."
        ),
    ] = None,
    data_range: Annotated[
        float | None,
        typer.Option(
            help="Range of intensities for SSIM and PSNR; by default from the 3rd to "
            "the 99.8th percentile of the reference."
        ),
    ] = None,
    convention: Annotated[
        ConventionName,
        typer.Option(help="Score as a publication did, to compare with its numbers."),
    ] = "standard",
    overlap: Annotated[
        bool,
        typer.Option(
            "--overlap",
            help="Compare where the two overlap by their voxel sizes, instead of pixel "
            "by pixel; both begin at the same corner.",
        ),
    ] = False,
    offset_um: Annotated[
        str | None,
        typer.Option(
            metavar="Z,Y,X",
            help="Where RESULT begins, from the corner of REFERENCE; with --overlap.",
        ),
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="DIR",
            help="Folder for ssim.ome.tif and error.ome.tif.",
        ),
    ] = None,
    resolution: Annotated[
        Method | None, typer.Option(help="Resolution of RESULT, without a reference.")
    ] = None,
    repeat: Annotated[
        Path | None,
        typer.Option(help="Second recording of the same field, for the FRC."),
    ] = None,
    threshold: Annotated[
        Threshold, typer.Option(help="Correlation below which the FRC is noise.")
    ] = "1/7",
    niqe: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Folder of your own sharp images that RESULT should be like, or a "
            "model that was fitted to them.",
        ),
    ] = None,
    save_niqe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the model of --niqe (.json): only its own scores compare.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing maps and models.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Score a result against a reference: MSE, NRMSE, SSIM, PSNR.

    Scores are given for each plane, with their median. Without a reference: resolution
    and NIQE.
    """
    from napari_gan_enhance.cli._console import print_json, print_text
    from napari_gan_enhance.cli._evaluation import Wanted, judge

    wanted = Wanted(
        result,
        reference,
        fits=_fits(fit),
        data_range=data_range,
        convention=convention,
        offset_um=_offset(overlap, offset_um),
        maps=maps,
        method=None if resolution is None else resolution.replace("-frc", " frc"),
        repeat=repeat,
        threshold=threshold,
        sharp=niqe,
        saved=save_niqe,
        overwrite=overwrite,
    )
    _check(wanted)
    content, lines = judge(wanted)
    if as_json:
        print_json(content)
    else:
        print_text("\n".join(lines))


def _check(wanted: Wanted) -> None:
    """Refuse what is missing, and options that would do nothing."""
    alone = wanted.method is not None or wanted.sharp is not None
    if wanted.reference is None and not alone:
        raise typer.BadParameter(
            "A REFERENCE is needed, or one of --resolution and --niqe."
        )
    if wanted.reference is None and (wanted.maps or wanted.offset_um is not None):
        raise typer.BadParameter("--map and --overlap need a REFERENCE.")
    if (wanted.repeat is not None) != (wanted.method == "frc"):
        raise typer.BadParameter("--resolution frc and --repeat go together.")
    if wanted.saved is not None and wanted.sharp is None:
        raise typer.BadParameter("--save-niqe needs --niqe.")
    if wanted.maps is not None and len(wanted.fits) > 1:
        raise typer.BadParameter("--map needs one fit: affine or none, not both.")


def _fits(fit: Fit | None) -> tuple[Any, ...]:
    return ("none", "affine") if fit == "both" else (fit,)


def _offset(overlap: bool, text: str | None) -> tuple[float, float, float] | None:
    """Return where the result begins, None to compare pixel by pixel."""
    if text is None:
        return (0.0, 0.0, 0.0) if overlap else None
    if not overlap:
        raise typer.BadParameter("--offset-um needs --overlap.")
    return parse_offset(text)
