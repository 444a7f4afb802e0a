"""The pairs a training in the window works on: cut from layers, and whole folders."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_gan_enhance.errors import FileFormatError, InputError, OutputError
from napari_gan_enhance.io.atomic import output_errors
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.pair_description import read_pair_set
from napari_gan_enhance.registration.pair_set import (
    add_to_pair_set,
    remove_from_pair_set,
)
from napari_gan_enhance.viewer.alignment import pair_from_layers
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.viewer.placement import affine_um, time_shown
from napari_gan_enhance.viewer.same_image import checksums_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.registration.pair_description import DescribedPair
    from napari_gan_enhance.registration.pairing import CutPair

Result = TypeVar("Result")

NAME = "pairs"


@dataclass(frozen=True, slots=True)
class PairRow:
    """A line of the list.

    Parameters
    ----------
    text : str
    folder : Path
        The data set.
    field : str
        Field of view of a pair that was cut here; empty for a folder.
    """

    text: str
    folder: Path
    field: str = ""


@dataclass(frozen=True, slots=True)
class AddedPair:
    """What became of two layers.

    Parameters
    ----------
    field : str
    accepted, rejected : int
        Patches.
    channels, channels_used : int
        How many there are, and how many of them gave patches.
    time : int or None
        The time point of the source that was taken, where it has several.
    """

    field: str
    accepted: int
    rejected: int
    channels: int
    channels_used: int
    time: int | None = None


class TrainPairs:
    """Pairs in a temporary data set, until they are saved, and folders of the user.

    The temporary files go with this object at the latest, those that a job still needs
    with the job. Folders of the user are only read.
    """

    def __init__(self) -> None:
        self._keep = Path(tempfile.mkdtemp(prefix="napari-gan-enhance-"))
        # napari closes its docks without a word, so this is how most lists end; a
        # TemporaryDirectory would warn of it.
        self._discard = weakref.finalize(
            self, shutil.rmtree, self._keep, ignore_errors=True
        )
        self._own = self._keep / NAME
        self._folders: list[Path] = []
        self._runs = 0
        self._lent = 0
        self._is_closed = False

    @property
    def folders(self) -> tuple[Path, ...]:
        """Data sets to train on."""
        own = (self._own,) if read_pair_set(self._own).pairs else ()
        return (*own, *self._folders)

    @property
    def has_unsaved(self) -> bool:
        """Whether there are pairs that would be lost."""
        return bool(read_pair_set(self._own).pairs)

    def rows(self) -> list[PairRow]:
        """Return the list."""
        own = [
            PairRow(_pair_text(pair), self._own, pair.field)
            for pair in read_pair_set(self._own).pairs
        ]
        return own + [PairRow(_folder_text(f), f) for f in self._folders]

    def add_layers(
        self, viewer: ViewerModel, source: Image, target: Image
    ) -> Job[AddedPair]:
        """Return the job that cuts a pair from two aligned layers.

        Before it cuts it raises InputError if a pair in the list is made of one of
        the two images.

        Raises
        ------
        InputError
            If both are one layer, their axes have no meaning, or their channels differ.
        """
        if source is target:
            raise InputError(
                f"Source and target are both {source.name!r} - a pair is made of two "
                "layers - choose the sharp image as target."
            )
        micrograph = micrograph_from_layer(source)
        facts = {
            "source": _facts(source),
            "target": _facts(target),
            "made_by": "Train dock",
        }
        cut = pair_from_layers(viewer, source, target)
        checksums = [(x.name, checksums_of(x)) for x in (source, target)]
        time = time_shown(viewer, source)
        return self._added(cut, micrograph, facts, checksums, time)

    def open(self, folder: Path) -> None:
        """Add a data set of the user's.

        Raises
        ------
        InputError
            If it is not one, or it or an image of its pairs is in the list.
        FileFormatError
            If its description cannot be read.
        """
        sides = [folder / side for side in ("source", "target")]
        if not all(side.is_dir() for side in sides):
            raise InputError(
                f"{folder.name!r} is no data set - it must hold the folders 'source' "
                "and 'target' - choose the folder above these two."
            )
        if folder in self._folders:
            raise InputError(
                f"{folder.name!r} is in the list - each data set counts once - choose "
                "another folder."
            )
        for pair in read_pair_set(folder).pairs:
            self._refuse_known(f"An image of {folder.name!r}", pair.images)
        self._folders.append(folder)

    def save(self, folder: Path) -> Job[Path]:
        """Return the job that moves the pairs that were cut here into a folder.

        The folder takes their place in the list.

        Raises
        ------
        InputError
            If there is nothing to save, or the folder is not empty.
        OutputError
            If it cannot be written to.
        """
        if not self.has_unsaved:
            raise InputError(
                "No pair was cut from layers - only such pairs are not saved yet - add "
                "a pair first."
            )
        with output_errors(folder):
            is_taken = folder.exists() and any(folder.iterdir())
        if is_taken:
            raise InputError(
                f"Folder {folder.name!r} is not empty - a data set gets a folder of "
                "its own - choose or make an empty one."
            )
        return self._saved(folder)

    def _saved(self, folder: Path) -> Job[Path]:
        try:
            yield from _copied(self._own, folder)
        except (OutputError, GeneratorExit):  # as empty as it was, for the next try
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            raise
        shutil.rmtree(self._own)
        self._folders.append(folder)
        return folder

    def remove(self, row: PairRow) -> None:
        """Take a line out of the list; files of the user stay."""
        if row.field:
            remove_from_pair_set(row.folder, row.field)
        else:
            self._folders.remove(row.folder)

    def new_output(self, recipe: str) -> Path:
        """Return where the next training writes its checkpoint.

        Raises
        ------
        OutputError
            If there is no place for it.
        """
        self._runs += 1
        folder = self._keep / f"run-{self._runs}"
        with output_errors(folder):
            folder.mkdir(parents=True)
        first = self.rows()[0]
        return folder / f"{first.field or first.folder.name}-{recipe}.safetensors"

    def lent_to(self, job: Job[Result]) -> Job[Result]:
        """Keep the files until a job has ended, should they be given up meanwhile."""
        self._lent += 1
        try:
            return (yield from job)
        finally:
            self._lent -= 1
            if self._is_closed:
                self.close()

    def close(self) -> None:
        """Delete everything that was not saved, as soon as no job needs it."""
        self._is_closed = True
        if not self._lent:
            self._discard()

    def _added(
        self,
        cut: Job[CutPair],
        like: Micrograph,
        facts: dict[str, Any],
        checksums: Sequence[tuple[str, Callable[[], list[str]]]],
        time: int | None,
    ) -> Job[AddedPair]:
        images: list[str] = []
        for name, read in checksums:
            own = read()
            self._refuse_known(f"Layer {name!r}", own)
            images += own
        pair = yield from cut
        field = yield from add_to_pair_set(
            self._own, like.name, pair, like=like, provenance=facts, images=images
        )
        used = len({piece.channel for piece in pair.pieces})
        channels = len(pair.levels)
        return AddedPair(field, pair.accepted, pair.rejected, channels, used, time)

    def _refuse_known(self, what: str, images: Collection[str]) -> None:
        """Refuse an image that is in a pair: as another field it would be held out."""
        for folder in self.folders:
            for pair in read_pair_set(folder).pairs:
                if set(images) & set(pair.images):
                    raise InputError(
                        f"{what} is in pair {pair.field!r} already - an image is in "
                        "one pair, or it would be learned from and held out at once - "
                        "remove that pair first."
                    )


def _copied(folder: Path, copy: Path) -> Job[None]:
    # copytree goes on after an error, and then tells one for each file.
    files = [path for path in folder.rglob("*") if path.is_file()]
    for number, path in enumerate(files):
        yield Progress(number, len(files), "saving pairs")
        target = copy / path.relative_to(folder)
        with output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _facts(layer: Image) -> dict[str, Any]:
    return {"layer": layer.name, "affine_um": affine_um(layer).tolist()}


def _pair_text(pair: DescribedPair) -> str:
    rejected = f", {pair.rejected} rejected" if pair.rejected else ""
    return f"{pair.field}: {pair.accepted} patches{rejected}"


def _folder_text(folder: Path) -> str:
    try:
        count = len(read_pair_set(folder).pairs)
    except FileFormatError:  # a share that is away: the training says what is wrong
        return f"{folder.name}: cannot be read (folder)"
    known = f": {count} pair{'s' * (count != 1)}" if count else ""
    return f"{folder.name}{known} (folder)"
