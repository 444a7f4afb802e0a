"""pairs.json: what a data set of training pairs says of itself.

The format is described in docs/reference/pair-set.md.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.io.image_files import image_files
from napari_gan_enhance.io.lazy import file_stem

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "napari-gan-enhance pairs"
VERSION = 1
DESCRIPTION = "pairs.json"
SIDES = ("source", "target")

FIELD_PATTERN = r"^.*(?=-z\d+-\d+$)"
"""What of a file's name, without suffix, is its field of view."""

Pixels: TypeAlias = tuple[int, int]
"""Along Y and X."""


class _Record(BaseModel):
    """Keys that are used are checked; others are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PairFile(_Record):
    """A source and the target of the same name.

    Parameters
    ----------
    name : str
    plane : int
        Of the source stack.
    channel : int
        Of the source, the first one in the file.
    origin_px : (int, int)
        Row and column of the first pixel in the source's plane.
    shape_px : (int, int)
    """

    name: str
    plane: int = 0
    channel: int = 0
    origin_px: Pixels
    shape_px: Pixels


class SourceLevels(_Record):
    """Percentiles of the whole source, and the intensities there of each channel."""

    percent: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]


class DescribedPair(_Record):
    """A field of view.

    Parameters
    ----------
    field : str
    name : str
        What the field was called before it was made fit for names of files; empty
        where that is not known.
    accepted, rejected : int
        Patches.
    plane_shape_px : (int, int) or None
        Of the source.
    source_levels : SourceLevels or None
    images : tuple of str
        Checksums of what the pair was cut from.
    files : tuple of PairFile
    """

    field: str
    name: str = ""
    accepted: int = 0
    rejected: int = 0
    plane_shape_px: Pixels | None = None
    source_levels: SourceLevels | None = None
    images: tuple[str, ...] = ()
    files: tuple[PairFile, ...]


class PairSet(_Record):
    """A data set.

    Parameters
    ----------
    format : "napari-gan-enhance pairs"
    version : int
    field_pattern : str
        Regular expression of the field of view in a file's name without suffix.
    pairs : tuple of DescribedPair
    """

    format: Literal["napari-gan-enhance pairs"]
    version: int = Field(le=VERSION)
    field_pattern: str = FIELD_PATTERN
    pairs: tuple[DescribedPair, ...]

    @property
    def file_names(self) -> frozenset[str]:
        """Names in source/ and target/."""
        return frozenset(file.name for pair in self.pairs for file in pair.files)

    def with_pairs(self, pairs: tuple[DescribedPair, ...]) -> PairSet:
        """Return the set with other pairs."""
        return self.model_copy(update={"pairs": pairs})


def read_pair_set(folder: Path) -> PairSet:
    """Return the description of a data set; an empty one where there is none.

    Raises
    ------
    FileFormatError
        If the file is not such a description.
    """
    empty = PairSet(format=FORMAT, version=VERSION, pairs=())
    return described_set(folder) or empty


def extended_set(folder: Path) -> PairSet:
    """Return the description of a data set to which a pair is going to be added.

    What a killed process left in a set without description is known by its names.

    Raises
    ------
    InputError
        If images were laid there by hand: a description would hide them.
    FileFormatError
        If the file is not such a description.
    """
    if (described := described_set(folder)) is not None:
        return described
    images = (p for side in SIDES for p in image_files(folder / side))
    by_hand = (p.name for p in images if not re.match(FIELD_PATTERN, file_stem(p)))
    if (name := next(by_hand, None)) is not None:
        raise InputError(
            f"{folder.name!r} holds images that no {DESCRIPTION!r} names, such as "
            f"{name!r} - once there is one, only what it names is trained on - "
            "choose a new folder for the pairs."
        )
    return read_pair_set(folder)


def described_set(folder: Path) -> PairSet | None:
    """Return the description of a data set; None where there is none.

    Raises
    ------
    FileFormatError
        If the file is not such a description.
    """
    path = folder / DESCRIPTION
    try:
        if not path.exists():
            return None
        return PairSet.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise _not_ours(path, f"{place}: {first['msg']}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _not_ours(path, str(error)) from error


def write_pair_set(folder: Path, described: PairSet) -> None:
    """Write the description of a data set, in place of an older one.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    with atomic_file(folder / DESCRIPTION, overwrite=True) as part:
        content = described.model_dump()
        text = json.dumps(content, indent=2, ensure_ascii=False)
        if text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
            text = json.dumps(content, indent=2)  # the name of a file that is no UTF-8
        part.write_text(text, encoding="utf-8")


def _not_ours(path: Path, reason: str) -> FileFormatError:
    return FileFormatError(
        f"{path.name!r} describes no data set ({reason}) - a {FORMAT!r} file up to "
        f"version {VERSION} is needed - choose another folder or update the program."
    )
