"""Which files are worked on, and what becomes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import zarr

from napari_gan_enhance import batch
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain

if TYPE_CHECKING:
    from pathlib import Path


def test_field_of_a_plate_is_an_image(tmp_path: Path) -> None:
    well = tmp_path / "plate.zarr" / "A" / "1"
    zarr.create_group(tmp_path / "plate.zarr")
    well.mkdir(parents=True)
    drain(write_micrograph(well / "0.zarr", Micrograph(np.ones((4, 5), "u1"), "YX")))
    field = (well / "0.zarr").rename(well / "0")
    one = batch.plan([field], tmp_path / "field.ome.tif")
    assert one == [batch.Task(field, tmp_path / "field.ome.tif")]
    among = batch.plan([field], tmp_path / "out")
    assert among == [batch.Task(field, tmp_path / "out" / "0.ome.tif")]
