"""Largest difference between a tiled and a whole result: any size, tile and order."""

from __future__ import annotations

import itertools
from math import ceil

import numpy as np
from model import measured_generator
from report import Row, emit

from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.schedule import Focus, Schedule

BUDGET = 1e-6
SIZES = ((1, 1), (13, 600), (331, 257), (509, 641), (768, 768))
TILES = ((16, 16), (64, 128), (128, 128), (256, 400))
FOCI = (None, Focus(0, (300, 200), (310, 210)))
MOST_TILES = 200
"""Combinations with more are left out: they only repeat smaller ones."""


def main() -> None:
    generator = measured_generator()
    rng = np.random.default_rng(0)
    worst, count = 0.0, 0
    for size in SIZES:
        image = rng.random((1, *size), dtype=np.float32)
        whole = run(generator, image, tuple(-(-n // 16) * 16 for n in size), None)
        spread = float(np.ptp(whole)) or 1.0
        for tile, focus in itertools.product(TILES, FOCI):
            if ceil(size[0] / tile[0]) * ceil(size[1] / tile[1]) > MOST_TILES:
                continue
            difference = np.abs(run(generator, image, tile, focus) - whole).max()
            worst = max(worst, float(difference) / spread)
            count += 1
    emit(
        Row(
            "tiled against whole-image result, exact precision",
            f"<= {BUDGET:g} of the range",
            f"{worst:.1e}",
            worst <= BUDGET,
            f"largest over {count} combinations of size, tile and order, halo "
            f"{generator.halo[0]}",
        )
    )


def run(generator, image, tile, focus):
    target = np.full_like(image, np.nan)
    part = Part(image, target, generator)
    drain(run_tiles([part], tile=tile, stage="enhancing", schedule=Schedule(focus)))
    return target


if __name__ == "__main__":
    main()
