"""`train --devices 2` from the shell: two processes, one result."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import load_network
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.recipes import RECIPES
from napari_gan_enhance.training.run import TrainingJob, run_training

ROUNDING = 1e-3
"""Relative: bfloat16, and sums over the batch in another order."""

STEPS = 1


@pytest.fixture
def folders(tmp_path, rng):
    """Five fields, each with ten times the noise of the one before."""
    for side in ("source", "target"):
        (tmp_path / side).mkdir()
    for field in range(5):
        clean = gaussian_filter(rng.random((128, 128)), 3).astype(np.float32)
        noise = rng.normal(0, clean.std() * 10 ** (field - 2), clean.shape)
        tifffile.imwrite(tmp_path / "target" / f"{field}.tif", clean)
        tifffile.imwrite(
            tmp_path / "source" / f"{field}.tif", (clean + noise).astype(np.float32)
        )
    return tmp_path / "source", tmp_path / "target"


def first_loss(checkpoint):
    """Return the loss of the first step: nothing has been learned before it."""
    with checkpoint.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return float(list(csv.DictReader(file))[1]["total"])


def test_two_processes_train_one_checkpoint(folders, model, tmp_path):
    output = tmp_path / "both.safetensors"
    source, target = folders
    done = subprocess.run(
        [
            *(sys.executable, "-m", "napari_gan_enhance", "train", "--json"),
            *("--source", source, "--target", target, "-o", output),
            *("--from", model, "--steps", str(STEPS)),
            *("--device", "cpu", "--devices", "2"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Start:") == 1  # of the first process alone
    card = json.loads(done.stdout)["card"]
    assert card["name"] == "both"
    load_network(read_header(output))
    assert not list(tmp_path.glob("*.resume"))

    alone = {}
    for batch in (4, 8):
        recipe = RECIPES["finetune"].model_copy(update={"steps": STEPS, "batch": batch})
        path = tmp_path / f"{batch}.safetensors"
        job = TrainingJob([folders], recipe, path, start=str(model), device="cpu")
        drain(run_training(job))
        alone[batch] = first_loss(path)
    assert recipe.batch == 2 * RECIPES["finetune"].batch
    assert first_loss(output) == pytest.approx(alone[8], rel=ROUNDING)
    assert first_loss(output) != pytest.approx(alone[4], rel=ROUNDING)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT")
@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)],
    ids=["the first is ended", "Ctrl+C ends both"],
)
def test_two_processes_stop_together(folders, tmp_path, number, send):
    output = tmp_path / "both.safetensors"
    source, target = folders
    command = [
        *(sys.executable, "-m", "napari_gan_enhance", "train"),
        *("--source", source, "--target", target, "-o", output),
        *("--recipe", "supervised", "--steps", "100000"),
        *("--set", 'config={"width":4}', "--set", "patch=64", "--set", "batch=1"),
        *("--set", "validate_every=2", "--device", "cpu", "--devices", "2"),
    ]
    with subprocess.Popen(
        [*map(str, command)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as first:
        seen = next(line for line in first.stderr if line.startswith("Step 2:"))
        send(first.pid, number)
        # To the end: both have closed it.
        said = [line for line in first.stderr if not line.startswith("Step ")]
        assert first.wait(60) == 130, (seen, said)
    assert said == [
        "'both.safetensors' is unfinished: --resume goes on with it.\n",
        "Stopped.\n",
    ]
    stored = torch.load(output.with_suffix(".resume"), weights_only=True)
    assert stored["training"]["step"] >= 2
