"""`models`: what is bundled."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """List the bundled models, their cards and scores."""
    from napari_gan_enhance.checkpoints.bundled import bundled_models
    from napari_gan_enhance.checkpoints.describe import card_text, described
    from napari_gan_enhance.checkpoints.header import read_header
    from napari_gan_enhance.cli._console import print_json, print_text

    headers = [read_header(path) for path in bundled_models().values()]
    if as_json:
        print_json({"models": [described(header) for header in headers]})
        return
    print_text("\n\n".join(card_text(header) for header in headers))
