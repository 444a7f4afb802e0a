"""`train`: train or fine-tune a generator on paired images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from napari_gan_enhance.training.run import TrainingJob

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
    statistics: Annotated[
        bool,
        typer.Option(
            "--statistics",
            help="In the end write into the card what the images look like, so that "
            "Enhance knows others when it sees them: of eight and more.",
        ),
    ] = False,
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
    from napari_gan_enhance.cli._console import print_json, print_text
    from napari_gan_enhance.cli._recipe import chosen_recipe
    from napari_gan_enhance.training.run import TrainingJob

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
    if not _run(job, with_statistics=statistics):
        return
    header = read_header(output)
    print_json(described(header)) if as_json else print_text(card_text(header))


def _run(job: TrainingJob, *, with_statistics: bool) -> bool:
    """Train; return whether this is the process that wrote the checkpoint."""
    from napari_gan_enhance.cli._console import message, run_job_that_rests
    from napari_gan_enhance.training.resume import resume_path
    from napari_gan_enhance.training.run import run_training

    if with_statistics:
        _check_statistics(job)
    try:
        card = run_job_that_rests(run_training(job))
    except KeyboardInterrupt:
        if resume_path(job.output).exists():
            message(f"{job.output.name!r} is unfinished: --resume goes on with it.")
        raise
    if card is None:
        return False
    if with_statistics:
        _add_statistics(job)
    return True


def _check_statistics(job: TrainingJob) -> None:
    """Refuse before the training what would tell nothing of images after it."""
    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.metrics.input_statistics import LEAST_IMAGES
    from napari_gan_enhance.registration.pair_set import piece_of
    from napari_gan_enhance.training.run import pairs_of

    sources = [pair.source for pair in pairs_of(job)]
    if any(piece_of(source) for source in sources):
        raise InputError(
            "Pairs that were cut from larger images do not tell what those look like "
            "- --statistics needs whole images - leave it out."
        )
    count = len(sources)
    if count < LEAST_IMAGES:
        raise InputError(
            f"{count} images are too few to say what is usual - at least "
            f"{LEAST_IMAGES} are needed - give more or leave --statistics out."
        )


def _add_statistics(job: TrainingJob) -> None:
    """Write into the card what the images look like, and what spoiling them costs."""
    from napari_gan_enhance.cli._console import message, run_job
    from napari_gan_enhance.training.run import pairs_of
    from napari_gan_enhance.trust.training_statistics import record_statistics

    pairs = [(pair.source, pair.target) for pair in pairs_of(job)]
    try:
        run_job(record_statistics(job.output, pairs))
    except BaseException:  # also when it is stopped
        message(f"{job.output.name!r} is complete, but without --statistics.")
        raise


def _card(path: Path | None, output: Path) -> dict[str, Any]:
    """Return the texts of the card; the name is the file's if none is given."""
    import json

    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.io.plain_text import plain_text
    from napari_gan_enhance.training.report import check_texts

    name = plain_text(output.stem)
    if path is None:
        return {"name": name}
    try:
        # Editors of Windows put a mark before UTF-8.
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"Card {path.name!r} cannot be read ({error}) - it must be a JSON object - "
            "correct the file or leave --card out."
        ) from error
    check_texts(content, path.name)
    return {"name": name, **content}
