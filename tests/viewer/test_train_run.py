"""What the dock asks of a training, beside what the command line does."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.progress import Progress, drain
from napari_gan_enhance.training import run
from napari_gan_enhance.training.events import Saved, Validated
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.simulation import SimulationSettings, simulate
from napari_gan_enhance.viewer.train_choices import RECIPES, TrainChoices
from napari_gan_enhance.viewer.train_run import TrainRequest, recipe_of, train

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.training.run import TrainingJob


@pytest.mark.parametrize("name", RECIPES)
def test_crops_of_one_sharp_image_are_one_field(
    tmp_path: Path, rng: np.random.Generator, name: str
) -> None:
    sharp = tmp_path / "nice.tif"
    tifffile.imwrite(sharp, rng.integers(0, 255, (80, 80), dtype=np.uint8))
    settings = SimulationSettings(fields=2, size=64, sharp_share=1.0)
    data = drain(simulate(tmp_path / "data", settings, [sharp]))
    recipe = recipe_of(TrainChoices(recipe=name))
    pairs = find_pairs(data / "source", data / "target", recipe.field_pattern)
    assert [pair.field for pair in pairs] == ["nice", "nice"]


@pytest.mark.parametrize(
    ("name", "plateau", "stop"),
    [
        ("finetune", 10 * 50, 5 * 50),
        ("panek", 10 * 500, None),
        ("supervised", 10 * 500, None),
        ("panek-paper", 10 * 2_000, None),
    ],
)
def test_patience_lasts_as_many_steps_as_on_the_command_line(
    name: str, plateau: int, stop: int | None
) -> None:
    recipe = recipe_of(TrainChoices(recipe=name))
    assert recipe.validate_every <= 100
    assert recipe.plateau_patience * recipe.validate_every == plateau
    patience = recipe.stop_patience
    assert (patience and patience * recipe.validate_every) == stop


def trained(job: TrainingJob) -> Job[None]:
    """Be a training whose step 5 is the best, and whose card is written at the end."""
    looked = Validated(5, {}, None, True, 5, 1e-3, None)
    job.output.write_bytes(b"best")
    yield Progress(5, 5, "training", detail=looked)
    yield Progress(5, 5, "training", detail=Saved(job.output, 5, 1.0))
    job.output.write_bytes(b"best, with scores")


@pytest.mark.parametrize(("room", "kept"), [(0, []), (1, [b"best"])])
def test_full_disk_is_told_and_spares_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, kept: list[bytes]
) -> None:
    copy, copies = shutil.copyfile, []

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"be")
        if len(copies) == room:
            raise OSError(errno.ENOSPC, "")
        copies.append(copy(source, target))

    monkeypatch.setattr(run, "run_training", trained)
    monkeypatch.setattr(shutil, "copyfile", full)
    request = TrainRequest((tmp_path,), TrainChoices(), tmp_path / "mine.safetensors")
    with pytest.raises(OutputError, match=r"'mine-step-5.safetensors' .* free some"):
        drain(train(request))
    found = [p.read_bytes() for p in tmp_path.iterdir() if p != request.output]
    assert found == kept
