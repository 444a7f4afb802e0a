"""Cut a single field of view by region: to learn from, and to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_gan_enhance.errors import InputError, TrainingError
from napari_gan_enhance.registration.pair_set import origin_of
from napari_gan_enhance.registration.pairing import PATCH
from napari_gan_enhance.registration.splitting import split_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.registration.splitting import Box, RegionSplit
    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.recipe import Recipe

REGIONS = 3
"""Parts of a single field: to learn from, the band between, and to look at."""

SMALLEST_REGION = 32
"""Pixels across a held-out region of a field that is split."""

DETAIL_PX = (1.0, 4.0)
"""Sigmas between which details are looked for: larger than noise, smaller than haze."""

Plane: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FieldParts:
    """What of the images of a field lies in which region.

    Parameters
    ----------
    train, validation, test : tuple of ImagePair
    how : str
        How they were kept apart, for people.
    """

    train: tuple[ImagePair, ...]
    validation: tuple[ImagePair, ...]
    test: tuple[ImagePair, ...]
    how: str


def parts_of_field(
    images: Sequence[ImagePair], recipe: Recipe, spec: ModelSpec
) -> FieldParts:
    """Cut the plane of a field, with the reach of the network left out between.

    Parameters
    ----------
    images : sequence of ImagePair
        All of the field: whole, or pieces of it.
    recipe : Recipe
    spec : ModelSpec

    Raises
    ------
    TrainingError
        If the field is too small, or all that is left of it lies on one side.
    """
    origins = _origins(images)
    first = [min(o[axis] for o in origins) for axis in (0, 1)]
    places = [(o[0] - first[0], o[1] - first[1]) for o in origins]
    content = _content(images, places)
    # Pieces may be small, and so may the plane that they are of.
    is_cut = all(image.piece is not None for image in images)
    least = min(recipe.patch, PATCH) if is_cut else recipe.patch
    fits = max(content.shape) >= REGIONS * recipe.patch
    regions = _regions(content, recipe, spec, recipe.patch if fits else least)
    boxes = (regions.train, regions.validation, regions.test)
    # A rectangle of a rejected field may stick into a region by less than is of use.
    leasts = (least, SMALLEST_REGION, SMALLEST_REGION)
    train, validation, test = (
        tuple(
            cut
            for image, place in zip(images, places, strict=True)
            if (cut := _cropped(image, place, box, least))
        )
        for box, least in zip(boxes, leasts, strict=True)
    )
    validation, test = map(_with_structure, (validation, test))
    if not train or not validation:
        raise TrainingError(
            f"What is left of field {images[0].pair.field!r} lies on one side of its "
            "split - a single field must give something to learn from and something "
            "to look at - add another field."
        )
    how = (
        f"by region of the only field, {spec.halo} pixels between: training "
        f"{_text(boxes[0])}, validation {_text(boxes[1])}"
    )
    return FieldParts(train, validation, test, how)


def _origins(images: Sequence[ImagePair]) -> list[tuple[int, int]]:
    """Return where the images lie in the plane of their only field.

    Raises
    ------
    TrainingError
        If nobody knows, and their shapes differ.
    """
    known = [origin_of(image.pair.source) for image in images]
    shapes = {image.source.shape[1:] for image in images}
    if len(shapes) > 1 and None in known:
        raise TrainingError(
            f"The images of field {images[0].pair.field!r} have the shapes "
            f"{', '.join(map(str, sorted(shapes)))} - a single field is split by "
            "region, all its images alike - crop them to one size or add another field."
        )
    return [(0, 0) if origin is None else origin for origin in known]


def _content(images: Sequence[ImagePair], places: Sequence[tuple[int, int]]) -> Plane:
    """Return how much there is to see at each pixel of a field: details of targets."""
    ends = [np.add(p, i.source.shape[1:]) for p, i in zip(places, images, strict=True)]
    content = np.zeros(np.max(ends, axis=0), np.float32)
    for image, (row, column) in zip(images, places, strict=True):
        height, width = image.target.shape[1:]
        box = content[row : row + height, column : column + width]
        for target in image.target:
            fine, coarse = (ndimage.gaussian_filter(target, s) for s in DETAIL_PX)
            strength = ndimage.gaussian_filter(np.abs(fine - coarse), DETAIL_PX[1])
            # What is everywhere is noise, or does not tell one place from another.
            box += np.clip(strength - np.median(strength), 0, None)
    return content


def _regions(
    content: Plane, recipe: Recipe, spec: ModelSpec, smallest: int
) -> RegionSplit:
    try:
        return split_regions(
            (content.shape[0], content.shape[1]),
            spec.halo,
            validation=recipe.validation_share,
            test=recipe.test_share,
            smallest=SMALLEST_REGION,
            smallest_train=smallest,
            content=content,
        )
    except InputError as error:
        raise TrainingError(str(error)) from error


def _cropped(
    image: ImagePair, place: tuple[int, int], box: Box, least: int
) -> ImagePair | None:
    """Return what of an image lies in a region; None where that is too narrow."""
    inside = tuple(
        slice(max(side.start - at, 0), min(side.stop - at, length))
        for side, at, length in zip(box, place, image.source.shape[1:], strict=True)
    )
    if any(side.stop - side.start < least for side in inside):
        return None
    cut = (slice(None), *inside)
    return replace(image, source=image.source[cut], target=image.target[cut])


def _with_structure(images: Sequence[ImagePair]) -> tuple[ImagePair, ...]:
    """Return the images that can be scored: a blank target has no range."""
    return tuple(i for i in images if all(np.ptp(channel) for channel in i.target))


def _text(box: Box) -> str:
    return " x ".join(f"{side.start}-{side.stop}" for side in box)
