"""Refuse images that stand in two fields of view."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.registration.image_checksum import channel_checksums
from napari_gan_enhance.registration.pair_description import described_set
from napari_gan_enhance.training.simulation import simulated_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_gan_enhance.training.pairs import Pair


class _Place(NamedTuple):
    data_set: Path
    field: str

    def __str__(self) -> str:
        return f"{self.field!r} of {self.data_set.name!r}"


def check_each_once(pairs: Sequence[Pair]) -> None:
    """Refuse an image in two fields: it would be learned from and held out at once.

    Pairs that were cut from larger images are known by what their data set says of
    those, others by the pixels of their files. Simulated sets are left out: what they
    share are the sharp images that they were asked to be made of.

    Parameters
    ----------
    pairs : sequence of Pair

    Raises
    ------
    TrainingError
    """
    places: dict[str, _Place] = {}
    for image, place in _images(pairs):
        first = places.setdefault(image, place)
        if first != place:
            raise TrainingError(
                f"Field {first} and field {place} hold the same image - an image is in "
                "one field, or it would be learned from and held out at once - take "
                "one of the two away."
            )


def _images(pairs: Sequence[Pair]) -> Iterator[tuple[str, _Place]]:
    """Yield the checksum of each image and where it stands."""
    files = {
        (path, _Place(pair.source.parent.parent, pair.field))
        for pair in pairs
        for path in (pair.source, pair.target)
    }
    described = {
        folder: described_set(folder)
        for folder in {place.data_set for _, place in files}
    }
    for folder, pair_set in described.items():
        for cut in pair_set.pairs if pair_set else ():
            yield from ((image, _Place(folder, cut.field)) for image in cut.images)
    for path, place in sorted(files):
        if described[place.data_set] is None and not simulated_pattern(place.data_set):
            for image in channel_checksums(read_single_image(path)):
                yield image, place
