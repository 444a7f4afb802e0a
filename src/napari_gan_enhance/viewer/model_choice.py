"""What the dock shows of a model, read without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import GanEnhanceError

if TYPE_CHECKING:
    from napari_gan_enhance.checkpoints.header import CheckpointHeader
    from napari_gan_enhance.models.spec import ModelCard, ModelSpec, Score

CHECKPOINT_SUFFIX = ".safetensors"
MOST_SCORES = 3
"""So many lines of scores fit under the model without pushing the form away."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model in the list.

    Parameters
    ----------
    value : str
        Name of a bundled model, or path of a checkpoint.
    name : str
        For the names of layers.
    text : str
        The card in a few lines, or what is wrong.
    spec : ModelSpec or None
        None where the checkpoint cannot be used.
    card : ModelCard or None
        None with the spec.
    error : str
        What is wrong; empty if it can be used.
    """

    value: str
    name: str
    text: str
    spec: ModelSpec | None = None
    card: ModelCard | None = None
    error: str = ""


def bundled_names() -> tuple[str, ...]:
    """Return the names of the models that come with the package."""
    from napari_gan_enhance.checkpoints.bundled import bundled_models

    return tuple(bundled_models())


def describe(value: str) -> ModelChoice:
    """Read what a model says of itself; a broken one is described as such."""
    from napari_gan_enhance.checkpoints.bundled import resolve_model
    from napari_gan_enhance.checkpoints.header import read_header

    try:
        header = read_header(resolve_model(value))
    except GanEnhanceError as error:
        return ModelChoice(value, Path(value).stem, str(error), error=str(error))
    card = _card(header)
    return ModelChoice(value, header.name, card, header.spec, header.card)


def _card(header: CheckpointHeader) -> str:
    from napari_gan_enhance.trust.suitability_rules import range_text

    card, spec = header.card, header.spec
    facts = [f"{spec.in_channels} channel" + "s" * (spec.in_channels > 1)]
    if spec.upscale > 1:
        facts.append(f"{spec.upscale}x more pixels")
    if card.voxel_size_range_um is not None:
        facts.append(f"pixels of {range_text(card.voxel_size_range_um)} µm")
    if card.licence:
        facts.append(card.licence)
    lines = [card.summary, f"Trained on: {card.modality}" if card.modality else ""]
    lines.append(", ".join(facts))
    lines += [_line(score) for score in _telling(card.scores)]
    lines.append(f"Limits: {card.limits}" if card.limits else "")
    return "\n".join(line for line in lines if line)


def _telling(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    """Return the scores that say most in few lines: what was gained, set by set."""
    gains = tuple(score for score in scores if score.metric.startswith("PSNR gain"))
    return (gains or scores)[:MOST_SCORES]


def _line(score: Score) -> str:
    return f"{score.metric}: {score.value:.3g} ({score.data}, n = {score.n})"
