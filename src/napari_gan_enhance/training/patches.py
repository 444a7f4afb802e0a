"""Random patches from pairs, with the same flips and rotations on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.models.psf_width import with_width_plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.training.images import Image, ImagePair

HIDDEN_SHARE = 0.2
"""Share of patches whose PSF width is not told though it is known."""


class PatchSampler:
    """Draw batches of patches; every image is drawn equally often.

    Parameters
    ----------
    images : sequence of ImagePair
    patch : int, pixels
        Side of a patch.
    batch : int
        Patches in a batch.
    seed : int
    tells_psf_width : bool
        Append a plane with the width of the PSF to the sources; one in five goes
        without, so that a generator also learns to do without.

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
        tells_psf_width: bool = False,
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
        self._tells_psf_width = tells_psf_width
        self.random = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return sources and targets, each (N, C, patch, patch) float32.

        Sources have one plane more where the width of the PSF is told.
        """
        drawn = [self._one() for _ in range(self._batch)]
        source = torch.from_numpy(np.stack([s for s, _, _ in drawn]))
        target = torch.from_numpy(np.stack([t for _, t, _ in drawn]))
        if self._tells_psf_width:
            hidden = self.random.random(self._batch) < HIDDEN_SHARE
            widths = [
                None if hide else width
                for (_, _, width), hide in zip(drawn, hidden, strict=True)
            ]
            source = with_width_plane(source, widths)
        return source, target

    def _one(self) -> tuple[Image, Image, float | None]:
        image = self._images[self.random.integers(len(self._images))]
        height, width = image.source.shape[-2:]
        y = self.random.integers(height - self._patch + 1)
        x = self.random.integers(width - self._patch + 1)
        turns, flip = self.random.integers(4), self.random.integers(2)
        box = (slice(None), slice(y, y + self._patch), slice(x, x + self._patch))
        source, target = (
            _turned(side[box], int(turns), bool(flip))
            for side in (image.source, image.target)
        )
        return source, target, image.psf_width_px


def _turned(patch: Image, turns: int, flip: bool) -> Image:
    patch = np.rot90(patch, turns, axes=(-2, -1))
    return patch[..., ::-1] if flip else patch
