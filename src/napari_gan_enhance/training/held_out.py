"""Keep pairs apart: for training, for choosing the best step, for the final score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.registration.pairing import PATCH
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.pairs import Split, split_by_field
from napari_gan_enhance.training.repeated import check_each_once
from napari_gan_enhance.training.single_field import parts_of_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.pairs import Pair
    from napari_gan_enhance.training.recipe import Recipe

LEAST_HELD = 0.5
"""Share of the pixels of pieces that must lie in those that hold a patch as wanted. One
pair of each of four simulated microscopes was worth 0.2 dB more in patches of 128 than
in patches of 64, though 3 to 33 % of its pixels were left out."""


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
    patch : int, pixels
        Side of a patch: as the recipe wants it, or as the pieces that pairs were cut
        to can hold. Pieces that cannot hold it are not trained on.
    """

    train: tuple[ImagePair, ...]
    validation: tuple[ImagePair, ...]
    test: tuple[ImagePair, ...]
    split: Split
    how: str
    patch: int


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
    train, patch = _fitting(train, recipe.patch)
    return HeldOut(train, validation, test, split, how, patch)


def _fitting(
    images: Sequence[ImagePair], wanted: int
) -> tuple[tuple[ImagePair, ...], int]:
    """Return what is trained on, and in patches of which side.

    Larger patches are better: as wanted, if enough of the pieces hold them, else that
    of the patches which pieces are made of.
    """
    large = [i for i in images if i.piece is None or min(i.source.shape[1:]) >= wanted]
    pixels, held = (
        sum(i.source.size for i in some if i.piece is not None)
        for some in (images, large)
    )
    if held >= LEAST_HELD * pixels:
        return tuple(large), wanted
    return tuple(images), min(wanted, PATCH)


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
    parts = parts_of_field(_loaded(pairs, spec), recipe, spec)
    everything = tuple(pairs)
    split = Split(everything, everything, everything if recipe.test_share else ())
    train, patch = _fitting(parts.train, recipe.patch)
    return HeldOut(train, parts.validation, parts.test, split, parts.how, patch)


def _loaded(pairs: Sequence[Pair], spec: ModelSpec) -> list[ImagePair]:
    """Load pairs, and refuse those whose channels do not fit the network."""
    # A start model brings its own scaling, which the result keeps.
    images = load_pairs(pairs, (spec.low_percentile, spec.high_percentile))
    for image in images:
        for side, pixels in (("source", image.source), ("target", image.target)):
            needed = spec.in_channels if side == "source" else spec.out_channels
            if len(pixels) != needed:
                advice = (
                    "save each channel as an image of its own"
                    if len(pixels) > needed
                    else "choose a model of fewer channels"
                )
                raise TrainingError(
                    f"{getattr(image.pair, side).name!r} has {len(pixels)} channels - "
                    f"the model takes {spec.in_channels} and gives "
                    f"{spec.out_channels} - {advice}."
                )
    return images
