"""`inspect`: what a checkpoint or an image holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def inspect(
    file: Annotated[Path, typer.Argument(help="A checkpoint or an image.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Show what a checkpoint or an image holds, without running anything in it."""
    from napari_gan_enhance.checkpoints.header import SUFFIX
    from napari_gan_enhance.cli._console import print_json, print_text

    if file.suffix.lower() == SUFFIX:
        from napari_gan_enhance.checkpoints.describe import card_text, described
        from napari_gan_enhance.checkpoints.header import read_header

        header = read_header(file)
        print_json(described(header)) if as_json else print_text(card_text(header))
        return
    from napari_gan_enhance.io.read import describe

    content = describe(file)
    print_json(content) if as_json else print_text(_text(content))


def _text(content: Any, indent: str = "") -> str:
    """Return nested mappings and lists as indented lines, without what is unknown."""
    if isinstance(content, list) and any(isinstance(item, dict) for item in content):
        content = {f"[{i}]": item for i, item in enumerate(content)}
    lines = []
    for key, value in content.items():
        if value is None or value in ("", {}, []):
            continue
        nested = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        )
        lines.append(
            f"{indent}{key}:\n{_text(value, indent + '  ')}"
            if nested
            else f"{indent}{key}: {value}"
        )
    return "\n".join(lines)
