"""Write and load our own checkpoints: safetensors with a JSON description."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from napari_gan_enhance.checkpoints.header import METADATA_KEY, CheckpointHeader
from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.spec import CheckpointMetadata, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

SHAPED = (
    "in_channels",
    "out_channels",
    "takes_psf_width",
    "takes_pixel_size",
    "upscale",
)
"""What shapes input and result of a network; a spec that lies about it cannot run."""


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
    _check_spec(header)
    # Without memory at first: a description may claim more weights than would fit.
    with torch.device("meta"):
        _check_shapes(header, build_network(*_described_network(header)))
    network = build_network(*_described_network(header))
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


def _described_network(header: CheckpointHeader) -> tuple[str, dict[str, Any]]:
    return header.spec.architecture, header.spec.config


def _check_spec(header: CheckpointHeader) -> None:
    """Refuse a spec that promises what its architecture does not do."""
    given, real = header.spec, spec_of(*_described_network(header))
    wrong = [name for name in SHAPED if getattr(given, name) != getattr(real, name)]
    if given.size_multiple % real.size_multiple:
        wrong.append("size_multiple")
    if given.halo < real.halo:  # tiles would be seen
        wrong.append("halo")
    if wrong:
        values = ", ".join(f"{n} {getattr(given, n)}" for n in wrong)
        needed = ", ".join(f"{n} {getattr(real, n)}" for n in wrong)
        raise CheckpointError(
            f"The description in {header.path.name!r} contradicts itself ({values}) - "
            f"such a {given.architecture!r} has {needed} - the file is damaged or was "
            "edited."
        )


def _check_shapes(header: CheckpointHeader, network: nn.Module) -> None:
    wanted = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    for name in sorted(wanted.keys() | header.tensors.keys()):
        want, have = wanted.get(name, "none"), header.tensors.get(name, "none")
        if want != have:
            raise CheckpointError(
                f"{header.path.name!r} does not fit its description: of tensor "
                f"{name!r} it holds {have}, the architecture "
                f"{header.spec.architecture!r} wants {want} - all tensors must match "
                "- the file is damaged or was edited."
            )
