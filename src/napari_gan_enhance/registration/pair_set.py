"""Training pairs on disk: source/, target/ and one JSON file that explains them.

The format is described in docs/reference/pair-set.md. `train --source SET/source
--target SET/target` takes it as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.atomic import output_errors
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job, Progress, changed
from napari_gan_enhance.registration.levels import PERCENTS, level_at
from napari_gan_enhance.registration.pair_description import (
    SIDES,
    DescribedPair,
    PairFile,
    PairSet,
    extended_set,
    read_pair_set,
    write_pair_set,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_gan_enhance.registration.pairing import CutPair, PairPiece

LONGEST = 50
"""Letters of a field's name: disks allow 255 bytes for that of a file. A letter takes
up to four, and "-z000-00.tif" and what marks an unfinished file are added."""

TOLD = 8
"""Digits that tell two long names apart."""

Range: TypeAlias = tuple[float, float]
"""Two intensities, the lower one first."""


class Piece(NamedTuple):
    """A rectangle of a plane.

    Parameters
    ----------
    field : str
    channel : int
        Of the source, the first one in the file.
    share : float, 0 to 1
        Of the pixels of the plane.
    """

    field: str
    channel: int
    share: float


def add_to_pair_set(
    folder: Path,
    name: str,
    cut: CutPair,
    *,
    like: Micrograph,
    provenance: Mapping[str, Any],
    images: Sequence[str] = (),
    overwrite: bool = False,
) -> Job[str]:
    """Write a pair into a data set, which is made if it is not there.

    The description is written last. What a call that fails or is closed has written is
    removed; what a killed process has left is not described, and replaced.

    Parameters
    ----------
    folder : Path
    name : str
        Of the field of view; letters, digits, "." and "-" are kept. It is counted
        where the set has such a field.
    cut : CutPair
    like : Micrograph
        The source: its pixel size, channels and microscope are kept, as a network may
        be told of them.
    provenance : mapping
        Where both images came from and how they were aligned; JSON values.
    images : sequence of str
        Checksums that tell both images, to find them in another pair.
    overwrite : bool
        Whether a pair of this name gives way, once the new one is written; else the
        new one is counted: "cell-1".

    Yields
    ------
    Progress
        After each file.

    Returns
    -------
    str
        The field of view.

    Raises
    ------
    InputError
        If the folder holds pairs that were laid there by hand.
    FileFormatError
        If the description cannot be read.
    OutputError
        If the folder cannot be written to.
    """
    described = extended_set(folder)
    old = _of_name(described, name) if overwrite else None
    field = old.field if old else _free_field(field_name(name), described)
    files = _free_files(cut, field, old.files if old else ())
    try:
        yield from _write_files(folder, cut, files, like, provenance)
        pair = DescribedPair.model_validate(
            {
                "field": field,
                "name": name,
                **_described(cut, like),
                "images": tuple(images),
                "files": files,
                "provenance": dict(provenance),
            }
        )
        kept = (known for known in described.pairs if known is not old)
        write_pair_set(folder, described.with_pairs((*kept, pair)))
    except BaseException:  # also when the job is closed
        with contextlib.suppress(OSError):
            _remove_files(folder, files)
        raise
    if old is not None:
        with output_errors(folder):
            _remove_files(folder, old.files)
    return field


def check_pair_free(folder: Path, name: str, *, overwrite: bool) -> None:
    """Refuse the name of a pair that a data set has and that must not be replaced.

    Raises
    ------
    InputError
        If the set has a pair of this name, or was laid by hand.
    FileFormatError
        If the description cannot be read.
    """
    known = _of_name(extended_set(folder), name)
    if known is not None and not overwrite:
        raise InputError(
            f"{folder.name!r} has a pair {known.field!r} already - each field of view "
            "is one pair - give it another name or overwrite explicitly."
        )


def field_name(name: str) -> str:
    """Return a name as it is written into the names of files.

    Of a long one the beginning, and what tells it from others that begin so.
    """
    # "_" would make the trainer take what follows for an exposure of another target.
    field = re.sub(r"[^\w.-]+|_", "-", name).strip("-.")
    if len(field) > LONGEST:
        told = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:TOLD]
        field = f"{field[: LONGEST - TOLD - 1]}-{told}"
    return field or "pair"


def remove_from_pair_set(folder: Path, field: str) -> None:
    """Take a pair out of a data set, and delete its files.

    The description is written first: what is left is a whole set at any instant.

    Raises
    ------
    FileFormatError
        If the description cannot be read.
    OutputError
        If the folder cannot be written to.
    """
    described = read_pair_set(folder)
    kept = tuple(pair for pair in described.pairs if pair.field != field)
    gone = [pair for pair in described.pairs if pair.field == field]
    if not gone:  # the folder may have been cleared meanwhile
        return
    with output_errors(folder):
        write_pair_set(folder, described.with_pairs(kept))
        _remove_files(folder, [file for pair in gone for file in pair.files])


def origin_of(image: Path) -> tuple[int, int] | None:
    """Return where an image of a data set lies in its source's plane: row, column.

    None for an image that no description speaks of.

    Raises
    ------
    FileFormatError
        If the description cannot be read.
    """
    for _, file in _entries(image):
        return file.origin_px
    return None


def piece_of(image: Path) -> Piece | None:
    """Return what an image of a data set is a piece of.

    None for an image that no description speaks of.

    Raises
    ------
    FileFormatError
        If the description cannot be read.
    """
    for pair, file in _entries(image):
        whole = pair.plane_shape_px or file.shape_px
        share = math.prod(file.shape_px) / math.prod(whole)
        return Piece(pair.field, file.channel, share)
    return None


def source_range(image: Path, percentiles: tuple[float, float]) -> list[Range] | None:
    """Return two percentiles of the whole image that a source was cut from.

    Parameters
    ----------
    image : Path
        Of a data set.
    percentiles : (float, float)

    Returns
    -------
    list of (float, float), or None
        Of each channel of the file. None for an image that no description speaks of,
        or whose description does not tell.

    Raises
    ------
    FileFormatError
        If the description cannot be read.
    """
    for pair, file in _entries(image):
        known = pair.source_levels
        if known:
            rows = known.values[file.channel :]
            return [
                (
                    level_at(percentiles[0], known.percent, row),
                    level_at(percentiles[1], known.percent, row),
                )
                for row in rows
            ]
    return None


def _of_name(described: PairSet, name: str) -> DescribedPair | None:
    """Return the pair of a name; of two names that look alike as files, its own."""
    field = field_name(name)
    alike = (p for p in described.pairs if p.name == name or p.field == field)
    return next((p for p in alike if p.name in ("", name)), None)


def _free_files(cut: CutPair, field: str, taken: Sequence[PairFile]) -> list[PairFile]:
    """Name the files of a pair, none as one of another that is there still."""
    names = {file.name for file in taken}
    for first in itertools.count():
        files = [
            _file(piece, f"{field}-z{piece.plane:03d}-{number:02d}.tif")
            for number, piece in enumerate(cut.pieces, first)
        ]
        if names.isdisjoint(file.name for file in files):
            break
    return files


def _entries(image: Path) -> Iterator[tuple[DescribedPair, PairFile]]:
    """Yield the pair and the file that describe an image."""
    for pair in read_pair_set(image.parent.parent).pairs:
        for file in pair.files:
            if file.name == image.name:
                yield pair, file


def _write_files(
    folder: Path,
    cut: CutPair,
    files: Sequence[PairFile],
    like: Micrograph,
    provenance: Mapping[str, Any],
) -> Job[None]:
    for side in SIDES:
        with output_errors(folder):
            (folder / side).mkdir(parents=True, exist_ok=True)
    part = Progress(0, 0, "writing pairs")  # without its numbers: files are counted
    for number, (piece, file) in enumerate(zip(cut.pieces, files, strict=True)):
        for side in SIDES:
            path = folder / side / file.name
            image = _micrograph(piece, side, path.stem, like, provenance)
            writing = write_micrograph(path, image, overwrite=True)
            yield from changed(writing, lambda _: part)
        yield Progress(number + 1, len(files), "writing pairs")


def _remove_files(folder: Path, files: Sequence[PairFile]) -> None:
    for file in files:
        for side in SIDES:
            (folder / side / file.name).unlink(missing_ok=True)


def _free_field(field: str, described: PairSet) -> str:
    # Many disks take upper and lower case for one.
    taken = {pair.field.casefold() for pair in described.pairs}
    counted = (f"{field}-{number}" for number in itertools.count(1))
    names = itertools.chain([field], counted)
    return next(free for free in names if free.casefold() not in taken)


def _micrograph(
    piece: PairPiece,
    side: str,
    stem: str,
    like: Micrograph,
    provenance: Mapping[str, Any],
) -> Micrograph:
    pixels = piece.source if side == "source" else piece.target
    if pixels.dtype == np.float64 or pixels.dtype.itemsize > 4:
        pixels = pixels.astype(np.float32)
    return Micrograph(
        pixels,
        "YX",
        like.voxel_size_um._replace(z=None),
        channels=like.channels[piece.channel : piece.channel + 1],
        microscope=like.microscope,
        name=stem,
        provenance={**provenance, "side": side},
    )


def _described(cut: CutPair, like: Micrograph) -> dict[str, Any]:
    return {
        "patch_px": cut.patch,
        "accepted": cut.accepted,
        "rejected": cut.rejected,
        "plane_shape_px": list(cut.shape),
        "voxel_size_um": list(like.voxel_size_um),
        "source_levels": {"percent": list(PERCENTS), "values": cut.levels},
    }


def _file(piece: PairPiece, name: str) -> PairFile:
    return PairFile(
        name=name,
        plane=piece.plane,
        channel=piece.channel,
        origin_px=piece.origin_px,
        shape_px=piece.source.shape,
    )
