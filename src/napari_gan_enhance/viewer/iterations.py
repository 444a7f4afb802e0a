"""Look at the iterations of a deconvolution one by one, while it runs and after."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.viewer.layers import METADATA_KEY

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_gan_enhance.viewer.contrast import ContrastMatch

ITERATIONS_KEY = "napari_gan_enhance_iterations"
"""Key in a layer's metadata: a dock that is opened again finds the iterations there."""


@dataclass(slots=True, eq=False)
class KeptIterations:
    """Results after some of the iterations of one run, and which of them is shown.

    Parameters
    ----------
    numbers : tuple of int
        Which iterations are kept, rising.
    history : array, shape (len(numbers), *shape of the layer)
        NaN, or zero on disk, where nothing is written yet.
    final : array
        The complete result; the same as the last of the history.
    shown : int
        Index of the iteration that the layer shows.
    newest : int
        Highest index of which something is written.
    follows : bool
        Whether a running job shows its newest iteration; false while the user has
        chosen an older one.
    contrast : ContrastMatch or None
        Brings each iteration to the contrast of the source.
    owner : weak reference to the layer, or None
        That shows them; None until it is asked for.
    """

    numbers: tuple[int, ...]
    history: Any
    final: Any
    shown: int = 0
    newest: int = 0
    follows: bool = True
    contrast: ContrastMatch | None = None
    owner: weakref.ref[Any] | None = None

    def pixels(self, index: int) -> Any:
        """Return what a layer shows for an iteration; nothing on disk is read."""
        if index == len(self.numbers) - 1:
            return self.final
        if isinstance(self.history, np.ndarray):
            return self.history[index]
        return _Slab(self.history, index)


class _Slab:
    """One iteration of a history on disk, read slice by slice."""

    def __init__(self, history: Any, index: int) -> None:
        self._history = history
        self._index = index
        self.shape: tuple[int, ...] = tuple(history.shape[1:])
        self.ndim = len(self.shape)
        self.dtype: np.dtype[Any] = np.dtype(history.dtype)

    def __getitem__(self, index: Any) -> Any:
        inside = index if isinstance(index, tuple) else (index,)
        return self._history[(self._index, *inside)]


def kept_iterations(layer: object) -> KeptIterations | None:
    """Return the iterations of a result layer; None where a layer has none."""
    metadata = getattr(layer, "metadata", {})
    found = metadata.get(ITERATIONS_KEY)
    if not isinstance(found, KeptIterations):
        return None
    if found.owner is None:
        found.owner = weakref.ref(layer)
    elif found.owner() is not layer:  # napari gives a duplicate the very same object
        found = metadata[ITERATIONS_KEY] = _of_duplicate(found, layer)
    return found


def show_newest(layer: Image) -> None:
    """Show the iteration that a running job has come to, unless the user chose one."""
    kept = kept_iterations(layer)
    if kept is not None and kept.follows and kept.shown != kept.newest:
        _show(layer, kept, kept.newest)


def show_iteration(layer: Image, index: int) -> None:
    """Show the iteration that the user chose.

    Parameters
    ----------
    layer : Image
        A result layer with kept iterations; its place and scale stay.
    index : int
        In the kept iterations.
    """
    kept = kept_iterations(layer)
    if kept is not None:
        kept.follows = index == kept.newest
        _show(layer, kept, index)


def describe_iteration(layer: Image) -> None:
    """Say in name and provenance which iteration the layer's pixels are."""
    kept = kept_iterations(layer)
    known = layer.metadata.get(METADATA_KEY)
    if kept is None or not isinstance(known, Micrograph):
        return
    told = {**known.provenance, "iteration": kept.numbers[kept.shown]}
    layer.metadata[METADATA_KEY] = known.with_pixels(layer.data, provenance=told)


def _of_duplicate(kept: KeptIterations, layer: Any) -> KeptIterations:
    """Return the iterations for a copy of their layer, which shows one of its own."""
    known = layer.metadata.get(METADATA_KEY)
    told = known.provenance.get("iteration") if isinstance(known, Micrograph) else None
    shown = kept.numbers.index(told) if told in kept.numbers else kept.shown
    owner = weakref.ref(layer)
    return replace(kept, shown=shown, follows=False, contrast=None, owner=owner)


def _show(layer: Image, kept: KeptIterations, index: int) -> None:
    before, now = kept.numbers[kept.shown], kept.numbers[index]
    kept.shown = index
    layer.data = kept.pixels(index)
    # A name that the user gave is not touched, nor that of the source in it.
    name, number, rest = layer.name.rpartition(f" {before}]")
    layer.name = f"{name} {now}]{rest}" if number else layer.name
    describe_iteration(layer)
    if kept.contrast is not None:
        kept.contrast.apply(layer)
