"""Training pairs on disk: source/, target/ and one JSON file that explains them.

The format is described in docs/reference/pair-set.md. `train --source SET/source
--target SET/target` takes it as it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.io.atomic import atomic_file, output_errors
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.levels import PERCENTS, level_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_gan_enhance.registration.pairing import CutPair, PairPiece

Range: TypeAlias = tuple[float, float]
"""Two intensities, the lower one first."""

FORMAT = "napari-gan-enhance pairs"
VERSION = 1
DESCRIPTION = "pairs.json"

FIELD_PATTERN = r"^.*(?=-z\d+-\d+$)"
"""What of a file's name, without suffix, is its field of view."""


def add_to_pair_set(
    folder: Path,
    name: str,
    cut: CutPair,
    *,
    like: Micrograph,
    provenance: Mapping[str, Any],
) -> Job[Path]:
    """Write a pair into a data set, which is made if it is not there.

    Targets are written before sources, and the description last: a set that was not
    finished holds no source without its target.

    Parameters
    ----------
    folder : Path
    name : str
        Of the field of view; letters, digits, "." and "-" are kept.
    cut : CutPair
    like : Micrograph
        The source: its pixel size, channels and microscope are kept, as a network may
        be told of them.
    provenance : mapping
        Where both images came from and how they were aligned; JSON values.

    Yields
    ------
    Progress
        After each file.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the set has a pair of this name.
    FileFormatError
        If the description cannot be read.
    OutputError
        If the folder cannot be written to.
    """
    field = _as_field(name)
    described = read_pair_set(folder)
    if field in {pair["field"] for pair in described["pairs"]}:
        raise InputError(
            f"{folder.name!r} has a pair {field!r} already - each field of view is one "
            "pair - give it another name."
        )
    for side in ("target", "source"):
        with output_errors(folder):
            (folder / side).mkdir(parents=True, exist_ok=True)
    files = []
    for number, piece in enumerate(cut.pieces):
        stem = f"{field}-z{piece.plane:03d}-{number:02d}"
        for side in ("target", "source"):
            image = _micrograph(piece, side, stem, like, provenance)
            yield from _quietly(write_micrograph(folder / side / f"{stem}.tif", image))
        files.append(_file(piece, stem))
        yield Progress(number + 1, len(cut.pieces), "writing pairs")
    facts = {"files": files, "provenance": dict(provenance)}
    described["pairs"].append({"field": field, **_described(cut, like), **facts})
    _write_description(folder, described)
    return folder


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
    gone = [pair for pair in described["pairs"] if pair["field"] == field]
    described["pairs"] = [p for p in described["pairs"] if p["field"] != field]
    with output_errors(folder):
        _write_description(folder, described)
        for name in (file["name"] for pair in gone for file in pair["files"]):
            for side in ("source", "target"):
                (folder / side / name).unlink(missing_ok=True)


def read_pair_set(folder: Path) -> dict[str, Any]:
    """Return the description of a data set; an empty one where there is none.

    Raises
    ------
    FileFormatError
        If the file is not such a description.
    """
    path = folder / DESCRIPTION
    if not path.exists():
        content = {"format": FORMAT, "version": VERSION}
        return {**content, "field_pattern": FIELD_PATTERN, "pairs": []}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        is_ours = found["format"] == FORMAT and found["version"] <= VERSION
        fields = [pair["field"] for pair in found["pairs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _not_ours(path, str(error)) from error
    if not is_ours or not all(isinstance(field, str) for field in fields):
        raise _not_ours(path, "another format or a newer version")
    described: dict[str, Any] = found
    return described


def described_pattern(folder: Path) -> str:
    """Return which part of a file's name is its field, as a data set says; else "".

    Raises
    ------
    FileFormatError
        If there is a description that is none.
    """
    if not (folder / DESCRIPTION).exists():
        return ""
    return str(read_pair_set(folder).get("field_pattern", FIELD_PATTERN))


def origin_of(image: Path) -> tuple[int, int] | None:
    """Return where an image of a data set lies in its source's plane: row, column.

    None for an image that no description speaks of.

    Raises
    ------
    FileFormatError
        If the description cannot be read.
    """
    for _, file in _entries(image):
        row, column = file["origin_px"]
        return int(row), int(column)
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
        known = pair.get("source_levels")
        if known:
            rows = known["values"][file.get("channel", 0) :]
            return [
                (
                    level_at(percentiles[0], known["percent"], row),
                    level_at(percentiles[1], known["percent"], row),
                )
                for row in rows
            ]
    return None


def _entries(image: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the pair and the file that describe an image."""
    for pair in read_pair_set(image.parent.parent)["pairs"]:
        for file in pair["files"]:
            if file["name"] == image.name:
                yield pair, file


def _write_description(folder: Path, described: Mapping[str, Any]) -> None:
    with atomic_file(folder / DESCRIPTION, overwrite=True) as part:
        text = json.dumps(described, indent=2, ensure_ascii=False)
        part.write_text(text, encoding="utf-8")


def _not_ours(path: Path, reason: str) -> FileFormatError:
    return FileFormatError(
        f"{path.name!r} describes no data set ({reason}) - a {FORMAT!r} file up to "
        f"version {VERSION} is needed - choose another folder or update the program."
    )


def _as_field(name: str) -> str:
    # "_" would make the trainer take what follows for an exposure of another target.
    field = re.sub(r"[^\w.-]+|_", "-", name).strip("-.")
    return field or "pair"


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
    one = len(pixels) == 1
    return Micrograph(
        pixels[0] if one else pixels,
        "YX" if one else "CYX",
        like.voxel_size_um._replace(z=None),
        channels=like.channels[piece.channel : piece.channel + len(pixels)],
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


def _file(piece: PairPiece, stem: str) -> dict[str, Any]:
    return {
        "name": f"{stem}.tif",
        "plane": piece.plane,
        "channel": piece.channel,
        "origin_px": list(piece.origin_px),
        "shape_px": list(piece.source.shape[-2:]),
    }


def _quietly(job: Job[Path]) -> Job[Path]:
    """Pass the reports of a part on without its numbers: the whole counts files."""
    try:
        while True:
            next(job)
            yield Progress(0, 0, "writing pairs")
    except StopIteration as end:
        written: Path = end.value
        return written
    finally:
        job.close()
