"""Average the weights of a generator and of what a training made of it.

    python tests/benchmarks/average.py START TRAINED OUT.safetensors --card CARD.json \\
      --source DIR --target DIR [--source DIR --target DIR ...]

Half of the way often does better on data that neither saw than either end does
(Wortsman et al., arXiv 2109.01903). The folders are those of the training: it is scored
anew on the fields that played no part in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from napari_gan_enhance.checkpoints.bundled import resolve_model
from napari_gan_enhance.checkpoints.describe import card_text
from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import load_network, save_checkpoint
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.held_out import keep_apart
from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.report import describe_data, held_out_scores, make_card
from napari_gan_enhance.training.run import TrainingJob, pairs_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start")
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--share", type=float, default=0.5, help="of the training; 1 is all of the way"
    )
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--source", type=Path, action="append", required=True)
    parser.add_argument("--target", type=Path, action="append", required=True)
    options = parser.parse_args()
    start = read_header(resolve_model(options.start))
    trained = read_header(options.trained)
    network = load_network(trained)
    before, after = load_network(start).state_dict(), network.state_dict()
    share = options.share
    mean = {n: (1 - share) * before[n] + share * after[n] for n in before}
    network.load_state_dict(mean)

    recipe = Recipe.model_validate(trained.card.recipe)
    folders = list(zip(options.source, options.target, strict=True))
    pairs = pairs_of(TrainingJob(folders, recipe, options.out))
    held_out = keep_apart(pairs, recipe, trained.spec)
    texts = json.loads(options.card.read_text(encoding="utf-8"))
    data = describe_data(held_out, texts["data"])
    checksums = [
        [one.sha256 for one in some] for some in (data, trained.card.training_data)
    ]
    if checksums[0] != checksums[1]:  # else its test fields may have been trained on
        parser.error(f"{options.trained} was trained on other pairs than these")
    card = make_card(
        (*start.card.training_data, *data),
        recipe,
        trained.card.steps or 0,
        drain(held_out_scores(network, trained.spec, held_out, torch.device("cpu"))),
        {**texts, "parent": start.sha256},
    )
    save_checkpoint(options.out, network.state_dict(), trained.spec, card)
    sys.stdout.write(card_text(read_header(options.out)) + "\n")


if __name__ == "__main__":
    main()
