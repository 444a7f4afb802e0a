"""`enhance`: run a generator over files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["exact", "fast"]


def enhance(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Images, or folders of images."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Result (.ome.tif or .ome.zarr); a folder for several inputs.",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Name of a bundled model, or a checkpoint file.")
    ] = DEFAULT_MODEL,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = "auto",
    tile: Annotated[
        int | None,
        typer.Option(
            min=1, help="Side of a tile in pixels; chosen from free memory if absent."
        ),
    ] = None,
    precision: Annotated[
        Precision,
        typer.Option(
            help="float32, or less context and half precision where that is faster "
            "(error about 4e-3 of the range)."
        ),
    ] = "exact",
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Also write maps of how far each pixel can be believed, and say it.",
        ),
    ] = False,
    passes: Annotated[
        Literal["0", "4", "8"],
        typer.Option(
            "--trust-passes",
            help="How often the model is asked again for --trust; 0 is fast.",
        ),
    ] = "8",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Enhance images with a trained generator.

    Results are float32 on the intensity scale of the input and keep pixel size,
    channels and the rest of the metadata.
    """
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.cli._files import process_files
    from napari_gan_enhance.cli._trust import TrustFiles
    from napari_gan_enhance.models.enhance import enhance as enhance_job
    from napari_gan_enhance.models.enhance import result_shape
    from napari_gan_enhance.models.settings import EnhanceSettings

    settings = EnhanceSettings(device=device, precision=precision, tile=tile)
    generator = load_generator(model, device=device, precision=precision)

    files = TrustFiles(generator, settings, int(passes), overwrite) if trust else None

    def job(micrograph: Any, target: Any) -> Any:
        if files is not None:
            files.check(micrograph)
        return enhance_job(micrograph, generator, settings, target=target)

    process_files(
        inputs,
        output,
        job,
        shape=lambda micrograph: result_shape(micrograph, generator.spec),
        mark={
            "operation": "enhance",
            "model": generator.identity,
            "precision": precision,
        },
        overwrite=overwrite,
        as_json=as_json,
        maps=files,
    )
