"""Load a checkpoint as a generator that is ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gan_enhance.checkpoints.bundled import resolve_model
from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import load_network
from napari_gan_enhance.device import select_device
from napari_gan_enhance.models.generator import Generator, Precision

if TYPE_CHECKING:
    from pathlib import Path


def load_generator(
    name_or_path: str | Path, *, device: str = "auto", precision: Precision = "exact"
) -> Generator:
    """Load a bundled model or a checkpoint file.

    Parameters
    ----------
    name_or_path : str or Path
    device : "auto", "cpu", "cuda" or "mps"
    precision : "exact" or "fast"

    Raises
    ------
    CheckpointError
        If the checkpoint is unknown, damaged or does not fit its description.
    DeviceError
        If the device is not there.
    """
    header = read_header(resolve_model(name_or_path))
    return Generator(
        load_network(header),
        header.spec,
        header.card.model_copy(update={"name": header.name}),
        sha256=header.sha256,
        device=select_device(device),
        precision=precision,
    )
