"""What a training held of a device goes back when it ends, however it ends."""

from __future__ import annotations

import weakref

import pytest
import torch

from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import loop, state
from napari_gan_enhance.training import run as run_module
from napari_gan_enhance.training.memory import returned_memory
from napari_gan_enhance.training.run import run_training


@pytest.fixture
def held(monkeypatch):
    """Say whether the network is there, each time the device is emptied."""
    networks, found = [], []
    learner = state._learner

    def noted(network, *arguments):
        networks.append(weakref.ref(network))
        return learner(network, *arguments)

    monkeypatch.setattr(state, "_learner", noted)
    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: found.append(networks[0]() is not None)
    )
    cuda = torch.device("cuda")
    monkeypatch.setattr(run_module, "returned_memory", lambda _: returned_memory(cuda))
    return found


def test_finished_training_gives_back_all(make_job, held):
    drain(run_training(make_job(recipe={"steps": 2})))
    assert held == [False]


def test_stopped_training_gives_back_all(make_job, held):
    run = run_training(make_job())
    next(r for r in run if r.done == 2)
    run.close()
    assert held == [False]


def test_lack_of_memory_gives_back_all(make_job, held, monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop, "update", fail)
    with pytest.raises(MemoryError, match="out of memory") as raised:
        drain(run_training(make_job()))
    assert held[-1] is False
    assert raised.value.__traceback__ is not None  # the error is still there
