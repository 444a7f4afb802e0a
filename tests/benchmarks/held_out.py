"""Score a checkpoint on its held-out fields, beside the best Richardson-Lucy.

    python tests/benchmarks/held_out.py DATA [--model NAME|FILE] [--into-card FILE]

DATA holds one folder for each data set of the checkpoint's card, with source/ and
target/. How the baseline is found stands in `scoring.py`; the data range is the
reference's 3rd to 99.8th percentile. Figures are medians over images.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from scoring import as_markdown, row, scores

from napari_gan_enhance.checkpoints.bundled import resolve_model
from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.checkpoints.native import load_network, save_checkpoint
from napari_gan_enhance.models.spec import Score
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.report import fields_text

IN_CARD = {
    "PSNR over the best Richardson-Lucy of an oracle, affine fit (dB)": (
        "over_deconvolved"
    ),
    "PSNR over the same from a flat start, affine fit (dB)": "over_smoothed",
}
"""Metrics added to the card, and where they stand in a row."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="widefield-denoise")
    parser.add_argument("--into-card", type=Path, help="checkpoint to complete")
    options = parser.parse_args()
    card = read_header(resolve_model(options.model)).card
    generator = load_generator(options.model, device="cpu")
    rows = []
    for data_set in card.training_data:
        fields = set(data_set.model_extra["test_fields"])
        if not fields:
            continue
        folder = options.data / data_set.name
        pattern = card.recipe["field_pattern"]
        pairs = find_pairs(folder / "source", folder / "target", pattern)
        pairs = [p for p in pairs if p.field in fields]
        values = [scores(p, generator) for p in pairs]
        rows.append(row(f"{data_set.name}, {fields_text(fields)}", values))
    sys.stdout.write(as_markdown(rows))
    if options.into_card:
        complete_card(options.into_card, rows)


def complete_card(path: Path, rows: list[dict]) -> None:
    """Write what stands over the deconvolution into a checkpoint's card."""
    header = read_header(path)
    known = {(s.metric, s.data): s for s in header.card.scores}
    for r, (metric, key) in itertools.product(rows, IN_CARD.items()):
        data = r["data"]
        known[metric, data] = Score(metric=metric, data=data, n=r["n"], value=r[key])
    card = header.card.model_copy(update={"scores": tuple(known.values())})
    state = load_network(header).state_dict()
    save_checkpoint(path, state, header.spec, card, overwrite=True)


if __name__ == "__main__":
    main()
