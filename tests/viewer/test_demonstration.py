"""The demo's results stand side by side, with a line that measures across them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.demonstration import show_results
from napari_gan_enhance.viewer.profile import complete_curves, plans
from napari_gan_enhance.viewer.profile_lines import lines
from napari_gan_enhance.viewer.profile_pixels import PixelStore

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


def test_results_stand_side_by_side(
    make_napari_viewer: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    files = {}
    for name in ("raw", "enhanced", "deconvolved"):
        image = Micrograph(rng.random((40, 50)), "YX", VoxelSize(None, 0.5, 0.5))
        files[name] = drain(write_micrograph(tmp_path / f"{name}.ome.tif", image))
    viewer = make_napari_viewer()
    show_results(viewer, files, ((10.0, 5.0), (10.0, 45.0)))
    assert [layer.name for layer in viewer.layers[:3]] == list(files)
    assert not viewer.layers["Line profile"].visible
    store = PixelStore()
    planned = plans(viewer, lines(viewer)[-1], 0.0, store)
    drawn = drain(complete_curves(planned, store))
    assert [curve.is_somewhere for curve in drawn] == [True] * 3
    # 40 pixels of half a micrometre
    assert drawn[0].distance[-1] == 20.0
