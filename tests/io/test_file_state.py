"""Which file, and in which state."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.file_state import file_state
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain

if TYPE_CHECKING:
    from pathlib import Path


def test_file_is_known_by_name_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    (tmp_path / "link.tif").symlink_to(path)
    wanted = {
        "name": "a.tif",
        "bytes": 5,
        "modified_ns": 1_700_000_000_123_456_789,
    }
    assert file_state(path) == file_state(tmp_path / "link.tif") == wanted


def test_results_tell_nobody_s_folders_and_stay_finished_where_they_are_moved(
    tmp_path: Path,
) -> None:
    (tmp_path / "jane").mkdir()
    path = tmp_path / "jane" / "a.tif"
    path.write_bytes(b"12345")
    before = file_state(path)
    assert "jane" not in str(before)
    (tmp_path / "jane").rename(tmp_path / "archive")
    assert file_state(tmp_path / "archive" / "a.tif") == before


def test_zarr_is_known_by_its_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    drain(write_micrograph(path, Micrograph(np.ones((4, 5), "u1"), "YX")))
    before = file_state(path)
    chunk = next(p for p in (path / "0" / "c").rglob("*") if p.is_file())
    os.utime(chunk, ns=(1, before["modified_ns"] + 1))
    assert file_state(path) == {**before, "modified_ns": before["modified_ns"] + 1}


def test_missing_file_has_no_state(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"'a\.tif' cannot be opened"):
        file_state(tmp_path / "a.tif")
