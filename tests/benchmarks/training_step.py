"""Time of a training step over that of a bare torch loop on the same networks.

The bare loop gets its batches ready and does nothing but the losses of the recipe, the
gradients and the optimizers; ours also draws and turns patches, clips gradients, keeps
the moving average, measures, and reports. Both run by turns, a few steps each.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from report import Row, emit, seconds
from torch import nn

from napari_gan_enhance.models.discriminator import build_discriminator
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.training.fabric import launched_fabric, precision_on
from napari_gan_enhance.training.images import ImagePair
from napari_gan_enhance.training.loop import train
from napari_gan_enhance.training.losses import discriminator_loss, generator_loss, ssim
from napari_gan_enhance.training.memory import kept_memory
from napari_gan_enhance.training.pairs import Pair
from napari_gan_enhance.training.recipes import RECIPES
from napari_gan_enhance.training.resume import write_state
from napari_gan_enhance.training.state import Training
from napari_gan_enhance.training.validation import Validator

if TYPE_CHECKING:
    from napari_gan_enhance.training.recipe import Recipe

BUDGET = 1.05
CPU = torch.device("cpu")
SIZE = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=["panek", "supervised"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4, help="of each in a round")
    options = parser.parse_args()
    with kept_memory():
        measured = {
            name: measure(RECIPES[name], options.rounds, options.steps)
            for name in options.recipes
        }
    worst = max(ratio for ratio, *_ in measured.values())
    emit(
        Row(
            "training step over a bare torch loop on the same networks",
            f"<= {BUDGET}x",
            f"{worst:.2f}x",
            worst <= BUDGET,
            "; ".join(
                f"{name} {ratio:.3f}x in {precision_on(CPU, RECIPES[name])}, "
                f"bare {bare:.2f} s, saving all {saving:.2f} s"
                for name, (ratio, bare, saving) in measured.items()
            )
            + f"; median of {options.rounds} rounds of {options.steps} steps, "
            f"{torch.get_num_threads()} threads",
        )
    )


def measure(recipe: Recipe, rounds: int, steps: int) -> tuple[float, float, float]:
    """Return the ratio, the bare seconds per step, and those for saving the state."""
    ours, training = our_steps(recipe)
    bare = bare_steps(recipe, training)
    for loop in (bare, ours):
        run(loop, 2)  # the first builds oneDNN's kernels
    pairs = [
        (seconds(lambda: run(bare, steps)), seconds(lambda: run(ours, steps)))
        for _ in range(rounds)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        saving = seconds(lambda: write_state(training.state_dict(), path, {}))
    ratio = median(b / a for a, b in pairs)
    return ratio, median(a for a, _ in pairs) / steps, saving


def run(loop, steps: int) -> None:
    for _ in itertools.islice(loop, steps):
        pass


def our_steps(recipe: Recipe):
    """Return our loop, which reports each step, and its state."""
    rng = np.random.default_rng(0)
    pair = Pair(Path("a.tif"), Path("a.tif"), "set", "field")
    pixels = rng.random((2, 1, SIZE, SIZE), dtype=np.float32)
    recipe = recipe.model_copy(update={"validate_every": 10**9})
    spec = spec_of(recipe.architecture, recipe.config)
    fabric = launched_fabric("cpu", 1, recipe)
    network = build_network(recipe.architecture, recipe.config)
    image = ImagePair(pixels[0], pixels[1], pair)
    training = Training.start(network, [image], recipe, spec, fabric)
    return train(training, Validator([], spec, fabric.device), recipe, fabric), training


def bare_steps(recipe: Recipe, training: Training):
    """Yield after each step of the shortest loop that does the same."""
    memory = torch.channels_last
    generator = build_network(recipe.architecture, recipe.config).to(
        memory_format=memory
    )
    optimizer = torch.optim.AdamW(generator.parameters(), recipe.learning_rate)
    judge = build_discriminator(recipe.discriminator).to(memory_format=memory)
    judging = torch.optim.AdamW(judge.parameters(), recipe.discriminator_learning_rate)
    batches = [training.sampler.draw() for _ in range(4)]
    for source, target in itertools.cycle(batches):
        with mixed(recipe):
            result = generator(source).float()
        loss = pixel_loss(recipe)(result, target)
        loss = loss + recipe.ssim_weight * (1 - ssim(result, target, data_range=1.0))
        if recipe.is_adversarial:
            with mixed(recipe):
                said = judge(torch.cat([target, result.detach()])).float()
            move(judging, discriminator_loss(recipe.adversary, *said.chunk(2)))
            judge.requires_grad_(False)
            with mixed(recipe):
                real, fake = judge(target).float(), judge(result).float()
            loss = loss + recipe.adversarial_weight * generator_loss(
                recipe.adversary, real, fake
            )
            judge.requires_grad_(True)
        move(optimizer, loss)
        yield


def mixed(recipe: Recipe) -> torch.autocast:
    """Return the precision of our loop: bfloat16 only where it is faster."""
    is_mixed = precision_on(CPU, recipe) == "bf16-mixed"
    return torch.autocast("cpu", torch.bfloat16, enabled=is_mixed)


def pixel_loss(recipe: Recipe):
    absolute = recipe.pixel_loss == "absolute"
    return nn.functional.l1_loss if absolute else nn.functional.mse_loss


def move(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


if __name__ == "__main__":
    main()
