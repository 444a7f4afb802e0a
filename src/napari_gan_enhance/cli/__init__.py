"""The same jobs from the command line.

``--help`` must answer at once: command modules import torch and napari only inside the
functions that need them.
"""

from __future__ import annotations

import contextlib
import sys

import typer

from napari_gan_enhance.cli.align import align
from napari_gan_enhance.cli.deconvolve import deconvolve
from napari_gan_enhance.cli.demo import demo
from napari_gan_enhance.cli.enhance import enhance
from napari_gan_enhance.cli.evaluate import evaluate
from napari_gan_enhance.cli.inspect import inspect
from napari_gan_enhance.cli.models import models
from napari_gan_enhance.cli.psf import psf
from napari_gan_enhance.cli.report import report
from napari_gan_enhance.cli.simulate import simulate
from napari_gan_enhance.cli.train import train
from napari_gan_enhance.errors import explained
from napari_gan_enhance.io.unfinished import end_reads

app = typer.Typer(
    name="napari-gan-enhance",
    help="Enhance wide-field microscopy images, and judge the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

COMMANDS = (
    demo,
    enhance,
    deconvolve,
    psf,
    align,
    simulate,
    train,
    evaluate,
    report,
    inspect,
    models,
)

STOPPED = 130
"""What typer makes of KeyboardInterrupt: 128, and 2 for SIGINT, as shells do."""

for _command in COMMANDS:
    app.command()(_command)


def main() -> None:
    """Run the command line.

    Exit 0 when done, 1 on our error, 2 on wrong usage, 130 when stopped.
    """
    try:
        app()
    except SystemExit as end:
        if end.code == STOPPED:
            with contextlib.suppress(OSError):  # the terminal may be gone
                typer.echo("Stopped.", err=True)
        raise
    except Exception as error:  # noqa: BLE001 - a user reads no traceback
        typer.echo(f"Error: {explained(error)}", err=True)
        sys.exit(1)
    finally:
        end_reads()
