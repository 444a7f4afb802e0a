"""Arrays that results are written into."""

from __future__ import annotations

import gc
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.viewer import targets
from napari_gan_enhance.viewer.targets import RoundedArray, new_target, shown_pixels

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_written_values_are_rounded_and_clipped() -> None:
    array = RoundedArray(np.zeros(5, np.uint8))
    array[:] = np.array([-3.0, 1.4, 1.6, 254.9, 300.0])
    assert array[:].tolist() == [0, 1, 2, 255, 255]


def test_small_result_is_transparent_in_memory() -> None:
    source = Micrograph(np.zeros((4, 6), np.uint16), "YX")
    target = new_target(source, (8, 12))
    assert shown_pixels(target) is target
    assert (target.shape, target.dtype) == ((8, 12), np.float32)
    assert np.isnan(target).all()


def test_float_rgb_stays_float() -> None:
    target = new_target(Micrograph(np.zeros((4, 6, 3)), "YXS"), (4, 6, 3))
    assert target.dtype == np.float32


def test_result_larger_than_memory_is_kept_on_disk_while_something_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(targets, "FREE_SHARE", 0)
    monkeypatch.setattr(targets, "gettempdir", lambda: str(tmp_path))
    source = Micrograph(np.zeros((2, 40, 60), np.uint16), "ZYX")
    target = new_target(source, (2, 40, 60))
    target[1, 10:20, 10:20] = 7
    assert np.asarray(target[1, 9:11, 10]).tolist() == [0, 7]
    assert len(list(tmp_path.iterdir())) == 1
    copy = deepcopy(target)  # as napari duplicates a layer
    del target
    gc.collect()
    assert np.asarray(copy[1, 9:11, 10]).tolist() == [0, 7]
    del copy
    gc.collect()
    assert list(tmp_path.iterdir()) == []
