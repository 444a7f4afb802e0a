"""Find image pairs on disk and split them by field of view."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.io.image_files import image_files
from napari_gan_enhance.io.lazy import file_stem
from napari_gan_enhance.io.plain_text import plain_text
from napari_gan_enhance.registration.pair_description import DESCRIPTION, described_set
from napari_gan_enhance.training.simulation import simulated_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Pair:
    """A low-quality image and its high-quality counterpart on the same grid.

    Parameters
    ----------
    source, target : Path
    data_set : str
        Name of the folder that holds both, as a card can hold it.
    field : str
        The field of view, likewise; images of one field never stand on two sides of a
        split.
    """

    source: Path
    target: Path
    data_set: str
    field: str


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs for training, for choosing the best step, and for the final score."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]


def find_pairs(source: Path, target: Path, field_pattern: str = "") -> list[Pair]:
    """Pair the images of two folders by name.

    `source/NAME.tif` belongs to `target/NAME.tif`; where several exposures share one
    target, the source's name is the target's name, "_" and anything. Where that finds
    none, ".ome" before the suffix is no part of either name. Of a data set that
    says what it holds, as pairs cut from layers do, only that counts: anything else may
    be half of a pair.

    Parameters
    ----------
    source, target : Path
        Folders of TIFF files.
    field_pattern : str
        Regular expression whose match in the target's name is the field of view. Where
        it does not match, or none is given, that of a data set which says its own or
        was simulated holds, else the whole name.

    Raises
    ------
    TrainingError
        If a folder is missing or both are one, a source has no target, two targets
        have one name without suffix, or the pattern is none.
    FileFormatError
        If the description of a data set is none.
    """
    for folder in (source, target):
        if not folder.is_dir():
            raise TrainingError(
                f"There is no folder {str(folder)!r} - training needs a folder of "
                "sources and one of targets - check the path."
            )
    if source.samefile(target):
        raise TrainingError(
            f"Sources and targets are both in {str(source)!r} - training needs a "
            "folder of sources and one of targets - give the other folder as well."
        )
    source, target = placed(source), placed(target)
    described = described_set(source.parent)
    own = described.field_pattern if described else simulated_pattern(source.parent)
    patterns = [_compiled(p) for p in (field_pattern, own) if p]
    named = described.file_names if described else None
    targets = _by_stem(_images(target, named))
    by_file_stem = {file_stem(path): path for path in targets.values()}
    pairs = []
    for path in _images(source, named):
        found = _target(path.stem, targets) or _target(file_stem(path), by_file_stem)
        if found is None:
            raise TrainingError(
                f"Source {path.name!r} has no target - {target.name!r} must hold a "
                "file of the same name - add the target or take the source away."
            )
        matches = (pattern.search(found.stem) for pattern in patterns)
        named_field = next((m.group() for m in matches if m and m.group()), "")
        field = named_field or found.stem  # nothing is no name
        pairs.append(Pair(path, found, *map(plain_text, (source.parent.name, field))))
    if not pairs:
        which = f" that {DESCRIPTION!r} names" if described else ""
        raise TrainingError(
            f"Folder {str(source)!r} holds no TIFF files{which} - training needs pairs "
            "of images - choose the folder that holds them."
        )
    return pairs


def placed(folder: Path) -> Path:
    """Return the whole path of a folder, which may be a link in its data set."""
    whole = folder.absolute()
    return whole.parent.resolve() / whole.name


def split_by_field(
    pairs: Sequence[Pair], *, validation: float, test: float, seed: int
) -> Split:
    """Split whole fields of view, in each data set for itself.

    Parameters
    ----------
    pairs : sequence of Pair
    validation, test : float, 0 <= validation + test < 1
        Share of the fields of each data set; rounded, so that a data set of few fields
        may be trained on whole.
    seed : int
    """
    sides: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for name in sorted({p.data_set for p in pairs}):
        fields = sorted({p.field for p in pairs if p.data_set == name})
        order = np.random.default_rng(seed).permutation(len(fields))
        n_test, n_validation = (
            round(test * len(fields)),
            round(validation * len(fields)),
        )
        side_of = {
            fields[i]: "test"
            if rank < n_test
            else "validation"
            if rank < n_test + n_validation
            else "train"
            for rank, i in enumerate(order)
        }
        for pair in pairs:
            if pair.data_set == name:
                sides[side_of[pair.field]].append(pair)
    return Split(*(tuple(sides[s]) for s in ("train", "validation", "test")))


def sha256_of(pairs: Sequence[Pair]) -> str:
    """Return one checksum over the sorted names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted({p.source for p in pairs} | {p.target for p in pairs}):
        digest.update(os.fsencode(f"{path.parent.name}/{path.name}\n"))
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _compiled(field_pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(field_pattern)
    except re.error as error:
        raise TrainingError(
            f"Field pattern {field_pattern!r} cannot be used ({error}) - it must be a "
            "regular expression of Python - correct it."
        ) from error


def _images(folder: Path, named: Collection[str] | None) -> list[Path]:
    images = image_files(folder, SUFFIXES)
    return [p for p in images if named is None or p.name in named]


def _by_stem(targets: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in targets:
        other = found.setdefault(path.stem, path)
        if other != path:
            raise TrainingError(
                f"Targets {other.name!r} and {path.name!r} have one name - a source "
                "has one target - take one of the two away."
            )
    return found


def _target(stem: str, targets: dict[str, Path]) -> Path | None:
    """Return the target of the longest name that the source's name starts with."""
    parts = stem.split("_")
    candidates = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((targets[c] for c in candidates if c in targets), None)
