"""Run the command line as the shell would, in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pytest
import tifffile
import torch

from napari_gan_enhance.checkpoints.native import save_checkpoint
from napari_gan_enhance.cli import main
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.spec import ModelCard

CONFIG = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 2}


@dataclass
class Finished:
    code: int
    out: str
    err: str

    def failed_with(self, *words: str) -> bool:
        """One sentence on standard error, nothing else, exit code 1."""
        lines = self.err.strip().splitlines()
        assert self.code == 1, self.err
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return all(word in lines[0] for word in words)


@pytest.fixture
def cli(monkeypatch, capfd):
    def run(*arguments: object) -> Finished:
        argv = ["napari-gan-enhance", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        captured = capfd.readouterr()
        return Finished(int(code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = build_network("residual-unet", CONFIG)
    return save_checkpoint(
        tmp_path / "tiny.safetensors",
        network.state_dict(),
        spec_of("residual-unet", CONFIG),
        ModelCard(name="tiny", licence="none", summary="A tiny test model."),
    )


@pytest.fixture
def image(tmp_path, rng):
    path = tmp_path / "cells.tif"
    pixels = rng.integers(100, 4000, (2, 40, 50), dtype=np.uint16)
    tifffile.imwrite(
        path,
        pixels,
        imagej=True,
        resolution=(1 / 0.16, 1 / 0.16),
        metadata={"axes": "CYX", "unit": "um"},
    )
    return path


@pytest.fixture
def positions(rng, tmp_path):
    """A file of three images."""
    path = tmp_path / "positions.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for _ in range(3):
            file.write(rng.integers(0, 99, (40, 40), dtype=np.uint16))
    return path
