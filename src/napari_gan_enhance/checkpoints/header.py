"""Read what a checkpoint says of itself, without torch and without its tensors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.models.spec import CheckpointMetadata, ModelCard, ModelSpec

METADATA_KEY = "napari_gan_enhance"
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class CheckpointHeader:
    """What a checkpoint says of itself.

    Parameters
    ----------
    path : Path
    metadata : CheckpointMetadata
    tensors : dict of str to tuple of int
        Name and shape of every tensor.
    sha256 : str
        Of the whole file.
    """

    path: Path
    metadata: CheckpointMetadata
    tensors: dict[str, tuple[int, ...]]
    sha256: str

    @property
    def spec(self) -> ModelSpec:
        """What the generator needs and gives."""
        return self.metadata.spec

    @property
    def card(self) -> ModelCard:
        """Where the generator comes from."""
        return self.metadata.card

    @property
    def name(self) -> str:
        """The card's name, or the file's."""
        return self.card.name or self.path.stem


def read_header(path: Path | str) -> CheckpointHeader:
    """Read the header of a native checkpoint; nothing in the file is run.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f"There is no checkpoint {path.name!r} - a {SUFFIX} file is needed - check "
            "the path."
        )
    if path.suffix.lower() != SUFFIX:
        raise CheckpointError(
            f"{path.name!r} is no {SUFFIX} file - only checkpoints of "
            "napari-gan-enhance are loaded - choose one, or train a model with this "
            "plugin."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            shapes = {
                name: tuple(file.get_slice(name).get_shape())
                for name in file.keys()  # noqa: SIM118 - not a mapping
            }
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path.name!r} cannot be read as a checkpoint ({error}) - it must be a "
            f"complete {SUFFIX} file - copy or download it again."
        ) from error
    return CheckpointHeader(path, _parse(path, metadata), shapes, _sha256(path))


def _parse(path: Path, metadata: dict[str, str]) -> CheckpointMetadata:
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path.name!r} holds tensors but no description of a generator - a "
            f"checkpoint of napari-gan-enhance has the metadata key {METADATA_KEY!r} - "
            "train or convert the model with this plugin."
        )
    try:
        content: Any = json.loads(metadata[METADATA_KEY])
        description = CheckpointMetadata.model_validate(content)
        description.model_dump_json()  # refuses what nests too deeply to be kept
        return description
    # json's and pydantic's errors are ValueErrors, but for json's of a deep nesting
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"The description in {path.name!r} cannot be used ({_reason(error)}) - it "
            "must be complete and of format version 1 - the file is damaged or from a "
            "newer version of napari-gan-enhance."
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
