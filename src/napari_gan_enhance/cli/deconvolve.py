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
    str | None,
    typer.Option(
        metavar="N|auto",
        help="Number of iterations, or as many as do not fit noise.  [default: 10]",
    ),
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
    Literal["exact", "born-wolf", "gibson-lanni"] | None,
    typer.Option(
        help="Defocus: exact, paraxial as in Born and Wolf, or with the spherical "
        "aberration of a sample of another index.  [default: exact]",
    ),
]
Algorithm = Annotated[
    Literal["plain", "accelerated", "total-variation", "wiener-butterworth"] | None,
    typer.Option(help="How to iterate.  [default: plain]"),
]
Weight = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=0.1,
        help="Weight of the total variation, for that algorithm.  [default: 0.002]",
    ),
]
Background = Annotated[
    float | None,
    typer.Option(
        help="Camera offset and background, subtracted first; in the image's "
        "intensities."
    ),
]
Preset = Annotated[
    Literal["fair", "panek"],
    typer.Option(
        help="fair: every option as it says. panek: the published baseline, NA 1.4, "
        "Born-Wolf, the rules of DeconvolutionLab2; what is given wins."
    ),
]
Depth = Annotated[
    float | None,
    typer.Option(help="Depth below the cover slip in µm, for gibson-lanni."),
]
SampleIndex = Annotated[
    float | None,
    typer.Option(help="Refractive index of the sample, for gibson-lanni."),
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
    iterations: Iterations = None,
    algorithm: Algorithm = None,
    tv_weight: Weight = None,
    background: Background = None,
    preset: Preset = "fair",
    psf: PsfFile = None,
    numerical_aperture: Aperture = None,
    immersion_index: Index = None,
    emission_nm: Wavelengths = None,
    voxel_size_um: VoxelText = None,
    model: Defocus = None,
    depth_um: Depth = None,
    sample_index: SampleIndex = None,
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
    options: dict[str, Any] = {
        "iterations": None if iterations is None else _iterations(iterations),
        "algorithm": algorithm,
        "tv_weight": tv_weight,
        "background": background,
        "numerical_aperture": numerical_aperture,
        "immersion_index": immersion_index,
        "emission_nm": wavelengths,
        "voxel_size_um": voxel_size_um and parse_voxel_size(voxel_size_um),
        "psf_path": psf,
        "model": model,
        "depth_um": depth_um,
        "sample_index": sample_index,
        "device": device,
        "tile": tile,
    }
    given = {name: value for name, value in options.items() if value is not None}
    _run(files, output, (preset, given), overwrite, as_json)


def _run(
    files: list[Path],
    output: Path,
    wanted: tuple[str, dict[str, Any]],
    overwrite: bool,
    as_json: bool,
) -> None:
    from napari_gan_enhance.cli._files import process_files
    from napari_gan_enhance.cli._settings import wrong_option
    from napari_gan_enhance.optics.deconvolve import deconvolve as deconvolve_job
    from napari_gan_enhance.optics.deconvolve import identity, result_shape
    from napari_gan_enhance.optics.settings import PRESETS

    preset, given = wanted
    with wrong_option():
        settings = PRESETS[preset](**given)

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
