"""Two processes train like one with the doubled batch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROUNDING = 1e-8
"""Relative, in float64: sums over the batch are taken in another order."""

LOSSES = ("total", "pixel", "dissimilarity", "adversarial", "discriminator")


@pytest.fixture
def trained(folders, tmp_path):
    script = Path(__file__).with_name("ranks.py")

    def run(devices, batch):
        done = subprocess.run(
            [
                *(sys.executable, script, *folders, tmp_path),
                *(str(devices), str(batch)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return [
            (
                torch.load(tmp_path / f"{devices}-{rank}.pt", weights_only=True),
                json.loads((tmp_path / f"{devices}-{rank}.json").read_text()),
            )
            for rank in range(devices)
        ]

    return run


def test_two_processes_are_one_with_the_doubled_batch(trained):
    first, second = trained(devices=2, batch=1)
    (alone,) = trained(devices=1, batch=2)
    for ours, theirs in zip(first[0]["learners"], second[0]["learners"], strict=True):
        for name, weight in ours["network"].items():
            assert torch.equal(weight, theirs["network"][name]), name
    curves = [[[row[n] for n in LOSSES] for row in run[1]] for run in (first, alone)]
    # The process alone reads less often; the windows of the history are the same.
    assert curves[0][0] == pytest.approx(curves[1][0], rel=ROUNDING)
    history = [run[0]["history"][1:] for run in (first, alone)]
    assert [row["step"] for row in history[0]] == [3, 6]
    for ours, theirs in zip(*history, strict=True):
        values = [[row[name] for name in LOSSES] for row in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], rel=ROUNDING)
