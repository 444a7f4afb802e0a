"""The result layers of one run: added, filled on screen, kept or taken away."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari.layers import Layer

from napari_gan_enhance.tiling.region import WrittenRegion, WrittenSnapshot
from napari_gan_enhance.viewer.contrast import ContrastMatch
from napari_gan_enhance.viewer.iterations import (
    ITERATIONS_KEY,
    describe_iteration,
    kept_iterations,
    show_newest,
)
from napari_gan_enhance.viewer.layers import (
    METADATA_KEY,
    result_layer_data,
    unique_name,
)
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultKind,
    ResultStarted,
)
from napari_gan_enhance.viewer.trust_run import SOURCE_KEY, MadeOf
from napari_gan_enhance.viewer.viewport import is_in_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


def is_unfinished(layer: Layer) -> bool:
    """Return whether a layer is a result that a run still writes to."""
    return SOURCE_KEY in layer.metadata and METADATA_KEY not in layer.metadata


class RunLayers:
    """Turn what a run reports into layers of a viewer.

    Parameters
    ----------
    viewer : ViewerModel
    source : Image
        The layer the run works on.
    axes : str
        Letters of the results' axes.
    """

    def __init__(self, viewer: ViewerModel, source: Image, axes: str) -> None:
        self._viewer = viewer
        self._source = source
        self._axes = axes
        self._layers: dict[ResultKind, Image] = {}
        self._unfinished: set[ResultKind] = set()
        self._contrast: dict[ResultKind, ContrastMatch] = {}

    @property
    def layers(self) -> tuple[Image, ...]:
        """Results in the order they were begun, the deleted ones left out."""
        return tuple(x for x in self._layers.values() if x in self._viewer.layers)

    def needs(self, layer: object) -> bool:
        """Whether the run cannot go on without a layer."""
        unfinished = [self._layers[kind] for kind in self._unfinished]
        return layer is self._source or any(layer is x for x in unfinished)

    def forget(self, layer: object) -> None:
        """Keep no memory for a result that the user deleted."""
        for kind, result in tuple(self._layers.items()):
            if result is layer and kind not in self._unfinished:
                del self._layers[kind]

    def take(self, detail: object) -> Image | None:
        """Follow a report of the run; return the layer if one was added."""
        if isinstance(detail, ResultStarted):
            return self._begin(detail)
        if isinstance(detail, ResultFinished):
            self._finish(detail)
        elif isinstance(detail, WrittenSnapshot):
            self._note(detail.index)
        return None

    def shows(self, detail: object) -> bool:
        """Whether a report of the run tells of pixels written on screen."""
        written = detail.region if isinstance(detail, WrittenSnapshot) else detail
        return isinstance(written, WrittenRegion) and any(
            is_in_view(self._viewer, layer, self._axes, written.slices)
            for layer in map(self._layers.get, self._unfinished)
            if layer in self._viewer.layers
        )

    def refresh(self) -> None:
        """Show what was written since the last call."""
        for kind in self._unfinished:
            layer = self._layers[kind]
            if layer in self._viewer.layers:
                show_newest(layer)
                layer.refresh(thumbnail=False, highlight=False, extent=False)

    def discard_unfinished(self) -> None:
        """Take the layers away that are not complete."""
        taken_away = [self._layers.pop(kind) for kind in self._unfinished]
        self._unfinished.clear()
        for layer in taken_away:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _begin(self, started: ResultStarted) -> Image:
        names = [layer.name for layer in self._viewer.layers]
        data = result_layer_data(
            self._source,
            started.pixels,
            name=unique_name(names, f"{self._source.name} [{started.label}]"),
            upscale=started.upscale,
            region=started.region,
            contrast_limits=tuple(self._source.contrast_limits),
        )
        layer: Image = Layer.create(*data)
        contrast = ContrastMatch(self._viewer, self._source)
        if started.iterations is not None:
            started.iterations.contrast = contrast
            layer.metadata[ITERATIONS_KEY] = started.iterations
        layer.metadata[SOURCE_KEY] = MadeOf(weakref.ref(self._source), started.region)
        self._layers[started.kind] = layer
        self._contrast[started.kind] = contrast
        self._unfinished.add(started.kind)
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = (
            active  # the user goes on where they were
        )
        return layer

    def _finish(self, finished: ResultFinished) -> None:
        self._unfinished.discard(finished.kind)
        layer = self._layers[finished.kind]
        layer.metadata = {**layer.metadata, METADATA_KEY: finished.micrograph}
        if finished.kind == "deconvolved":
            show_newest(layer)
            describe_iteration(layer)
        self._contrast[finished.kind].apply(layer)
        layer.refresh()  # the last tiles, and the thumbnail once

    def _note(self, index: int) -> None:
        for kind in self._unfinished:
            kept = kept_iterations(self._layers[kind])
            if kept is not None:
                kept.newest = max(kept.newest, index)
