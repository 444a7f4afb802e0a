"""`simulate`: pairs to train on where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_gan_enhance.cli._numbers import parse_range

SharpFolders = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="Folder of sharp images to use as objects; may be repeated. Without any "
        "all objects are drawn.",
    ),
]
Limits = Annotated[
    str | None,
    typer.Option(metavar="X|LOW,HIGH", help="Of the microscope, or from LOW to HIGH."),
]


def simulate(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New folder for the pairs.")
    ],
    sharp: SharpFolders = None,
    fields: Annotated[int, typer.Option(min=1, help="Pairs to make.")] = 400,
    size: Annotated[int, typer.Option(min=64, max=2048, help="Side in pixels.")] = 256,
    numerical_aperture: Limits = None,
    emission_nm: Limits = None,
    pixel_um: Limits = None,
    thickness_um: Limits = None,
    photons: Limits = None,
    seed: Annotated[int, typer.Option(min=0, help="Of objects and noise.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Simulate wide-field images of sharp objects, to train on where no pairs exist.

    Writes source/ and target/, which `train` takes as they are. Without limits the
    microscopes are as varied as those that people use.
    """
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.cli._settings import wrong_option
    from napari_gan_enhance.training.simulation import SimulationSettings
    from napari_gan_enhance.training.simulation import simulate as simulate_job

    limits = {
        "numerical_aperture": numerical_aperture,
        "emission_nm": emission_nm,
        "pixel_um": pixel_um,
        "thickness_um": thickness_um,
        "photons": photons,
    }
    given: dict[str, Any] = {
        name: parse_range(text, f"--{name.replace('_', '-')}")
        for name, text in limits.items()
        if text is not None
    }
    with wrong_option():
        settings = SimulationSettings(fields=fields, size=size, seed=seed, **given)
    run_job(simulate_job(output, settings, _images(sharp or [])))
    if as_json:
        print_json({"output": str(output), **settings.model_dump(mode="json")})
    else:
        message(f"Wrote {fields} pairs into {output}.")


def _images(folders: list[Path]) -> list[Path]:
    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.io.image_files import image_files
    from napari_gan_enhance.training.pairs import SUFFIXES

    images = []
    for folder in folders:
        found = image_files(folder, SUFFIXES)
        if not found:
            raise InputError(
                f"Folder {str(folder)!r} holds no TIFF files - sharp images are needed "
                "- choose the folder that holds them."
            )
        images += found
    return images
