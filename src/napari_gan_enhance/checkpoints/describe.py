"""A checkpoint's card as text and as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_gan_enhance.checkpoints.header import CheckpointHeader


def described(header: CheckpointHeader) -> dict[str, Any]:
    """Return everything the header says, as JSON values."""
    return {
        "file": header.path.name,
        "name": header.name,
        "sha256": header.sha256,
        "parameters": _parameters(header),
        **header.metadata.model_dump(mode="json"),
    }


def card_text(header: CheckpointHeader) -> str:
    """Return the card for people, several lines."""
    spec, card = header.spec, header.card
    lines = [
        header.name,
        f"  {card.summary}" if card.summary else "",
        f"  limits: {card.limits}" if card.limits else "",
        f"  network: {spec.architecture}, {_parameters(header):,} parameters",
        f"  channels: {spec.in_channels} -> {spec.out_channels}",
        f"  upscale: {spec.upscale}",
        f"  trained on: {card.modality}" if card.modality else "",
        *(_data_line(data) for data in card.training_data),
        *(
            f"  {score.metric}: {score.value:.2f} ({score.data}, n = {score.n})"
            for score in card.scores
        ),
        f"  licence: {card.licence}" if card.licence else "",
        f"  sha256: {header.sha256}",
    ]
    return "\n".join(line for line in lines if line)


def _data_line(data: Any) -> str:
    licence = f", {data.licence}" if data.licence else ""
    return f"    {data.name}: {data.pairs} pairs of {data.fields} fields{licence}"


def _parameters(header: CheckpointHeader) -> int:
    return sum(math.prod(shape) for shape in header.tensors.values())
