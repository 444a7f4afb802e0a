"""The manifest, as napari reads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from npe2 import PluginManager, PluginManifest
from npe2.manifest.utils import import_python_name

NAME = "napari-gan-enhance"

LOADS = """
import os, sys
from napari_gan_enhance.widgets.enhance import EnhanceDock
loaded = sorted({"torch", "tifffile", "pyqtgraph"} & set(sys.modules))
print(loaded, os.environ["OMP_WAIT_POLICY"])
"""


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(NAME)


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    names = [command.python_name for command in manifest.contributions.commands]
    assert len(names) == 13
    assert all(callable(import_python_name(name)) for name in names)


def test_docks_are_in_the_menus_where_users_look(manifest: PluginManifest) -> None:
    menus = {
        key: [item.command for item in items]
        for key, items in manifest.contributions.menus.items()
    }
    assert menus == {
        "napari/layers/filter": [
            f"{NAME}.enhance",
            f"{NAME}.deconvolve",
            f"{NAME}.train",
        ],
        "napari/layers/register": [f"{NAME}.align"],
        "napari/layers/measure": [
            f"{NAME}.line_profile",
            f"{NAME}.compare",
            f"{NAME}.metrics",
        ],
    }
    widgets = [w.display_name for w in manifest.contributions.widgets]
    assert widgets == [
        "Enhance",
        "Deconvolve",
        "Align",
        "Train",
        "Line profile",
        "Compare",
        "Metrics",
    ]


@pytest.mark.parametrize(
    "name", ["a.tif", "a.TIFF", "a.ome.tif", "a.btf", "a.tf8", "a.stk", "a.lsm"]
)
def test_reader_is_offered_for(manifest: PluginManifest, name: str) -> None:
    manager = PluginManager()
    manager.register(manifest)
    readers = [r.command for r in manager.iter_compatible_readers([name])]
    assert readers == [f"{NAME}.read"]


@pytest.mark.parametrize("name", ["a.png", "a.czi", "."])
def test_reader_is_not_offered_for(manifest: PluginManifest, name: str) -> None:
    manager = PluginManager()
    manager.register(manifest)
    assert list(manager.iter_compatible_readers([name])) == []


@pytest.mark.parametrize(
    ("layers", "command"),
    [(["image"], "write_image"), (["image"] * 3, "write_images")],
)
def test_writer_takes_one_image_or_several(
    manifest: PluginManifest, layers: list[str], command: str
) -> None:
    manager = PluginManager()
    manager.register(manifest)
    found = [w.command for w in manager.iter_compatible_writers(layers)]
    assert found == [f"{NAME}.{command}"]


def test_dock_loads_no_heavy_library_and_lets_openmp_wait_passively() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADS],
        capture_output=True,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"},
    )
    assert result.stdout.strip() == "[] PASSIVE"
