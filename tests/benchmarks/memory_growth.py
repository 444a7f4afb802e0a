"""Peak memory while enhancing images of growing size from disk to disk (Linux).

Each size runs in a process of its own, through the command line's own code. A tiny
image is enhanced first, so that all libraries and the model are loaded; what is
counted is the peak above that.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from report import Row, emit

BUDGET_MIB = 400
SIZES = (1024, 8192, 16384)
TINY = 64
BLOCK = 512
MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--suffix", default=".ome.tif", help="of the result")
    parser.add_argument("--precision", default="exact")
    parser.add_argument("--folder", type=Path, help="for the images, 4 GB free")
    parser.add_argument("--child", type=Path, nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        enhance_and_report(*options.child, options.precision)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        grown = measure_all(Path(folder), options)
    worst = max(grown.values())
    emit(
        Row(
            f"peak memory growth from disk to disk, {options.suffix}",
            f"flat, <= {BUDGET_MIB} MiB",
            f"{worst:.0f} MiB",
            worst <= BUDGET_MIB,
            ", ".join(f"{size}²: {mib:.0f} MiB" for size, mib in grown.items())
            + f"; {options.precision} precision, tile chosen by the program",
        )
    )


def measure_all(folder: Path, options: argparse.Namespace) -> dict[int, float]:
    """Return size and growth in MiB."""
    from model import model_path

    model = model_path(folder)
    return {size: measure(folder, model, size, options) for size in options.sizes}


def measure(folder: Path, model: Path, size: int, options: argparse.Namespace) -> float:
    """Return the growth in MiB for one size, measured in a process of its own."""
    image, tiny = folder / f"{size}.tif", folder / "tiny.tif"
    write_image(image, size)
    write_image(tiny, TINY)
    result = folder / f"result-{size}{options.suffix}"
    call = [sys.executable, __file__, "--precision", options.precision, "--child"]
    done = subprocess.run(
        [*call, model, tiny, image, result], stdout=subprocess.PIPE, check=True
    )
    image.unlink()
    return float(json.loads(done.stdout.splitlines()[-1]))


def write_image(path: Path, size: int) -> None:
    """Write a tiled uint16 TIFF block by block."""
    import numpy as np
    import tifffile

    def blocks():
        rng = np.random.default_rng(0)
        for _ in range((-(-size // BLOCK)) ** 2):
            yield rng.integers(100, 1000, (BLOCK, BLOCK), dtype=np.uint16)

    tifffile.imwrite(
        path, blocks(), shape=(size, size), dtype=np.uint16, tile=(BLOCK, BLOCK)
    )


def enhance_and_report(
    model: Path, tiny: Path, image: Path, result: Path, precision: str
) -> None:
    """Enhance both images in this process and print the growth in MiB."""
    enhance(model, tiny, result.with_name(f"tiny-{result.name}"), precision)
    baseline = psutil.Process().memory_info().rss
    enhance(model, image, result, precision)
    # Linux counts kibibytes, since the start of the process.
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps((peak - baseline) / MIB) + "\n")


def enhance(model: Path, source: Path, result: Path, precision: str) -> None:
    from napari_gan_enhance.cli import app

    arguments = ["enhance", source, "-o", result, "--precision", precision]
    arguments += ["--model", model, "--device", "cpu", "--overwrite"]
    app([str(a) for a in arguments], standalone_mode=False)


if __name__ == "__main__":
    main()
