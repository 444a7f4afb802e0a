"""Files and scratch arrays that leave nothing behind."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError, OutputError
from napari_gan_enhance.io.atomic import atomic_file, atomic_folder, other_than
from napari_gan_enhance.io.scratch import scratch_array

if TYPE_CHECKING:
    from pathlib import Path


def test_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    final = tmp_path / "a.txt"
    with atomic_file(final, overwrite=False) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert part.suffix == ".txt"
        assert not final.exists()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "new")]


def test_name_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    final = tmp_path / ("細" * 83 + ".tif")  # three bytes each: 253 of 255
    with atomic_file(final, overwrite=False) as part:
        part.write_text("new")
    assert [p.name for p in tmp_path.iterdir()] == [final.name]


def test_failure_keeps_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    final = tmp_path / "a.txt"
    final.write_text("old")
    with pytest.raises(ZeroDivisionError, match="mine"):
        _write(final, "half", ZeroDivisionError("mine"))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    final = tmp_path / "a.txt"
    writing = atomic_file(final, overwrite=False)
    writing.__enter__().write_text("ours")
    final.write_text("theirs")
    with pytest.raises(OutputError, match="already exists"):
        writing.__exit__(None, None, None)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [
        ("a.txt", "theirs")
    ]


def test_our_own_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^mine$"):
        _write(tmp_path / "a.txt", "half", InputError("mine"))


@pytest.mark.parametrize(
    ("number", "match"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "a folder you may write to")],
)
def test_refusal_of_the_system_says_what_to_do(
    tmp_path: Path, number: int, match: str
) -> None:
    with pytest.raises(OutputError, match=rf"'a\.txt' cannot be written.*{match}"):
        _write(tmp_path / "a.txt", "half", OSError(number, "refused"))
    assert list(tmp_path.iterdir()) == []


def test_folder_is_exchanged_whole(tmp_path: Path) -> None:
    final = tmp_path / "a.zarr"
    for name in ("old", "new"):
        with atomic_folder(final, True, other_than(("old", "new"))) as part:
            part.mkdir()
            (part / name).touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["a.zarr", "new"]


@pytest.mark.parametrize("place", ["notes.txt", "a/raw.tif", "scores.csv/raw.tif"])
def test_folder_with_anything_else_is_kept(tmp_path: Path, place: str) -> None:
    final = tmp_path / "results"
    (final / place).parent.mkdir(parents=True, exist_ok=True)
    (final / place).touch()
    first = place.split("/")[0]
    with (
        pytest.raises(OutputError, match=rf"'results' in .* holds '{first}'"),
        atomic_folder(final, True, other_than(("scores.csv",))),
    ):
        pytest.fail("work was begun")  # before any of it
    assert (final / place).is_file()


def test_what_came_into_the_folder_meanwhile_is_kept(tmp_path: Path) -> None:
    final = tmp_path / "results"
    final.mkdir()
    writing = atomic_folder(final, True, other_than(("scores.csv",)))
    writing.__enter__().mkdir()
    (final / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"holds 'notes\.txt'"):
        writing.__exit__(None, None, None)
    assert [p.name for p in tmp_path.rglob("*")] == ["results", "notes.txt"]


def test_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    final = tmp_path / "notes.txt"
    final.write_text("mine")
    with (
        pytest.raises(OutputError, match=r"'notes\.txt' cannot be written"),
        atomic_folder(final, True, other_than(("scores.csv",))),
    ):
        pytest.fail("work was begun")
    assert final.read_text() == "mine"


def test_scratch_array_is_on_disk_and_goes_away(tmp_path: Path) -> None:
    with scratch_array((3, 70, 50), "f4", tmp_path, (1, 32, 512)) as array:
        assert not array[...].any()
        array[1, 5:9] = 2.5
        np.testing.assert_array_equal(array[1, 5:9], np.full((4, 50), 2.5, "f4"))
        assert sum(p.stat().st_size for p in tmp_path.rglob("*")) > 0
    assert list(tmp_path.iterdir()) == []


def test_scratch_folder_must_be_writable(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="'missing' cannot be written"),
        scratch_array((2, 2), "f4", tmp_path / "missing", (2, 2)),
    ):
        pass


def _write(path: Path, text: str, error: Exception) -> None:
    with atomic_file(path, overwrite=True) as part:
        part.write_text(text)
        raise error
