"""Time of the tile engine over that of the bare network on the same pixels.

The bare network gets the image in blocks of the tile's size without any halo, which is
the least work there can be; the engine reads, normalizes, recomputes halos and writes.
"""

from __future__ import annotations

import argparse
from statistics import median

import numpy as np
import torch
from model import measured_generator
from report import Row, emit, seconds

from napari_gan_enhance.micrograph.intensity import IntensityScaling
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.normalized import NormalizedOperator

BUDGET = 1.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--tile", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    size, tile = options.size, options.tile

    generator = measured_generator()
    rng = np.random.default_rng(0)
    image = rng.random((1, size, size), dtype=np.float32)
    target = np.zeros_like(image)
    operator = NormalizedOperator(generator, [IntensityScaling(0.0, 1.0)])
    part = Part(image, target, operator)

    network = generator._network
    network = network.to(memory_format=torch.channels_last)
    origins = [(y, x) for y in range(0, size, tile) for x in range(0, size, tile)]
    blocks = [
        torch.from_numpy(image[None, :, y : y + tile, x : x + tile]).contiguous(
            memory_format=torch.channels_last
        )
        for y, x in origins
    ]

    def bare() -> None:
        with torch.inference_mode():
            for block in blocks:
                network(block)

    def engine() -> None:
        drain(run_tiles([part], tile=(tile, tile), stage="enhancing"))

    bare()  # the first call builds oneDNN's kernels
    # One after the other, so that a slow spell of the machine hits both.
    pairs = [(seconds(bare), seconds(engine)) for _ in range(options.repeats)]
    ratio = median(e / b for b, e in pairs)
    emit(
        Row(
            f"engine over bare network, {size}² pixels, tile {tile}",
            f"<= {BUDGET}x",
            f"{ratio:.2f}x",
            ratio <= BUDGET,
            f"median of {options.repeats}; bare {median(b for b, _ in pairs):.1f} s, "
            f"halo {generator.halo[0]}, {torch.get_num_threads()} threads, float32",
        )
    )


if __name__ == "__main__":
    main()
