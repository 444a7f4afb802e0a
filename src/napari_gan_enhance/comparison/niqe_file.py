"""Keep a NIQE model in a file: scores can only be compared under one model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.metrics.niqe import BLOCK, FEATURES, NiqeModel

if TYPE_CHECKING:
    import os

FORMAT = "napari-gan-enhance NIQE model"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class SharpModel:
    """A NIQE model, and the names of the sharp images it was fitted to."""

    model: NiqeModel
    images: tuple[str, ...]


def save_niqe(
    path: str | os.PathLike[str], sharp: SharpModel, *, overwrite: bool = False
) -> Path:
    """Write a model as JSON; the file appears when it is complete.

    Raises
    ------
    OutputError
        If the file exists and must stay, or cannot be written.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "block_px": BLOCK,
        "blocks": sharp.model.blocks,
        "images": list(sharp.images),
        "mean": sharp.model.mean.tolist(),
        "covariance": sharp.model.covariance.tolist(),
    }
    with atomic_file(path, overwrite) as part:
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return Path(path)


def load_niqe(path: str | os.PathLike[str]) -> SharpModel:
    """Read a model that `save_niqe` wrote.

    Raises
    ------
    FileFormatError
        If the file cannot be read or holds no model of this version.
    """
    name = Path(path).name
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if (content["format"], content["block_px"]) != (FORMAT, BLOCK):
            raise ValueError("another format or block size")
        mean = np.array(content["mean"], np.float64)
        covariance = np.array(content["covariance"], np.float64)
        is_whole = mean.shape == (FEATURES,) and covariance.shape == (FEATURES,) * 2
        if not (is_whole and np.isfinite(covariance).all() and np.isfinite(mean).all()):
            raise ValueError("its numbers are not those of a model")
        images = tuple(str(image) for image in content["images"])
        return SharpModel(NiqeModel(mean, covariance, int(content["blocks"])), images)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileFormatError(
            f"{name!r} holds no NIQE model ({error}) - a JSON file saved by the "
            "Metrics dock or `evaluate --save-niqe` is needed - choose another file."
        ) from error
