"""Score a generator on the simulated twin: fields, or microscopes, it never saw.

    python tests/benchmarks/make_twin.py TWIN
    python tests/benchmarks/twin_scores.py TWIN [--model NAME|FILE] [--microscopes ...]

How the baseline is found stands in `scoring.py`. The data range is 1, the brightest
pixel of each confocal image. Figures are medians over images.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scoring import as_markdown, row, scores

from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.training.pairs import find_pairs

DATA_RANGE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("twin", type=Path)
    parser.add_argument("--model", default="widefield-to-confocal")
    parser.add_argument("--microscopes", nargs="*", help="by default all")
    options = parser.parse_args()
    generator = load_generator(options.model, device="cpu")
    rows = []
    for folder in sorted(options.twin.glob("*/test")):
        name = folder.parent.name
        if options.microscopes and name not in options.microscopes:
            continue
        pairs = find_pairs(folder / "source", folder / "target", "")
        rows.append(row(name, [scores(p, generator, DATA_RANGE) for p in pairs]))
    sys.stdout.write(as_markdown(rows))


if __name__ == "__main__":
    main()
