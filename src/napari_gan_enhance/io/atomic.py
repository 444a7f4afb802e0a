"""Write files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import GanEnhanceError, OutputError
from napari_gan_enhance.io.boundary import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    Foreign = Callable[[Path], list[str]]
    """Returns what lies in an existing folder and is no part of a result."""

ADVICE = {
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder you may write to",
    errno.ENOTDIR: "choose another name: one of these is a file",
    errno.ENOENT: "make the folder first or choose another",
    errno.ENAMETOOLONG: "choose a shorter name",
}

LEFT_BY_DESKTOPS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What looking at a folder leaves in it."""


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str], overwrite: bool) -> Iterator[Path]:
    """Give a temporary path beside a file; it takes the file's name at the end.

    The temporary file is flushed to disk and renamed when the block ends, and removed
    when the block fails, so a reader never sees half a file.

    Parameters
    ----------
    path : path-like
        Where the file shall be.
    overwrite : bool
        Whether an existing file may be replaced.

    Yields
    ------
    Path
        Not existing yet; has the suffix of `path`.

    Raises
    ------
    OutputError
        If the file exists and must stay, or cannot be written.
    """
    final = Path(path)
    check_free(final, overwrite=overwrite)
    part = _beside(final)
    with output_errors(final), _removed_on_failure(part):
        yield part
        _flush(part)
        check_free(final, overwrite=overwrite)
        part.replace(final)
        _flush_folder(final.parent)


@contextlib.contextmanager
def atomic_folder(
    path: str | os.PathLike[str], overwrite: bool, foreign: Foreign
) -> Iterator[Path]:
    """Give a temporary path beside a folder; it takes the folder's name at the end.

    Like `atomic_file`, for formats that are folders. A folder cannot be exchanged in
    one step: the old one is renamed away first and brought back if that fails.

    Parameters
    ----------
    path : path-like
    overwrite : bool
        Whether an existing folder may be replaced.
    foreign : callable
        See `check_folder_free`.

    Yields
    ------
    Path
        Not existing yet.

    Raises
    ------
    OutputError
        If the folder exists and must stay, or cannot be written.
    """
    final = check_folder_free(Path(path), foreign, overwrite=overwrite)
    part = _beside(final)
    with output_errors(final), _removed_on_failure(part):
        yield part
        check_folder_free(final, foreign, overwrite=overwrite)
        _exchange(part, final)
        _flush_folder(final.parent)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a path that exists and must not be replaced.

    Raises
    ------
    OutputError
    """
    if not overwrite and os.path.lexists(path):
        raise OutputError(
            f"{path.name!r} already exists in {str(path.parent)!r} - results never "
            "replace a file unasked - choose another name or overwrite explicitly."
        )


def check_folder_free(path: Path, foreign: Foreign, *, overwrite: bool) -> Path:
    """Refuse a folder that must not be replaced, and one that is no earlier result.

    Parameters
    ----------
    path : Path
    foreign : callable
        Returns what lies in an existing folder and is no part of a result: it would be
        deleted with the folder, which nobody means who says overwrite.
    overwrite : bool

    Returns
    -------
    Path
        What is written: a link stays, and what it leads to is replaced.

    Raises
    ------
    OutputError
    """
    check_free(path, overwrite=overwrite)
    final = Path(os.path.realpath(path))
    with output_errors(final):
        lost = foreign(final) if final.exists() else []
    if lost:
        raise OutputError(
            f"{final.name!r} in {str(final.parent)!r} holds {lost[0]!r}, which is no "
            "part of an earlier result and would be deleted - only results are "
            "replaced - choose another name."
        )
    return final


def other_than(names: Collection[str]) -> Foreign:
    """Return what finds everything in a folder but files of these names."""

    def foreign(path: Path) -> list[str]:
        known = {*names, *LEFT_BY_DESKTOPS}
        inside = sorted(path.iterdir())
        return [p.name for p in inside if p.name not in known or p.is_dir()]

    return foreign


def check_folder(path: Path) -> None:
    """Refuse a path whose folder is missing or cannot be written to.

    Raises
    ------
    OutputError
    """
    with output_errors(path):
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "", str(path.parent))
        _check_writable(path.parent)


def check_new_folder(path: Path) -> None:
    """Refuse a folder that can neither be written to nor made, with those above it.

    Raises
    ------
    OutputError
    """
    with output_errors(path):
        above = (path.absolute(), *path.absolute().parents)
        there = next(folder for folder in above if os.path.lexists(folder))
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(there))
        _check_writable(there)


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "", str(folder))


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into OutputError.

    Raises
    ------
    OutputError
    """
    try:
        yield
    except GanEnhanceError:
        raise
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "check the path and the disk")
        raise OutputError(
            f"{path.name!r} cannot be written to {str(path.parent)!r} "
            f"({reason(error)}) - a writable folder with enough space is needed - "
            f"{advice}."
        ) from error


def _beside(path: Path) -> Path:
    """Return a free hidden name in the same folder, thus on the same disk."""
    # The name is cut: with the mark it must stay below the usual limit of 255 bytes.
    start = os.fsencode(path.stem)[:100].decode(errors="ignore")
    return path.with_name(f".{start}.{secrets.token_hex(4)}{path.suffix}")


@contextlib.contextmanager
def _removed_on_failure(part: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        raise


def _exchange(part: Path, final: Path) -> None:
    if not final.exists():
        part.replace(final)
        return
    old = _beside(final)
    final.replace(old)
    try:
        part.replace(final)
    except OSError:
        old.replace(final)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()


def _flush(path: Path) -> None:
    # Opened for writing: Windows flushes no other handle.
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name durable where folders can be flushed (not on Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
