"""`deconvolve`: the Richardson-Lucy baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_gan_enhance.cli._numbers import (
    is_number,
    parse_voxel_size,
    parse_wavelengths,
)

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT...", help="Images, or folders of images."),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="Result (.ome.tif or .ome.zarr); a folder for several inputs.",
    ),
]
Iterations = Annotated[
    str, typer.Option(metavar="N|auto", help="Number of iterations.")
]
PsfFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Measured PSF, instead of a computed one."),
]
Aperture = Annotated[
    float | None, typer.Option(help="Numerical aperture of the objective.")
]
Index = Annotated[
    float | None, typer.Option(help="1.0 for air, 1.333 for water, 1.515 for oil.")
]
Wavelengths = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X...", help="Emission wavelength in nanometres, one for each channel."
    ),
]
VoxelText = Annotated[
    str | None, typer.Option(metavar="Z,Y,X", help="Voxel size in µm.")
]
Defocus = Annotated[
    Literal["exact", "born-wolf"],
    typer.Option(help="Defocus: exact, or paraxial as in Born and Wolf."),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")
]
TileSide = Annotated[
    int | None,
    typer.Option(
        min=1, help="Side of a tile in pixels; the whole image where it fits."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing results.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.")
]


def deconvolve(
    inputs: Inputs,
    output: Output,
    iterations: Iterations = "10",
    psf: PsfFile = None,
    numerical_aperture: Aperture = None,
    immersion_index: Index = None,
    emission_nm: Wavelengths = None,
    voxel_size_um: VoxelText = None,
    model: Defocus = "exact",
    device: Device = "auto",
    tile: TileSide = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Deconvolve images by Richardson-Lucy: the classical baseline.

    What is not given comes from the file's metadata; nothing is guessed. Stacks are
    deconvolved in three dimensions, planes with the PSF in focus.
    """
    files, wavelengths = _files_and_wavelengths(inputs, emission_nm or [])
    given: dict[str, Any] = {
        "iterations": _iterations(iterations),
        "numerical_aperture": numerical_aperture,
        "immersion_index": immersion_index,
        "emission_nm": wavelengths,
        "psf_path": psf,
        "model": model,
        "device": device,
        "tile": tile,
    }
    if voxel_size_um is not None:
        given["voxel_size_um"] = parse_voxel_size(voxel_size_um)
    _run(files, output, given, overwrite, as_json)


def _run(
    files: list[Path],
    output: Path,
    given: dict[str, Any],
    overwrite: bool,
    as_json: bool,
) -> None:
    from napari_gan_enhance.cli._files import process_files
    from napari_gan_enhance.optics.deconvolve import deconvolve as deconvolve_job
    from napari_gan_enhance.optics.deconvolve import identity, result_shape
    from napari_gan_enhance.optics.settings import DeconvolveSettings

    settings = DeconvolveSettings.model_validate(given)

    def job(micrograph: Any, target: Any) -> Any:
        return deconvolve_job(micrograph, settings, target=target)

    process_files(
        files,
        output,
        job,
        shape=result_shape,
        mark=identity(settings),
        overwrite=overwrite,
        as_json=as_json,
    )


def _files_and_wavelengths(
    inputs: list[Path], emission_nm: list[str]
) -> tuple[list[Path], tuple[float, ...]]:
    """Take `--emission-nm 461 520 565` as three wavelengths.

    The parser leaves the second and third among the inputs; a file of such a name
    still counts as a file.
    """
    loose = [p for p in inputs if emission_nm and is_number(str(p)) and not p.exists()]
    files = [p for p in inputs if p not in loose]
    if not files:
        raise typer.BadParameter("At least one INPUT is needed.")
    return files, parse_wavelengths([*emission_nm, *map(str, loose)])


def _iterations(text: str) -> int | str:
    if text == "auto":
        return text
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise typer.BadParameter(f"{text!r}: --iterations takes a number from 1 on.")
    return int(text)
