"""What an installed package owes its user: cheap import, manifest, assets, licences."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest

import napari_gan_enhance

DISTRIBUTION = "napari-gan-enhance"
SOURCE = Path(__file__).parents[1] / "src" / "napari_gan_enhance"

HEAVY = ("torch", "napari", "qtpy", "PyQt6", "skimage", "scipy", "dask", "zarr")

MOST_MODULES_FOR_HELP = 700
"""typer, rich and click need about 400, numpy 150; torch or napari alone over 1000."""

REPORT = "import json; print(json.dumps(sorted(sys.modules)))"

ALL_HELP = """
import sys
from typer.testing import CliRunner
from napari_gan_enhance.cli import app
from typer.main import get_command
for arguments in [[], *([name] for name in get_command(app).commands)]:
    answer = CliRunner().invoke(app, [*arguments, "--help"])
    assert answer.exit_code == 0, (arguments, answer.output)
    assert "Usage" in answer.output
"""


def modules_after(code: str) -> set[str]:
    """Run code in a fresh process and return the names of all loaded modules."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{REPORT}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_import_loads_nothing_heavy() -> None:
    loaded = modules_after("import napari_gan_enhance")
    assert loaded.isdisjoint({*HEAVY, "numpy", "pydantic", "typer"})


def test_help_of_every_command_loads_nothing_heavy() -> None:
    loaded = modules_after(ALL_HELP)
    assert loaded.isdisjoint(HEAVY)
    assert len(loaded) < MOST_MODULES_FOR_HELP


def test_version_is_that_of_the_metadata() -> None:
    assert metadata.version(DISTRIBUTION) == napari_gan_enhance.__version__


def test_every_file_of_the_source_is_installed() -> None:
    installed = resources.files("napari_gan_enhance")
    files = [p.relative_to(SOURCE) for p in SOURCE.rglob("*") if p.is_file()]
    wanted = [p for p in files if "__pycache__" not in p.parts]
    assert [p for p in wanted if not installed.joinpath(*p.parts).is_file()] == []


def test_licence_texts_are_installed() -> None:
    distribution = metadata.distribution(DISTRIBUTION)
    named = distribution.metadata.get_all("License-File") or []
    licences = {p.relative_to(SOURCE.parents[1]) for p in SOURCE.rglob("LICENSE*")}
    assert {Path(name) for name in named} == {Path("LICENSE"), *licences}
    for name in named:
        text = distribution.read_text(f"licenses/{name}") or ""
        assert "Copyright" in text or "Attribution 4.0" in text


@pytest.fixture(scope="module")
def manifest():
    npe2 = pytest.importorskip("npe2", reason="napari is not installed")
    return npe2.PluginManifest.from_distribution(DISTRIBUTION)


def test_manifest_commands_can_be_imported(manifest) -> None:
    pytest.importorskip("qtpy", reason="Qt is not installed")
    from npe2.manifest.utils import import_python_name

    commands = manifest.contributions.commands
    assert commands
    for command in commands:
        assert callable(import_python_name(command.python_name)), command.id


def test_manifest_commands_are_all_defined(manifest) -> None:
    contributions = manifest.contributions
    defined = {command.id for command in contributions.commands}
    users = [
        *(contributions.readers or []),
        *(contributions.writers or []),
        *(contributions.widgets or []),
        *(item for items in contributions.menus.values() for item in items),
        *(s for s in contributions.sample_data or [] if hasattr(s, "command")),
    ]
    used = {user.command for user in users if getattr(user, "command", None)}
    assert used == defined


def test_manifest_offers_everything_the_product_promises(manifest) -> None:
    contributions = manifest.contributions
    patterns = {p for r in contributions.readers for p in r.filename_patterns}
    assert {"*.tif", "*.tiff"} <= patterns
    assert any(
        ".ome.tif" in e for w in contributions.writers for e in w.filename_extensions
    )
    assert contributions.widgets
    assert contributions.sample_data
    assert any(menu.startswith("napari/layers") for menu in contributions.menus)
