"""Hand a checkpoint and its source layer over to the Enhance dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.layer_pair import do_overlap
from napari_gan_enhance.viewer.train_results import keep_checkpoint
from napari_gan_enhance.viewer.viewport import fit_layer

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer
    from napari.layers import Image

PLUGIN = "napari-gan-enhance"


def use_in_enhance(
    viewer: napari.viewer.Viewer,
    checkpoint: Path,
    source: Image | None,
    target: Image | None,
) -> None:
    """Keep a checkpoint and choose it in the Enhance dock, which is opened if need be.

    Parameters
    ----------
    viewer : Viewer
    checkpoint : Path
        Is copied to where it outlives the Train dock.
    source : Image or None
        Is chosen there and shown; None leaves layers as they are.
    target : Image or None
        Is hidden where it lies over the source.

    Raises
    ------
    InputError
        If the Enhance dock is at work.
    OutputError
        If the checkpoint cannot be kept.
    """
    frame, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Enhance", tabify=True)
    if dock.panel.runner.is_running:
        raise InputError(
            "The Enhance dock is at work - its model cannot be changed meanwhile - "
            "wait until it is done, or stop it."
        )
    dock.controls.model.choose(str(keep_checkpoint(checkpoint)))
    frame.show()  # it may have been hidden
    frame.raise_()
    if source is None:
        return
    dock.controls.layer.choose(source)
    if target is not None and do_overlap(source, target):
        target.visible = False
    source.visible = True
    viewer.layers.selection.active = source
    fit_layer(viewer, source)
