"""Keep pairs apart: for training, for choosing the best step, for the final score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_gan_enhance.errors import InputError, TrainingError
from napari_gan_enhance.registration.pair_description import read_pair_set
from napari_gan_enhance.registration.pair_set import origin_of
from napari_gan_enhance.registration.pairing import PATCH
from napari_gan_enhance.registration.splitting import split_regions
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.pairs import Split, split_by_field
from napari_gan_enhance.training.repeated import check_each_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.registration.splitting import Box, RegionSplit
    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.pairs import Pair
    from napari_gan_enhance.training.recipe import Recipe

REGIONS = 3
"""Parts of a single field: to learn from, the band between, and to look at."""

SMALLEST_REGION = 32
"""Pixels across a held-out region of a field that is split."""

DETAIL_PX = (1.0, 4.0)
"""Sigmas between which details are looked for: larger than noise, smaller than haze."""

Plane: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The loaded pairs, apart.

    Parameters
    ----------
    train, validation, test : tuple of ImagePair
    split : Split
        The same as files, for the card.
    how : str
        How they were kept apart, for people.
    """

    train: tuple[ImagePair, ...]
    validation: tuple[ImagePair, ...]
    test: tuple[ImagePair, ...]
    split: Split
    how: str


def fitting_patch(folders: Sequence[Path], wanted: int) -> int:
    """Return the side of a patch: as wanted, or that of the patches pairs are made of.

    Pairs with rejected patches are rectangles as small as one such patch, and a single
    field is cut into regions.

    Parameters
    ----------
    folders : sequence of Path
        Data sets; those without a description count for nothing.
    wanted : int, pixels
    """
    pairs = [pair for folder in folders for pair in read_pair_set(folder).pairs]
    room = [min(file.shape_px) for pair in pairs for file in pair.files]
    if len(pairs) == 1 and pairs[0].plane_shape_px:
        room.append(max(pairs[0].plane_shape_px) // REGIONS)
    return wanted if min(room, default=wanted) >= wanted else min(wanted, PATCH)


def _check_patch(recipe: Recipe, spec: ModelSpec) -> None:
    """Refuse a patch that the network cannot take.

    Raises
    ------
    TrainingError
    """
    if recipe.patch % spec.size_multiple:
        below = recipe.patch // spec.size_multiple * spec.size_multiple
        raise TrainingError(
            f"A patch of {recipe.patch} pixels does not fit the model - it must be a "
            f"multiple of {spec.size_multiple} - use {below} or "
            f"{below + spec.size_multiple}."
        )


def keep_apart(pairs: Sequence[Pair], recipe: Recipe, spec: ModelSpec) -> HeldOut:
    """Load pairs and split them, by field of view where there are several.

    Each data set gives its share of fields, rounded. Where that would hold out nothing
    to choose by, one field is held out, of the data set with the most. Where there is
    one field alone, its plane is cut, with the reach of the network left out between
    the parts, where both show enough.

    Raises
    ------
    TrainingError
        If pairs do not fit each other or the model, an image is in two fields, or
        nothing is left to train on.
    """
    _check_patch(recipe, spec)
    shares = {"validation": recipe.validation_share, "test": recipe.test_share}
    split = split_by_field(pairs, **shares, seed=recipe.seed)
    how = "by field of view"
    if recipe.validation_share and split.train and not split.validation:
        if len({(p.data_set, p.field) for p in pairs}) == 1:
            return _by_region(pairs, recipe, spec)
        split = _with_one_field_held_out(split)
    train, validation, test = (
        tuple(_loaded(side, spec))
        for side in (split.train, split.validation, split.test)
    )
    check_each_once(pairs)  # now that none is known to be blank, as many may be
    return HeldOut(train, validation, test, split, how)


def _with_one_field_held_out(split: Split) -> Split:
    """Move one field from training to validation."""
    fields: dict[str, list[str]] = {}
    for data_set, field in sorted({(p.data_set, p.field) for p in split.train}):
        fields.setdefault(data_set, []).append(field)
    most = max(fields, key=lambda name: len(fields[name]))
    held = (most, fields[most][-1])
    train, validation = (
        tuple(p for p in split.train if ((p.data_set, p.field) == held) is is_held)
        for is_held in (False, True)
    )
    return Split(train, validation, split.test)


def _by_region(pairs: Sequence[Pair], recipe: Recipe, spec: ModelSpec) -> HeldOut:
    images = _loaded(pairs, spec)
    origins = _origins(images)
    first = [min(o[axis] for o in origins) for axis in (0, 1)]
    places = [(o[0] - first[0], o[1] - first[1]) for o in origins]
    shapes = [image.source.shape[1:] for image in images]
    shape = tuple(
        max(p[axis] + s[axis] for p, s in zip(places, shapes, strict=True))
        for axis in (0, 1)
    )
    content = _content(images, places, (shape[0], shape[1]))
    regions = _regions(content, recipe, spec)
    boxes = (regions.train, regions.validation, regions.test)
    # A rectangle of a rejected field may stick into a region by less than is of use.
    leasts = (recipe.patch, SMALLEST_REGION, SMALLEST_REGION)
    sides = [
        tuple(
            cut
            for image, place in zip(images, places, strict=True)
            if (cut := _cropped(image, place, box, least))
        )
        for box, least in zip(boxes, leasts, strict=True)
    ]
    if not sides[0] or not sides[1]:
        raise TrainingError(
            f"What is left of field {pairs[0].field!r} lies on one side of its split - "
            "a single field must give something to learn from and something to look "
            "at - add another field."
        )
    everything = Split(
        tuple(pairs), tuple(pairs), tuple(pairs) if recipe.test_share else ()
    )
    how = (
        f"by region of the only field, {spec.halo} pixels between: training "
        f"{_text(boxes[0])}, validation {_text(boxes[1])}"
    )
    return HeldOut(sides[0], sides[1], sides[2], everything, how)


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


def _content(
    images: Sequence[ImagePair],
    places: Sequence[tuple[int, int]],
    shape: tuple[int, int],
) -> Plane:
    """Return how much there is to see at each pixel of a field: details of targets."""
    content = np.zeros(shape, np.float32)
    for image, (row, column) in zip(images, places, strict=True):
        height, width = image.target.shape[1:]
        box = content[row : row + height, column : column + width]
        for target in image.target:
            fine, coarse = (ndimage.gaussian_filter(target, s) for s in DETAIL_PX)
            strength = ndimage.gaussian_filter(np.abs(fine - coarse), DETAIL_PX[1])
            # What is everywhere is noise, or does not tell one place from another.
            box += np.clip(strength - np.median(strength), 0, None)
    return content


def _regions(content: Plane, recipe: Recipe, spec: ModelSpec) -> RegionSplit:
    try:
        return split_regions(
            (content.shape[0], content.shape[1]),
            spec.halo,
            validation=recipe.validation_share,
            test=recipe.test_share,
            smallest=SMALLEST_REGION,
            smallest_train=recipe.patch,
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


def _text(box: Box) -> str:
    return " x ".join(f"{side.start}-{side.stop}" for side in box)


def _loaded(pairs: Sequence[Pair], spec: ModelSpec) -> list[ImagePair]:
    """Load pairs, and refuse those whose channels do not fit the network."""
    # A start model brings its own scaling, which the result keeps.
    images = load_pairs(pairs, (spec.low_percentile, spec.high_percentile))
    for image in images:
        for side, pixels in (("source", image.source), ("target", image.target)):
            needed = spec.in_channels if side == "source" else spec.out_channels
            if len(pixels) != needed:
                raise TrainingError(
                    f"{getattr(image.pair, side).name!r} has {len(pixels)} channels - "
                    f"the model takes {spec.in_channels} and gives "
                    f"{spec.out_channels} - save each channel as an image of its own."
                )
    return images
