"""`train`: train or fine-tune a generator on paired images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Device = Literal["auto", "cpu", "cuda", "mps"]


def train(
    source: Annotated[
        list[Path], typer.Option(help="Folder of low-quality images; may be repeated.")
    ],
    target: Annotated[
        list[Path],
        typer.Option(
            help="Folder of high-quality images, in the order of the sources."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Checkpoint (.safetensors).")
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe of the training; by default panek, and finetune with --from."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Begin from a model instead of nothing."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted training.")
    ] = False,
    steps: Annotated[int | None, typer.Option(help="Number of updates.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so much time of updates.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of split and training.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another setting of the recipe; may be repeated.",
        ),
    ] = None,
    field_pattern: Annotated[
        str | None,
        typer.Option(
            help="Regular expression of the part of a target's name that is the field "
            "of view; by default what a data set says, else the whole name. Fields are "
            "never split."
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(help="JSON file with name, summary, limits and licences."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="How many of them, one process for each.")
    ] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing checkpoint.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Train a generator on pairs of images, matched by file name.

    About 25 % of the fields of view are held out: the best checkpoint is chosen on
    some, and scored on others that played no part. The recipe finetune, for few pairs,
    holds out 20 % to choose on, and scores on the same.
    """
    from napari_gan_enhance.checkpoints.describe import card_text, described
    from napari_gan_enhance.checkpoints.header import read_header
    from napari_gan_enhance.cli._console import (
        print_json,
        run_job,
        run_job_that_rests,
    )
    from napari_gan_enhance.cli._recipe import chosen_recipe
    from napari_gan_enhance.training.run import TrainingJob, run_training

    if len(source) != len(target):
        raise typer.BadParameter("give as many --target as --source")
    job = TrainingJob(
        list(zip(source, target, strict=True)),
        chosen_recipe(
            recipe or ("panek" if start is None else "finetune"),
            {
                "steps": steps,
                "minutes": minutes,
                "seed": seed,
                "field_pattern": field_pattern,
            },
            changes or [],
            has_start=start is not None,
        ),
        output,
        start=start,
        card=_card(card, output),
        device=device,
        devices=devices,
        resume=resume,
        overwrite=overwrite,
    )
    # One of several processes must not rest while the others wait for it.
    is_alone = devices == 1 and "WORLD_SIZE" not in os.environ
    run = run_job_that_rests if is_alone else run_job
    if run(run_training(job)) is None:  # not the first of several processes
        return
    header = read_header(output)
    print_json(described(header)) if as_json else typer.echo(card_text(header))


def _card(path: Path | None, output: Path) -> dict[str, Any]:
    """Return the texts of the card; the name is the file's if none is given."""
    import json

    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.training.report import check_texts

    if path is None:
        return {"name": output.stem}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"Card {path.name!r} cannot be read ({error}) - it must be a JSON object - "
            "correct the file or leave --card out."
        ) from error
    check_texts(content, path.name)
    return {"name": output.stem, **content}
