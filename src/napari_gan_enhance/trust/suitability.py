"""Say before a run whether an image is one that a generator can be trusted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from napari_gan_enhance.metrics.input_statistics import InputStatistics
from napari_gan_enhance.trust.sampled_planes import sampled_planes
from napari_gan_enhance.trust.suitability_rules import (
    Doubt,
    origin_doubts,
    plane_doubts,
    size_doubts,
)

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.spec import ModelCard, ModelSpec

Level = Literal["good", "doubtful", "unfit"]

STATISTICS_KEY = "input_statistics"
"""Under this name a card holds what the training images look like."""

DOUBTFUL, UNFIT = 1.0, 2.0
"""From these weights on; a weight of 1 is what one training image in a hundred has."""

WITHOUT_STATISTICS = (
    "The model does not say what its training images look like: only what can be seen "
    "of any image was checked."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a result can be expected to be as good as the model's scores say.

    Parameters
    ----------
    level : "good", "doubtful" or "unfit"
    reasons : tuple of str
        Sentences, those first that name a cause; for a good one what was not checked,
        if anything.
    weight : float, >= 0
        Of the gravest reason: above 1 doubtful, above 2 unfit.
    """

    level: Level
    reasons: tuple[str, ...] = ()
    weight: float = 0.0


def judge(raw: Micrograph, spec: ModelSpec, card: ModelCard) -> Verdict:
    """Judge an image by its pixels, its metadata and the model's card; nothing is run.

    A large image is judged by the middle plane of each channel, and there by the parts
    with most structure: 2048 x 2048 pixels take a tenth of a second.

    Parameters
    ----------
    raw : Micrograph
    spec, card : ModelSpec, ModelCard
        Of the generator.

    Returns
    -------
    Verdict
    """
    usual = input_statistics(card)
    doubts: list[Doubt] = [
        *origin_doubts(raw, spec),
        *size_doubts(raw, spec, card, usual),
    ]
    for plane in sampled_planes(raw):
        doubts += plane_doubts(plane, raw, spec, usual)
    return _verdict(doubts, is_known=usual is not None)


def input_statistics(card: ModelCard) -> InputStatistics | None:
    """Return what a card says of the training images; None where that is nothing."""
    found = (card.model_extra or {}).get(STATISTICS_KEY)
    if found is None:
        return None
    try:
        return InputStatistics.model_validate(found)
    except ValidationError:  # of another version
        return None


def _verdict(doubts: list[Doubt], *, is_known: bool) -> Verdict:
    weight = max((doubt.weight for doubt in doubts), default=0.0)
    reasons = [doubt.reason for doubt in doubts if doubt.weight >= DOUBTFUL]
    if not reasons:
        return Verdict("good", () if is_known else (WITHOUT_STATISTICS,), weight)
    level: Level = "unfit" if weight >= UNFIT else "doubtful"
    return Verdict(level, tuple(dict.fromkeys(reasons)), weight)
