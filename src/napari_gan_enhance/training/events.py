"""What a training tells in `Progress.detail`: all that a window needs to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_gan_enhance.training.images import Image


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the steps since the last such report.

    Parameters
    ----------
    step : int
        Updates done.
    values : mapping of str to float
        `total` is what the generator pays in all, without the adversarial part where
        that is balanced by gradients; `pixel`, `dissimilarity` (1 - SSIM) and
        `adversarial` are its parts before their weights; `discriminator` is what
        the discriminator pays, and `gap` by how much its logits of real images exceed
        those of generated ones.
    """

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HeldOutScore:
    """How good the generator that is kept is on fields that are not trained on.

    Means over the images, pieces of a plane counting by their size and every data set
    alike; after a fit of gain and offset; the data range is the target's from the 3rd
    to the 99.8th percentile.

    Parameters
    ----------
    psnr, psnr_gain : float, dB
        And by how much it exceeds that of the source.
    ssim, ssim_gain : float
        Gaussian window of 11 pixels, sigma 1.5; and the difference to the source's.
    structure_gain : float, dB
        By how much what is missing to an SSIM of 1 shrank: the ratio in dB.
    """

    psnr: float
    psnr_gain: float
    ssim: float
    ssim_gain: float
    structure_gain: float

    @property
    def value(self) -> float:
        """Return what the best step is chosen by, dB.

        The mean of both gains: a decibel less error counts as much as a decibel less
        dissimilarity. 0 is as good as the source.
        """
        return (self.psnr_gain + self.structure_gain) / 2


@dataclass(frozen=True, slots=True)
class Preview:
    """One held-out region as it is, as the generator shows it, and as it should be.

    Parameters
    ----------
    name : str
        Of the source file.
    source, result, target : ndarray, shape (C, Y, X), float32
        On the normalized scale of the source; at most `PREVIEW` pixels on each side.
    score : float, dB
        PSNR gain in this image.
    """

    name: str
    source: Image
    result: Image
    target: Image
    score: float


@dataclass(frozen=True, slots=True)
class Validated:
    """A look at the held-out fields.

    Parameters
    ----------
    step : int
        Updates done; 0 is the start.
    losses : mapping of str to float
        As in `Losses`, means since the look before; empty at step 0.
    score : HeldOutScore or None
        None where nothing is held out.
    is_best : bool
        Whether this step is the best so far.
    best_step : int
    rate : float
        Learning rate of the generator.
    preview : Preview or None
    """

    step: int
    losses: Mapping[str, float]
    score: HeldOutScore | None
    is_best: bool
    best_step: int
    rate: float
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint has been written.

    Parameters
    ----------
    path : Path
    step : int
        Whose weights it holds.
    score : float, dB
        `HeldOutScore.value` of that step; NaN where nothing is held out.
    """

    path: Path
    step: int
    score: float
