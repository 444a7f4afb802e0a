"""Whether the chosen model suits the chosen layer, found out before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.spec import ModelCard, ModelSpec
    from napari_gan_enhance.trust.suitability import Level, Verdict
    from napari_gan_enhance.viewer.model_choice import ModelChoice

HEADINGS: dict[Level, str] = {
    "good": "\N{BLACK CIRCLE} Suits this model",
    "doubtful": "\N{BLACK UP-POINTING TRIANGLE} Doubtful with this model",
    "unfit": "\N{BLACK SQUARE} Not for this model",
}
"""Shapes beside the colors, for those who cannot tell these apart."""


NOTHING_FOUND = "\N{BLACK CIRCLE} Nothing found against this model"
"""Where the model does not say enough of itself to say more."""


@dataclass(frozen=True, slots=True, eq=False)
class SuitabilityQuestion:
    """Which image is to be judged for which model.

    Parameters
    ----------
    micrograph : Micrograph
        With the optics that a run would use.
    spec, card : ModelSpec, ModelCard
        Of the model.
    """

    micrograph: Micrograph
    spec: ModelSpec
    card: ModelCard

    @classmethod
    def of(
        cls, micrograph: Micrograph | None, model: ModelChoice | None
    ) -> SuitabilityQuestion | None:
        """Ask about a layer and a model; None where one of them cannot be used."""
        if micrograph is None or model is None:
            return None
        if model.spec is None or model.card is None:
            return None
        return cls(micrograph, model.spec, model.card)

    def is_same(self, other: SuitabilityQuestion | None) -> bool:
        """Whether another question has the same answer."""
        return (
            other is not None
            and self.micrograph.pixels is other.micrograph.pixels
            and _told(self.micrograph) == _told(other.micrograph)
            and (self.spec, self.card) == (other.spec, other.card)
        )


def give_verdict(question: SuitabilityQuestion) -> Job[Verdict]:
    """Judge an image, away from the window: it may have to be read from a file.

    Parameters
    ----------
    question : SuitabilityQuestion

    Yields
    ------
    Progress

    Returns
    -------
    Verdict

    Raises
    ------
    GanEnhanceError
        If the image cannot be read.
    """
    from napari_gan_enhance.trust.suitability import judge

    yield Progress(0, 1, "looking at the image")
    return judge(question.micrograph, question.spec, question.card)


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict as a heading and its reasons."""
    is_partial = verdict.level == "good" and verdict.reasons
    heading = NOTHING_FOUND if is_partial else HEADINGS[verdict.level]
    return "\n".join([f"{heading}.", *verdict.reasons])


def _told(micrograph: Micrograph) -> tuple[object, ...]:
    """Return what is said of an image beside its pixels."""
    return (
        micrograph.axes,
        micrograph.voxel_size_um,
        micrograph.channels,
        micrograph.microscope,
    )
