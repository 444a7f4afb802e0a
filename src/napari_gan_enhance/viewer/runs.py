"""What a run of a dock is asked for, and what it tells of its results.

Layers and controls stay behind: a run gets a micrograph and a frozen record, and tells
what it makes through the details of its progress.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from napari_gan_enhance.viewer.choices import RunChoices
from napari_gan_enhance.viewer.focus import ViewFollower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.iterations import KeptIterations

Choices = TypeVar("Choices", bound=RunChoices)

ResultKind: TypeAlias = Literal["enhanced", "deconvolved"]


@dataclass(frozen=True, slots=True)
class ResultStarted:
    """Detail of a Progress: a result exists and is being filled.

    Parameters
    ----------
    kind : "enhanced" or "deconvolved"
    label : str
        For the layer's name, such as "enhanced: widefield-denoise".
    pixels : array
        What to show; zeros where no tile is finished.
    upscale : int
        Result pixels per source pixel along Y and X.
    region : mapping of letter to slice
        Pixels of the source that are worked on, for every axis.
    iterations : KeptIterations or None
        Results on the way to this one, where they are kept.
    """

    kind: ResultKind
    label: str
    pixels: Any
    upscale: int
    region: Mapping[str, slice]
    iterations: KeptIterations | None = None


@dataclass(frozen=True, slots=True)
class ResultFinished:
    """Detail of a Progress: a result is complete.

    Parameters
    ----------
    kind : "enhanced" or "deconvolved"
    micrograph : Micrograph
        The result with its metadata and provenance.
    """

    kind: ResultKind
    micrograph: Micrograph


@dataclass(frozen=True, slots=True)
class RunRequest(Generic[Choices]):
    """What one run works on.

    Parameters
    ----------
    micrograph : Micrograph
    choices : RunChoices
        The record of the dock that asks.
    region : mapping of letter to slice, or None
        Part of the micrograph to work on; None for all of it.
    follower : ViewFollower
        Where the user looks.
    """

    micrograph: Micrograph
    choices: Choices
    region: Mapping[str, slice] | None = None
    follower: ViewFollower = field(default_factory=ViewFollower)


def spare_threads(cores: int | None) -> int:
    """Return how many threads a job may take: all cores but the window's."""
    return max(1, (cores or 1) - 1)
