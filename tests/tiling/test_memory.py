"""Tiles chosen from a budget worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.tiling.memory import checked_tile, fitting_tile


@dataclass
class Operator:
    halo: tuple[int, ...] = (8, 8)
    size_multiple: tuple[int, ...] = (16, 16)
    upscale: tuple[int, ...] = (1, 1)
    bytes_per_pixel: float = 100.0


def test_whole_image_is_one_tile_if_it_fits():
    assert fitting_tile(Operator(), (50, 70), 64 * 80 * 100) == (64, 80)


def test_tile_is_halved_until_its_window_fits():
    # 1024 x 1024 -> 512 x 1024 -> 512 x 512: the window is 528 x 528 pixels.
    assert fitting_tile(Operator(), (1024, 1024), 528 * 528 * 100) == (512, 512)


def test_smallest_tile_is_returned_if_nothing_fits():
    assert fitting_tile(Operator(), (100, 100), 1) == (16, 16)


def test_tile_from_the_user_names_the_nearest_legal_ones():
    with pytest.raises(InputError, match=r"Tile size 100 .* use 96 or 112"):
        checked_tile(Operator(), 100, (500, 500))


def test_depth_is_never_cut_by_the_user():
    operator = Operator((0, 8, 8), (1, 16, 16), (1, 1, 1))
    assert checked_tile(operator, 64, (9, 500, 500)) == (9, 64, 64)
