"""Train with several processes; run by test_ranks, once in each process.

Writes the course of the losses and the weights of each process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.events import Losses
from napari_gan_enhance.training.fabric import launched_fabric, leave
from napari_gan_enhance.training.held_out import keep_apart
from napari_gan_enhance.training.loop import train
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.state import Training
from napari_gan_enhance.training.validation import Validator


def main() -> None:
    source, target, output = map(Path, sys.argv[1:4])
    devices, batch = map(int, sys.argv[4:])
    recipe = Recipe(
        name="ranks",
        config={"in_channels": 1, "out_channels": 1, "width": 4, "depth": 2},
        steps=6,
        patch=64,
        batch=batch,
        adversarial_weight=0.1,
        validate_every=3,
        validation_share=0.0,
        test_share=0.0,
    )
    # In float32 Adam's first steps turn the last bits of gradients into full steps.
    torch.set_default_dtype(torch.float64)
    recipe = recipe.model_copy(update={"precision": "64-true"})
    fabric = launched_fabric("cpu", devices, recipe)
    torch.set_num_threads(1)
    torch.manual_seed(fabric.global_rank)  # what is not the first's must not matter
    spec = spec_of(recipe.architecture, recipe.config)
    held = keep_apart(find_pairs(source, target), recipe, spec)
    network = build_network(recipe.architecture, recipe.config)
    training = Training.start(network, held.train, recipe, spec, fabric)
    draw = training.sampler.draw
    training.sampler.draw = lambda: tuple(side.double() for side in draw())
    validator = Validator(held.validation, spec, fabric.device)
    course = []
    drain(
        train(training, validator, recipe, fabric),
        lambda r: isinstance(r.detail, Losses) and course.append(dict(r.detail.values)),
    )
    rank = fabric.global_rank
    torch.save(training.state_dict(), output / f"{devices}-{rank}.pt")
    (output / f"{devices}-{rank}.json").write_text(json.dumps(course))
    leave(fabric)


if __name__ == "__main__":
    main()
