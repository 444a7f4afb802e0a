"""Random patches from pairs, with the same flips and rotations on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.models.told_optics import UNKNOWN, ToldOptics, with_told_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.training.images import Image, ImagePair

HIDDEN_SHARE = 0.2
"""Share of patches whose PSF width is not told though it is known, as where the
aperture is not known; for half of them the pixel size is not told either."""


class PatchSampler:
    """Draw batches of patches; every image is drawn equally often, a piece less.

    Parameters
    ----------
    images : sequence of ImagePair
    patch : int, pixels
        Side of a patch.
    batch : int
        Patches in a batch.
    seed : int
    told : sequence of str
        Fields of `ToldOptics`, of which planes are appended to the sources; one patch
        in five goes without, so that a generator also learns to do without.

    Raises
    ------
    TrainingError
        If there is no image, or one is smaller than a patch.
    """

    def __init__(
        self,
        images: Sequence[ImagePair],
        *,
        patch: int,
        batch: int,
        seed: int,
        told: Sequence[str] = (),
    ) -> None:
        if not images:
            raise TrainingError(
                "No pairs are left for training - at least one field of view is needed "
                "- hold out fewer fields or add images."
            )
        for image in images:
            if min(image.source.shape[-2:]) < patch:
                raise TrainingError(
                    f"Source {image.pair.source.name!r} is "
                    f"{' x '.join(map(str, image.source.shape[-2:]))} pixels - it must "
                    f"hold a patch of {patch} x {patch} - take the pair away or use "
                    "larger images."
                )
        self._images = tuple(images)
        self._patch = patch
        self._batch = batch
        self._told = tuple(told)
        self.random = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return sources and targets, each (N, C, patch, patch) float32.

        Sources have one plane more for each thing that is told of the optics.
        """
        drawn = [self._one() for _ in range(self._batch)]
        source = torch.from_numpy(np.stack([s for s, _, _ in drawn]))
        target = torch.from_numpy(np.stack([t for _, t, _ in drawn]))
        if self._told:
            chances = self.random.random(self._batch)
            known = [_half_hidden(d[2], c) for d, c in zip(drawn, chances, strict=True)]
            source = with_told_planes(source, known, self._told)
        return source, target

    def _image(self) -> ImagePair:
        """Return an image, each as often as its share of a plane is large."""
        heaviest = max(image.weight for image in self._images)
        while True:
            image = self._images[self.random.integers(len(self._images))]
            weight = image.weight
            if weight == heaviest or self.random.random() * heaviest < weight:
                return image

    def _one(self) -> tuple[Image, Image, ToldOptics]:
        image = self._image()
        height, width = image.source.shape[-2:]
        y = self.random.integers(height - self._patch + 1)
        x = self.random.integers(width - self._patch + 1)
        turns, flip = self.random.integers(4), self.random.integers(2)
        box = (slice(None), slice(y, y + self._patch), slice(x, x + self._patch))
        source, target = (
            _turned(side[box], int(turns), bool(flip))
            for side in (image.source, image.target)
        )
        return source, target, image.optics


def _half_hidden(optics: ToldOptics, chance: float) -> ToldOptics:
    """Forget what a file often does not say."""
    if chance < HIDDEN_SHARE / 2:
        return UNKNOWN
    return optics._replace(psf_width_px=None) if chance < HIDDEN_SHARE else optics


def _turned(patch: Image, turns: int, flip: bool) -> Image:
    patch = np.rot90(patch, turns, axes=(-2, -1))
    return patch[..., ::-1] if flip else patch
