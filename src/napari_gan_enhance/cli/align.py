"""`align`: bring one image onto the grid of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.registration.estimate import Alignment
    from napari_gan_enhance.registration.pairing import CutPair
    from napari_gan_enhance.registration.resample import Resampled
    from napari_gan_enhance.registration.transform import Transform, Unit

Kind = Literal["translation", "rigid", "similarity", "affine"]


def align(
    moving: Annotated[Path, typer.Argument(help="Image to bring into place.")],
    fixed: Annotated[Path, typer.Argument(help="Image that stays as it is.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Result (.ome.tif or .ome.zarr).")
    ],
    transform: Annotated[
        Kind, typer.Option(help="What may change, besides a shift along Z.")
    ] = "similarity",
    moving_channel: Annotated[
        int, typer.Option(help="Channel to align by, counted from 0.")
    ] = 0,
    fixed_channel: Annotated[
        int, typer.Option(help="Channel to align to, counted from 0.")
    ] = 0,
    apply: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Use a saved transform; estimate nothing."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also save the transform.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also cut training pairs into a data set: MOVING is the source.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Find where MOVING lies on FIXED, and sample it on the grid of FIXED.

    Pixel sizes come from the files. The result is float32, and zero where MOVING does
    not reach; of a stack and a plane, the plane that matches is taken. To train on the
    two, cut them with --pairs: what only one of them shows must not be learned.
    """
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.io.lazy import file_stem
    from napari_gan_enhance.io.read import read_single_image
    from napari_gan_enhance.io.write import write_micrograph
    from napari_gan_enhance.registration.image_checksum import channel_checksums
    from napari_gan_enhance.registration.pair_set import add_to_pair_set
    from napari_gan_enhance.registration.pairing import cut_aligned
    from napari_gan_enhance.registration.resample import in_same_unit, resample
    from napari_gan_enhance.registration.transform import save_transform

    _check_outputs(output, save, pairs, overwrite=overwrite)
    _check_inputs_stay((moving, fixed), (output, save))
    *pair, assumed = in_same_unit(read_single_image(moving), read_single_image(fixed))
    if said := " ".join(filter(None, (assumed, _first_of_time(pair)))):
        message(said)
    found = _transform(
        pair[0], pair[1], transform, (moving_channel, fixed_channel), apply
    )
    cut = None if pairs is None else run_job(cut_aligned(pair[0], pair[1], found))
    provenance = _provenance(pair, found)
    result = run_job(resample(pair[0], pair[1], found, provenance=provenance))
    run_job(write_micrograph(output, result.micrograph, overwrite=overwrite))
    if save is not None:
        save_transform(save, found, overwrite=overwrite)
    report = _report(output, found, result)
    if pairs is not None and cut is not None:
        name = file_stem(output)
        job = add_to_pair_set(
            pairs,
            name,
            cut,
            like=pair[0],
            provenance=provenance,
            images=[image for side in pair for image in channel_checksums(side)],
            overwrite=overwrite,
        )
        report["pairs"] = _paired(pairs, run_job(job), cut)
    print_json(report) if as_json else message(_sentence(output, found, cut))


def _check_outputs(
    output: Path, save: Path | None, pairs: Path | None, *, overwrite: bool
) -> None:
    """Refuse early what could not be written later."""
    from napari_gan_enhance.io.atomic import (
        check_folder,
        check_free,
        check_new_folder,
    )
    from napari_gan_enhance.io.lazy import file_stem
    from napari_gan_enhance.io.write import check_output
    from napari_gan_enhance.registration.pair_description import SIDES
    from napari_gan_enhance.registration.pair_set import check_pair_free

    check_output(output, overwrite=overwrite)
    if save is not None:
        if save.resolve() == output.resolve():
            raise typer.BadParameter("--save and --output are one file")
        check_free(save, overwrite=overwrite)
        check_folder(save)
    if pairs is not None:
        for folder in (pairs, *(pairs / side for side in SIDES)):
            check_new_folder(folder)
        check_pair_free(pairs, file_stem(output), overwrite=overwrite)


def _check_inputs_stay(
    inputs: tuple[Path, ...], outputs: tuple[Path | None, ...]
) -> None:
    from napari_gan_enhance.errors import InputError

    written = {path.resolve() for path in outputs if path is not None}
    for path in inputs:
        if path.resolve() in written:
            raise InputError(
                f"{path.name!r} would be replaced by a result - inputs are never "
                "replaced - choose another folder or name."
            )


def _first_of_time(pair: list[Micrograph]) -> str:
    """Say that of a movie only the first time point is looked at."""
    if all(image.size("T") == 1 for image in pair):
        return ""
    return "Of several time points the first is aligned by, and cut into pairs."


def _paired(folder: Path, field: str, cut: CutPair) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "field": field,
        "accepted": cut.accepted,
        "rejected": cut.rejected,
    }


def _transform(
    moving: Micrograph,
    fixed: Micrograph,
    kind: Kind,
    channels: tuple[int, int],
    saved: Path | None,
) -> Transform:
    from dataclasses import replace

    from napari_gan_enhance.cli._console import run_job
    from napari_gan_enhance.registration.estimate import AlignSettings, estimate
    from napari_gan_enhance.registration.resample import has_pixel_size, placed_image
    from napari_gan_enhance.registration.transform import load_transform

    unit: Unit = "µm" if has_pixel_size(fixed) else "pixel"
    if saved is not None:
        # What was left, and how well they agreed, was measured on other images.
        return replace(load_transform(saved, unit), residual_um=None, details={})
    images = placed_image(moving, channels[0]), placed_image(fixed, channels[1])
    found: Alignment = run_job(estimate(*images, AlignSettings(transform=kind)))
    return replace(found.transform, unit=unit)


def _provenance(pair: list[Micrograph], transform: Transform) -> dict[str, Any]:
    from napari_gan_enhance import __version__

    return {
        **pair[0].provenance,
        "operation": "align",
        "moving": pair[0].name,
        "fixed": pair[1].name,
        "transform": transform.as_json(),
        "version": __version__,
    }


def _report(output: Path, transform: Transform, result: Resampled) -> dict[str, Any]:
    overlap = {
        axis: [part.start, part.stop]
        for axis, part in zip("yx", result.overlap, strict=True)
    }
    shape = list(result.micrograph.shape)
    return {
        "output": str(output),
        "transform": transform.kind,
        **{k: v for k, v in transform.as_json().items() if k != "kind"},
        "overlap_px": overlap,
        "plane": result.plane,
        "axes": result.micrograph.axes,
        "shape": shape,
    }


def _sentence(output: Path, transform: Transform, cut: CutPair | None) -> str:
    left = transform.residual_um
    off = "" if left is None else f"; what is left is {left:.3g} {transform.unit} (RMS)"
    said = f"Wrote {output} (float32){off}."
    if cut is not None:
        said += f" Pairs: {cut.accepted} patches, {cut.rejected} rejected."
    return said
