"""The documentation is true: its commands run, its links lead somewhere.

Blocks marked `bash` are run, all of one page in one folder; blocks marked `text` are
for reading (they install software, open windows or take long).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.main import get_command

from napari_gan_enhance.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = ROOT / "docs" / "reference" / "command-line.md"

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
HEADING = re.compile(r"^## `([a-z]+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-o)\b")

FIELD = (160, 160)
"""Larger than a training patch of 128 pixels, small enough for a test."""


def blocks(page: Path) -> str:
    return "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def user_folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """The files that the pages speak of."""
    for number in range(1, 5):
        target = 200 + 800 * rng.random(FIELD)
        source = rng.poisson(target / 10).astype(np.uint16)
        write(tmp_path / "recordings" / f"cell-{number}.tif", source)
        write(tmp_path / "pairs" / "source" / f"field-0{number}.tif", source)
        write(tmp_path / "pairs" / "target" / f"field-0{number}.tif", target)
    return tmp_path


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels.astype(np.uint16))


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=page_name)
def test_shell_blocks_run(page: Path, user_folder: Path) -> None:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-eu", "-c", blocks(page)],
        cwd=user_folder,
        env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [t for t in links if not (page.parent / t).exists()] == []


def test_every_picture_is_shown() -> None:
    folder = ROOT / "docs" / "images"
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
    }
    assert [p.name for p in folder.iterdir() if p.resolve() not in shown] == []


def test_command_line_reference_is_complete() -> None:
    """Every command has a section, and the section names exactly its options."""
    sections = dict(HEADING.findall(COMMAND_LINE.read_text(encoding="utf-8")))
    documented = {name: set(OPTION.findall(text)) for name, text in sections.items()}
    commands = get_command(app).commands
    assert documented == {name: options(command) for name, command in commands.items()}


def options(command) -> set[str]:
    parameters = [p for p in command.params if p.param_type_name == "option"]
    names = {name for p in parameters for name in (*p.opts, *p.secondary_opts)}
    return names - {"--help", "--output"}
