"""Where a checkpoint goes when the user names a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.viewer.train_results import save_checkpoint_as

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["c.elegans", "mine-0.5", "mine"])
def test_a_completed_name_replaces_no_file(tmp_path: Path, name: str) -> None:
    made = tmp_path / "made.safetensors"
    made.write_bytes(b"new")
    save_checkpoint_as(made, tmp_path / name)
    assert (tmp_path / f"{name}.safetensors").read_bytes() == b"new"
    made.write_bytes(b"newer")
    with pytest.raises(OutputError, match=f"{name}.safetensors"):
        save_checkpoint_as(made, tmp_path / name)
    assert (tmp_path / f"{name}.safetensors").read_bytes() == b"new"


def test_the_name_that_was_asked_about_is_replaced(tmp_path: Path) -> None:
    made, mine = tmp_path / "made.safetensors", tmp_path / "mine.safetensors"
    made.write_bytes(b"new")
    mine.write_bytes(b"old")
    save_checkpoint_as(made, mine)
    assert mine.read_bytes() == b"new"
