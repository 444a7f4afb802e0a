"""Double the channels of a generator without changing what it does.

    python tests/benchmarks/widen.py MODEL OUT.safetensors

Net2WiderNet (Chen et al., arXiv 1511.05641): every channel stands there twice, and what
reads it takes shares of both that sum to the old weight. The shares are random, so that
the two part as soon as they are trained (`train --from OUT.safetensors`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from napari_gan_enhance.checkpoints.bundled import resolve_model
from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import load_network, save_checkpoint
from napari_gan_enhance.models.registry import build_network, spec_of

SPREAD = 0.7
"""Of the shares, in standard deviations of the weights."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    header = read_header(resolve_model(options.model))
    narrow, spec = load_network(header), header.spec
    config = {**spec.config, "width": 2 * spec.config["width"]}
    wide = build_network(spec.architecture, config).eval()
    random = torch.Generator().manual_seed(0)
    weights = narrow.state_dict()
    state = {
        name: widened(weights[name], like, random, is_transposed="upsample" in name)
        for name, like in wide.state_dict().items()
    }
    wide.load_state_dict(state)
    planes = spec.in_channels + spec.takes_psf_width + spec.takes_pixel_size
    image = torch.rand(1, planes, 128, 128, generator=random)
    with torch.no_grad():
        difference = float((narrow(image) - wide(image)).abs().max())
    wider = spec_of(
        spec.architecture,
        config,
        low_percentile=spec.low_percentile,
        high_percentile=spec.high_percentile,
    )
    save_checkpoint(options.out, state, wider, header.card)
    sys.stdout.write(f"largest difference of the results: {difference:.1e}\n")


def widened(
    weight: Tensor, like: Tensor, random: torch.Generator, *, is_transposed: bool
) -> Tensor:
    """Return a weight or bias with twice the channels where `like` has them."""
    results, inputs = (1, 0) if is_transposed and weight.ndim == 4 else (0, 1)
    if like.shape[results] != weight.shape[results]:
        weight = weight.repeat_interleave(2, dim=results)
    if weight.ndim == 1 or like.shape[inputs] == weight.shape[inputs]:
        return weight.contiguous()
    share = torch.randn(weight.shape, generator=random) * weight.std() * SPREAD
    halves = torch.stack([weight / 2 + share, weight / 2 - share], dim=inputs + 1)
    return halves.reshape(like.shape).contiguous()


if __name__ == "__main__":
    main()
