"""Write and load our own checkpoints: safetensors with a JSON description."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from napari_gan_enhance.checkpoints.header import METADATA_KEY, CheckpointHeader
from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.models.registry import build_network
from napari_gan_enhance.models.spec import CheckpointMetadata, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


def save_checkpoint(
    path: Path | str,
    state: Mapping[str, Tensor],
    spec: ModelSpec,
    card: ModelCard,
    *,
    overwrite: bool = False,
) -> Path:
    """Write a checkpoint; it appears under its name only when it is complete.

    Parameters
    ----------
    path : Path or str
        A `.safetensors` file.
    state : mapping of str to Tensor
        Weights of the generator.
    spec, card : ModelSpec, ModelCard
        Unknown keys in them are kept.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    metadata = CheckpointMetadata(spec=spec, card=card).model_dump_json()
    tensors = {name: t.detach().cpu().contiguous() for name, t in state.items()}
    content = save(tensors, metadata={METADATA_KEY: metadata})
    with atomic_file(Path(path), overwrite=overwrite) as unfinished:
        unfinished.write_bytes(content)
    return Path(path)


def load_network(header: CheckpointHeader) -> nn.Module:
    """Build the network that a checkpoint describes and fill in its weights.

    Returns
    -------
    Module
        On the CPU, float32, in evaluation mode.

    Raises
    ------
    CheckpointError
        If the tensors do not fit the description or hold NaN or infinity.
    """
    network = build_network(header.spec.architecture, header.spec.config)
    _check_shapes(header, network)
    try:
        state = load_file(header.path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"The tensors of {header.path.name!r} cannot be read ({error}) - the file "
            "must be complete - copy or download it again."
        ) from error
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"Tensor {name!r} in {header.path.name!r} holds NaN or infinity - all "
                "weights must be finite - use an earlier checkpoint of that training."
            )
    network.load_state_dict({name: t.float() for name, t in state.items()})
    return network.eval()


def _check_shapes(header: CheckpointHeader, network: nn.Module) -> None:
    wanted = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    for name in sorted(wanted.keys() | header.tensors.keys()):
        want, have = wanted.get(name), header.tensors.get(name)
        if want != have:
            raise CheckpointError(
                f"{header.path.name!r} does not fit its description: tensor {name!r} "
                f"has shape {have}, the architecture {header.spec.architecture!r} "
                f"wants {want} - all tensors must match - the file is damaged or was "
                "edited."
            )
