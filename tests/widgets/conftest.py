"""A real viewer with the real Enhance dock, and a tiny random generator."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_gan_enhance.progress import Progress
from napari_gan_enhance.tiling.region import WrittenRegion
from napari_gan_enhance.viewer.runs import ResultFinished, ResultStarted
from napari_gan_enhance.widgets import _run_panel, enhance
from napari_gan_enhance.widgets.enhance import EnhanceDock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.runs import RunRequest

WAIT_MS = 20_000
"""Longer than any run here takes on a busy machine."""


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of two levels with random weights."""
    import torch

    from napari_gan_enhance.checkpoints.native import save_checkpoint
    from napari_gan_enhance.models.registry import build_network, spec_of
    from napari_gan_enhance.models.spec import ModelCard

    torch.manual_seed(1)
    config = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 1}
    network = build_network("residual-unet", config)
    card = ModelCard(name="tiny", summary="Random weights.", licence="CC0")
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    spec = spec_of("residual-unet", config)
    return save_checkpoint(path, network.state_dict(), spec, card)


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep settings away from the user's own."""
    folder = tmp_path / "config"
    monkeypatch.setenv("NAPARI_GAN_ENHANCE_CONFIG", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Let jobs end that a closed window has left behind, before Qt goes away."""
    yield
    QThreadPool.globalInstance().waitForDone(WAIT_MS)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was told in notifications."""
    messages: list[str] = []
    for name in ("show_error", "show_warning"):
        monkeypatch.setattr(_run_panel, name, messages.append)
    return messages


@pytest.fixture
def viewer(make_napari_viewer: Callable[[], Viewer]) -> Viewer:
    return make_napari_viewer()


@pytest.fixture
def cells(viewer: Viewer, rng: np.random.Generator) -> Image:
    pixels = rng.poisson(100, (64, 96)).astype(np.uint16)
    return viewer.add_image(
        pixels, name="cells", scale=(0.1, 0.1), units="micrometer", colormap="green"
    )


@pytest.fixture
def dock(viewer: Viewer, cells: Image, checkpoint: Path) -> EnhanceDock:
    """A dock that is ready to enhance `cells`, without Richardson-Lucy."""
    return add_dock(viewer, checkpoint)


def add_dock(viewer: Viewer, checkpoint: Path) -> EnhanceDock:
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock, name="Enhance")
    dock.controls.model.choose(str(checkpoint))
    dock.controls.deconvolve.setChecked(False)
    return dock


@dataclass
class HeldRun:
    """A run that waits after its first tile until it is let go."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    request: RunRequest | None = None

    def __call__(self, request: RunRequest) -> Job[None]:
        self.request = request
        micrograph = request.micrograph
        pixels = np.full(micrograph.shape, np.nan, np.float32)
        whole = {
            a: slice(0, n)
            for a, n in zip(micrograph.axes, micrograph.shape, strict=True)
        }
        started = ResultStarted("enhanced", "enhanced: held", pixels, 1, whole)
        result = micrograph.with_pixels(pixels)
        try:
            yield Progress(0, 2, "enhancing", detail=started)
            pixels[: len(pixels) // 2] = 1
            yield Progress(1, 2, "enhancing", 7.0, detail=WrittenRegion({}))
            self.reached.set()
            self.go_on.wait(WAIT_MS / 1000)
            pixels[len(pixels) // 2 :] = 2
            yield Progress(2, 2, "enhancing", 0.0, detail=WrittenRegion({}))
            yield Progress(1, 1, "done", detail=ResultFinished("enhanced", result))
        finally:
            self.closed.set()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldRun:
    run = HeldRun()
    monkeypatch.setattr(enhance, "run", run)
    return run


@pytest.fixture
def running(dock: EnhanceDock, held: HeldRun, qtbot: QtBot) -> Iterator[HeldRun]:
    """A run in the dock that has shown its first tile and waits."""
    dock.panel.button.click()
    qtbot.waitUntil(held.reached.is_set, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "7 s" in dock.panel.progress.text.text(), timeout=WAIT_MS)
    yield held
    held.go_on.set()  # or the thread waits for its time limit
