"""The Train dock in a real viewer: pairs, a training in its child process, a model."""

from __future__ import annotations

import shutil
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QScrollArea
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.checkpoints.native import save_checkpoint
from napari_gan_enhance.errors import InputError, TrainingError
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.spec import ModelCard
from napari_gan_enhance.progress import Job, Progress, drain
from napari_gan_enhance.training import child
from napari_gan_enhance.training.events import Preview
from napari_gan_enhance.viewer.train_choices import TrainChoices
from napari_gan_enhance.viewer.train_preview import NAME
from napari_gan_enhance.viewer.train_run import KeptCheckpoint
from napari_gan_enhance.viewer.train_run import train as run_here
from napari_gan_enhance.widgets import _told, _train_pairs, train
from napari_gan_enhance.widgets._train_form import TrainForm
from napari_gan_enhance.widgets._use_in_enhance import PLUGIN, use_in_enhance
from napari_gan_enhance.widgets._worker import JobRunner
from napari_gan_enhance.widgets.train import TrainDock

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.viewer.train_run import Pause, TrainRequest

WAIT_MS = 60_000
"""Longer than starting a process that loads torch takes on a busy machine."""

SIDE = 128


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (_told, _train_pairs, train):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


@pytest.fixture
def shown(viewer: Viewer, rng: np.random.Generator) -> Viewer:
    """Two fields, each a blurred and noisy source and its target, aligned."""
    for name in ("one", "two"):
        sharp = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 2)
        sharp = 100 + 900 * np.clip(sharp / sharp.std(), 0, None)
        blurred = rng.poisson(gaussian_filter(sharp, 2)).astype(np.uint16)
        for side, pixels in (("source", blurred), ("target", sharp.astype(np.uint16))):
            viewer.add_image(
                pixels, name=f"{name} {side}", scale=(0.1, 0.1), units="micrometer"
            )
    return viewer


@pytest.fixture
def dock(
    shown: Viewer, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrainDock:
    monkeypatch.setenv("NAPARI_GAN_ENHANCE_MODELS", str(tmp_path / "models"))
    # On a busy machine a polite child waits for longer than a test does.
    monkeypatch.setattr(child, "NICENESS", 0)
    dock = TrainDock(shown)
    shown.window.add_dock_widget(dock, name="Train")
    dock.panel.form.show_choices(
        TrainChoices(start=str(checkpoint), budget="steps", steps=2, device="cpu")
    )
    return dock


def add_pair(dock: TrainDock, qtbot: QtBot, name: str) -> None:
    box, layers = dock.panel.pairs, dock._viewer.layers
    box.source.choose(layers[f"{name} source"])
    box.target.choose(layers[f"{name} target"])
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()


def trainings() -> list[psutil.Process]:
    """Return the processes that train for this one."""
    found = psutil.Process().children()
    return [p for p in found if "napari_gan_enhance.training.child" in p.cmdline()]


def keep_at_once(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Path, *previews: Preview
) -> None:
    """Let each training of a series keep one checkpoint without learning anything."""
    wanted = list(previews)

    def trained(request: TrainRequest, pause: Pause) -> Job[None]:
        shutil.copyfile(checkpoint, request.output)
        preview = wanted.pop(0) if wanted else None
        kept = KeptCheckpoint(request.output, 1, None, preview)
        yield Progress(1, 1, "training", detail=kept)

    monkeypatch.setattr(train, "train_in_child", trained)


def test_nothing_is_cut_off_where_the_form_scrolls(dock: TrainDock) -> None:
    window = dock._viewer.window._qt_window
    window.show()
    window.resize(700, 500)
    dock.panel.plot.show()
    for _ in range(3):
        QApplication.processEvents()
    (scroll,) = dock.panel.findChildren(QScrollArea)
    assert scroll.verticalScrollBar().isVisible()
    assert scroll.widget().width() <= scroll.viewport().width()


def test_a_long_name_does_not_hide_how_many_patches(
    dock: TrainDock, qtbot: QtBot
) -> None:
    dock._viewer.layers["one source"].name = "experiment 17 " * 10
    box = dock.panel.pairs
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()
    window = dock._viewer.window._qt_window
    window.show()
    QApplication.processEvents()
    assert box.list.horizontalScrollBar().maximum() == 0
    assert box.list.textElideMode() is Qt.TextElideMode.ElideMiddle
    assert box.list.item(0).toolTip() == box.list.item(0).text()


def train_to_the_end(dock: TrainDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.panel.start.click()


def test_pairs_of_layers_make_a_model_for_enhance(
    dock: TrainDock, qtbot: QtBot, told: list[str], tmp_path: Path
) -> None:
    assert not dock.panel.start.isEnabled()
    assert "add a pair" in dock.panel.reason.text()
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    # 128 x 128 pixels hold four patches of 64.
    assert dock.panel.pairs.list.item(0).text() == "one-source: 4 patches"
    assert dock.panel.pairs.report.text() == "two-source: 4 patches, none rejected."
    train_to_the_end(dock, qtbot)
    assert told == []
    panel = dock.panel
    assert "Done" in panel.progress.text.text()
    assert panel.strip.checkpoint is not None
    steps = [step for step, _ in panel.plot.points("psnr")]
    assert steps == [0, 2]
    assert [step for step, _ in panel.plot.points("total")]
    layers = dock._viewer.layers
    assert layers[NAME].scale == pytest.approx([0.1, 0.1])
    # Right of the images, which end at 12.75 µm.
    assert layers[NAME].translate[1] > SIDE * 0.1 - 0.1
    # Source, result and target of 128 pixels with gaps of 6: the best of two steps.
    assert layers[NAME].data.shape == (SIDE, 3 * SIDE + 2 * 6)
    result = layers[NAME].data[:, SIDE + 6 : -SIDE - 6]
    assert np.array_equal(result, panel.strip.checkpoint.preview.result[0])
    panel.strip.use.click()
    assert told == []
    # Away from the held-out region, to what is enhanced now.
    assert NAME not in layers
    assert layers.selection.active is layers["two source"]
    assert layers["two source"].visible
    assert not layers["two target"].visible  # it lies over the source
    kept = list((tmp_path / "models").iterdir())
    assert [p.suffix for p in kept] == [".safetensors"]
    _, enhance = dock._viewer.window.add_plugin_dock_widget(
        "napari-gan-enhance", "Enhance"
    )
    assert enhance.controls.model.choice.value == str(kept[0])
    assert enhance.controls.model.choice.error == ""


@pytest.mark.parametrize(
    ("reserved", "text"), [(1234 * 2**20 + 5, "GPU memory: 1234 MiB"), (0, "")]
)
def test_memory_that_torch_reserves_is_shown(
    dock: TrainDock,
    qtbot: QtBot,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    reserved: int,
    text: str,
) -> None:
    # In this process, where torch can be made to say so.
    monkeypatch.setattr(train, "train_in_child", lambda request, _: run_here(request))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda: reserved)
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    train_to_the_end(dock, qtbot)
    assert told == []
    assert dock.panel.memory.isHidden() is not bool(text)
    assert dock.panel.memory.text() == text


def test_pause_rests_and_stop_keeps_the_best(
    dock: TrainDock, qtbot: QtBot, told: list[str], config_folder: Path
) -> None:
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    panel = dock.panel
    panel.form.steps.setValue(1_000_000)
    panel.start.click()
    assert not panel.start.isEnabled()
    assert not panel.form.isEnabled()
    qtbot.waitUntil(lambda: len(panel.plot.points("total")) > 1, timeout=WAIT_MS)
    panel.pause.click()
    qtbot.waitUntil(lambda: "Paused" in panel.progress.text.text(), timeout=WAIT_MS)
    seen = panel.plot.points("total")[-1]
    qtbot.wait(300)
    assert panel.plot.points("total")[-1] == seen
    assert panel.pause.text() == "Go on"
    panel.pause.click()
    qtbot.waitUntil(lambda: panel.plot.points("total")[-1] > seen, timeout=WAIT_MS)
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        panel.stop.click()
    assert told == []
    assert "best so far is kept" in panel.progress.text.text()
    assert panel.strip.checkpoint.path.is_file()
    assert panel.start.isEnabled()
    # Settings come back in the next dock.
    again = TrainDock(dock._viewer)
    dock._viewer.window.add_dock_widget(again, name="Train again")
    assert again.panel.form.choices() == panel.form.choices()
    again.panel.defaults.click()
    assert again.panel.form.choices().steps == TrainChoices().steps
    # What the tutorial begins with.
    assert again.panel.form.choices().start == "widefield-to-confocal"


def test_a_preview_that_was_removed_stays_away(dock: TrainDock, qtbot: QtBot) -> None:
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    panel, layers = dock.panel, dock._viewer.layers
    panel.form.steps.setValue(1_000_000)
    panel.start.click()
    qtbot.waitUntil(lambda: NAME in layers, timeout=WAIT_MS)
    layers.remove(layers[NAME])
    looks = len(panel.plot.points("psnr"))
    qtbot.waitUntil(
        lambda: len(panel.plot.points("psnr")) >= looks + 2, timeout=WAIT_MS
    )
    assert NAME not in layers
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        panel.stop.click()
    assert NAME not in layers
    # Who moves the slider wants to see it.
    panel.strip.chosen.emit(panel.strip.checkpoint)
    assert NAME in layers


def test_closing_ends_the_training_and_leaves_nothing(
    dock: TrainDock, qtbot: QtBot
) -> None:
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    panel, viewer = dock.panel, dock._viewer
    panel.form.steps.setValue(1_000_000)
    panel.start.click()
    qtbot.waitUntil(lambda: panel.strip.checkpoint is not None, timeout=WAIT_MS)
    assert len(trainings()) == 1
    folder = panel.strip.checkpoint.path.parents[1]
    assert folder.is_dir()
    viewer.window.remove_dock_widget(dock)
    assert NAME not in viewer.layers
    qtbot.waitUntil(lambda: not trainings(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not folder.exists(), timeout=WAIT_MS)


def test_closing_the_viewer_ends_the_training(dock: TrainDock, qtbot: QtBot) -> None:
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    dock.panel.form.steps.setValue(1_000_000)
    dock.panel.start.click()
    qtbot.waitUntil(lambda: dock.panel.strip.checkpoint is not None, timeout=WAIT_MS)
    assert len(trainings()) == 1
    dock._viewer.close()
    qtbot.waitUntil(lambda: not trainings(), timeout=WAIT_MS)


def test_pairs_are_saved_opened_and_removed(
    dock: TrainDock, qtbot: QtBot, told: list[str], tmp_path: Path
) -> None:
    add_pair(dock, qtbot, "one")
    box = dock.panel.pairs
    folder = tmp_path / "mine"
    folder.mkdir()
    drain(box.pairs.save(folder))
    assert [row.text for row in box.pairs.rows()] == ["mine: 1 pair (folder)"]
    assert not box.pairs.has_unsaved
    box.pairs.remove(box.pairs.rows()[0])
    assert box.pairs.rows() == []
    assert len(list((folder / "source").iterdir())) == 1  # the user's files stay
    box.pairs.open(folder)
    with pytest.raises(InputError, match="is in the list"):
        box.pairs.open(folder)
    with pytest.raises(InputError, match="is no data set"):
        box.pairs.open(tmp_path)
    with pytest.raises(InputError, match="No pair was cut"):
        drain(box.pairs.save(tmp_path / "other"))
    add_pair(dock, qtbot, "two")
    with pytest.raises(InputError, match="is not empty"):
        drain(box.pairs.save(folder))
    box.list.setCurrentRow(0)
    box.remove.click()
    assert [row.text for row in box.pairs.rows()] == ["mine: 1 pair (folder)"]
    assert told == []


def test_layers_count_once(dock: TrainDock, qtbot: QtBot, told: list[str]) -> None:
    box = dock.panel.pairs
    add_pair(dock, qtbot, "one")
    assert told == []
    add_pair(dock, qtbot, "one")
    assert "'one source' is in pair 'one-source' already" in told[0]
    assert [row.field for row in box.pairs.rows()] == ["one-source"]
    box.list.setCurrentRow(0)
    box.remove.click()
    add_pair(dock, qtbot, "one")
    assert len(told) == 1
    assert [row.field for row in box.pairs.rows()] == ["one-source"]


def test_channels_of_a_layer_are_pairs_each(
    dock: TrainDock, qtbot: QtBot, told: list[str]
) -> None:
    box, layers = dock.panel.pairs, dock._viewer.layers
    for side, choice in (("source", box.source), ("target", box.target)):
        both = np.stack([layers[f"{name} {side}"].data for name in ("one", "two")])
        choice.choose(dock._viewer.add_image(both, axis_labels=("c", "y", "x")))
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()
    assert "8 patches in 2 of 2 channels, none rejected" in box.report.text()
    box.target.choose(layers["one target"])
    box.add.click()
    assert "has 2 channels, 'one target' 1 - a pair needs as many" in told[-1]
    assert "keep the rest in one layer" in told[-1]  # two pairs of one place would leak


def test_layers_that_do_not_correlate_are_no_pair(
    dock: TrainDock, qtbot: QtBot, told: list[str], rng: np.random.Generator
) -> None:
    box, layers = dock.panel.pairs, dock._viewer.layers
    box.source.choose(layers["one source"])
    box.target.choose(layers["one source"])
    box.add.click()
    assert "a pair is made of two layers" in told[0]
    noise = rng.poisson(50, (SIDE, SIDE)).astype(np.uint16)
    box.target.choose(dock._viewer.add_image(noise, scale=(0.1, 0.1), units="um"))
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()
    assert "correlate" in box.report.text()
    assert box.pairs.rows() == []
    assert box.add.isEnabled()


def test_error_of_the_training_is_told(
    dock: TrainDock, qtbot: QtBot, told: list[str]
) -> None:
    # A single field of 128 pixels cannot be split around the band between.
    add_pair(dock, qtbot, "one")
    dock.panel.form.beginning.setCurrentIndex(1)
    train_to_the_end(dock, qtbot)
    assert "cannot be split" in told[0]
    assert dock.panel.start.isEnabled()
    assert dock.panel.strip.isHidden()
    assert dock.panel.plot.isHidden()


def test_held_out_region_is_no_image_to_work_on(
    dock: TrainDock, qtbot: QtBot, told: list[str]
) -> None:
    """Pairs are here, their layers are closed: only the region and a new field are."""
    viewer, panel = dock._viewer, dock.panel
    _, enhance = viewer.window.add_plugin_dock_widget("napari-gan-enhance", "Enhance")
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    viewer.layers.clear()
    train_to_the_end(dock, qtbot)
    assert NAME in viewer.layers
    new = viewer.add_image(np.zeros((SIDE, SIDE), np.uint16), name="a new field")
    assert panel.pairs.source.layer() is new
    assert enhance.controls.layer.layer() is new
    panel.strip.use.click()
    assert told == []
    assert NAME not in viewer.layers
    assert enhance.controls.layer.layer() is new


def test_held_out_region_leaves_the_choice_of_other_docks(
    dock: TrainDock, qtbot: QtBot
) -> None:
    viewer = dock._viewer
    _, enhance = viewer.window.add_plugin_dock_widget("napari-gan-enhance", "Enhance")
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    both = {viewer.layers["two source"], viewer.layers["two target"]}
    enhance.controls.layer.choose(viewer.layers["two source"])
    viewer.layers.selection = both
    train_to_the_end(dock, qtbot)
    assert NAME in viewer.layers
    assert set(viewer.layers.selection) == both
    viewer.layers.remove(viewer.layers[NAME])
    assert enhance.controls.layer.layer() is viewer.layers["two source"]


def test_only_a_target_that_lies_over_the_source_is_hidden(
    dock: TrainDock, qtbot: QtBot
) -> None:
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    aside = dock._viewer.add_image(np.zeros((8, 8)), translate=(900, 900))
    dock.panel.pairs.target.choose(aside)
    train_to_the_end(dock, qtbot)
    dock.panel.strip.use.click()
    assert aside.visible


def test_enhance_at_work_is_left_alone(
    dock: TrainDock, qtbot: QtBot, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    train_to_the_end(dock, qtbot)
    _, enhance = dock._viewer.window.add_plugin_dock_widget(
        "napari-gan-enhance", "Enhance"
    )
    model = enhance.controls.model.choice
    monkeypatch.setattr(JobRunner, "is_running", True)
    dock.panel.strip.use.click()
    assert "Enhance dock is at work" in told[0]
    assert enhance.controls.model.choice is model


def test_a_data_set_that_is_away_does_not_block_the_dock(
    dock: TrainDock, qtbot: QtBot, told: list[str], tmp_path: Path
) -> None:
    add_pair(dock, qtbot, "one")
    add_pair(dock, qtbot, "two")
    panel, folder = dock.panel, tmp_path / "mine"
    drain(panel.pairs.pairs.save(folder))
    panel.pairs.refresh()
    panel.form.steps.setValue(1_000_000)
    panel.start.click()
    qtbot.waitUntil(lambda: panel.strip.checkpoint is not None, timeout=WAIT_MS)
    (folder / "pairs.json").write_text("{}")
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        panel.stop.click()
    assert panel.start.isEnabled()
    assert panel.pairs.isEnabled()
    panel.pairs.refresh()
    assert panel.pairs.list.item(0).text() == "mine: cannot be read (folder)"
    train_to_the_end(dock, qtbot)
    assert "describes no data set" in told[0]
    panel.pairs.list.setCurrentRow(0)
    panel.pairs.remove.click()
    assert panel.pairs.list.count() == 0


def test_checkpoints_of_an_earlier_training_stay(dock: TrainDock, qtbot: QtBot) -> None:
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    strip = dock.panel.strip
    train_to_the_end(dock, qtbot)
    first = strip.checkpoint
    assert strip.text.text().startswith(("Step", "Start"))
    train_to_the_end(dock, qtbot)
    second = strip.checkpoint
    assert second is not first
    assert strip.text.text().startswith("Training 2, ")
    strip.slider.setValue(0)
    assert strip.text.text().startswith("Training 1, ")
    assert strip.checkpoint.path.is_file()
    assert first.path.is_file()
    # Nothing can take up a training whose folder goes with the dock.
    assert list(first.path.parents[1].rglob("*.resume*")) == []


def test_stop_ends_the_cutting_and_keeps_nothing(
    dock: TrainDock, qtbot: QtBot, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = dock.panel.pairs
    cutting = Event()

    def slowly(*_: object) -> Job[None]:
        while True:
            cutting.set()
            yield Progress(1, 2, "cutting pairs")

    with monkeypatch.context() as patch:
        patch.setattr(box.pairs, "add_layers", slowly)
        box.add.click()
        qtbot.waitUntil(cutting.is_set, timeout=WAIT_MS)
        assert box.add.text() == "Stop"
        assert not dock.panel.start.isEnabled()
        with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
            box.add.click()
    assert box.report.text() == "Stopped: nothing was added or saved."
    assert box.add.text() == "Add pair"
    add_pair(dock, qtbot, "one")
    assert box.list.count() == 1
    assert told == []


def test_saving_runs_beside_the_window(
    dock: TrainDock, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, folder = dock.panel.pairs, tmp_path / "mine"
    add_pair(dock, qtbot, "one")
    monkeypatch.setattr(
        _train_pairs.QFileDialog, "getExistingDirectory", lambda *_: str(folder)
    )
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.save.click()
    assert box.report.text() == f"Saved in {str(folder)!r}."
    assert box.list.item(0).text() == "mine: 1 pair (folder)"


def test_closing_the_dock_lets_saving_end(
    dock: TrainDock, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, folder = dock.panel.pairs, tmp_path / "mine"
    add_pair(dock, qtbot, "one")
    held, copy = Event(), shutil.copyfile

    def late(*files: Path) -> None:
        held.wait(WAIT_MS / 1000)
        copy(*files)

    monkeypatch.setattr(shutil, "copyfile", late)
    monkeypatch.setattr(
        _train_pairs.QFileDialog, "getExistingDirectory", lambda *_: str(folder)
    )
    box.save.click()
    kept = box.pairs._keep
    dock._viewer.window.remove_dock_widget(dock)
    held.set()
    qtbot.waitUntil(lambda: not kept.exists(), timeout=WAIT_MS)
    names = {path.name for path in folder.iterdir()}
    assert names == {"source", "target", "pairs.json"}


def test_time_point_that_is_taken_is_named(dock: TrainDock, qtbot: QtBot) -> None:
    box, viewer = dock.panel.pairs, dock._viewer
    for side, field in (("source", box.source), ("target", box.target)):
        series = np.stack([viewer.layers[f"{n} {side}"].data for n in ("one", "two")])
        field.choose(viewer.add_image(series, axis_labels=("t", "y", "x")))
    viewer.dims.set_current_step(0, 1)
    with qtbot.waitSignal(box.runner.idle, timeout=WAIT_MS):
        box.add.click()
    assert "4 patches of time point 1 alone, none rejected" in box.report.text()


def test_start_model_must_take_what_was_cut(
    dock: TrainDock, qtbot: QtBot, tmp_path: Path
) -> None:
    network = {"in_channels": 3, "out_channels": 3, "width": 4, "depth": 2}
    spec = spec_of("residual-unet", network, low_percentile=3, high_percentile=99.8)
    weights = build_network("residual-unet", network).state_dict()
    save_checkpoint(tmp_path / "colors.safetensors", weights, spec, ModelCard())
    add_pair(dock, qtbot, "one")
    dock.panel.form.model.choose(str(tmp_path / "colors.safetensors"))
    assert not dock.panel.start.isEnabled()
    assert "takes 3 channels and gives 3" in dock.panel.reason.text()
    dock.panel.form.beginning.setCurrentIndex(1)
    assert dock.panel.start.isEnabled()


def test_start_model_comes_back_after_a_training_from_scratch(
    dock: TrainDock, checkpoint: Path
) -> None:
    form = dock.panel.form
    form.beginning.setCurrentIndex(1)
    kept = form.choices()
    assert kept.is_from_scratch
    form.show_choices(TrainChoices())
    form.show_choices(kept)
    assert form.is_from_scratch
    form.beginning.setCurrentIndex(0)
    assert form.choices().start == str(checkpoint)


def test_folder_of_temporary_files_that_is_cleared_is_told(
    dock: TrainDock,
    qtbot: QtBot,
    told: list[str],
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_at_once(monkeypatch, checkpoint)
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
    train_to_the_end(dock, qtbot)
    strip, box = dock.panel.strip, dock.panel.pairs
    shutil.rmtree(strip.checkpoint.path.parents[1])
    monkeypatch.setattr(train, "ask_save", lambda *_: tmp_path / "mine.safetensors")
    for button in (strip.use, strip.save):
        button.click()
        assert "is gone" in told[-1]
        assert "train again" in told[-1]
    box.remove.click()
    assert len(told) == 2
    assert box.list.count() == 0


def test_enhance_comes_back_that_was_hidden(
    viewer: Viewer, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_GAN_ENHANCE_MODELS", str(tmp_path / "models"))
    frame, _ = viewer.window.add_plugin_dock_widget(PLUGIN, "Enhance")
    frame.hide()
    use_in_enhance(viewer, checkpoint, None, None)
    assert not frame.isHidden()


def test_enhance_gets_the_layers_of_the_training_or_none(
    dock: TrainDock, qtbot: QtBot, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, panel = dock._viewer, dock.panel
    _, enhance = viewer.window.add_plugin_dock_widget(PLUGIN, "Enhance")
    keep_at_once(monkeypatch, checkpoint)
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
        train_to_the_end(dock, qtbot)
    panel.strip.slider.setValue(0)
    panel.strip.use.click()
    assert enhance.controls.layer.layer() is viewer.layers["one source"]
    assert not viewer.layers["one target"].visible
    panel.strip.slider.setValue(1)
    enhance.controls.layer.choose(viewer.layers["one target"])
    viewer.layers.remove("two source")
    panel.strip.use.click()  # neither what the list fell to nor the target
    assert enhance.controls.layer.layer() is viewer.layers["one target"]
    assert viewer.layers["two target"].visible


def test_default_stands_in_for_a_start_model_that_is_gone(
    qtbot: QtBot, tmp_path: Path
) -> None:
    form = TrainForm(TrainChoices(start=str(tmp_path / "gone.safetensors")))
    qtbot.addWidget(form)
    assert form.choices().start == "widefield-to-confocal"


def region(rng: np.random.Generator, gain: float = 1) -> Preview:
    sides = [gain * rng.random((1, 40, 40), np.float32) for _ in range(3)]
    return Preview("a.tif", *sides, 1.0)


def test_result_of_the_checkpoint_kept_stays_when_a_training_fails(
    dock: TrainDock,
    qtbot: QtBot,
    told: list[str],
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    def failed(request: TrainRequest, pause: Pause) -> Job[None]:
        yield Progress(0, 1, "training")
        raise TrainingError("nothing was learned")

    kept = region(rng)
    keep_at_once(monkeypatch, checkpoint, kept)
    add_pair(dock, qtbot, "one")
    train_to_the_end(dock, qtbot)
    monkeypatch.setattr(train, "train_in_child", failed)
    train_to_the_end(dock, qtbot)
    assert told == ["nothing was learned"]
    shown = dock._viewer.layers[NAME].data
    assert np.array_equal(shown[:, 42:82], kept.result[0])  # a gap of 2 before it


def test_start_tells_of_pairs_that_were_cleared(
    dock: TrainDock, qtbot: QtBot, told: list[str]
) -> None:
    add_pair(dock, qtbot, "one")
    shutil.rmtree(dock.panel.pairs.pairs.folders[0])
    dock.panel.start.click()
    assert told == ["No pairs yet: choose two aligned layers and add a pair."]
    assert dock.panel.pairs.list.count() == 0
    assert not dock.panel.start.isEnabled()


def test_report_goes_with_what_it_speaks_of(
    dock: TrainDock, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = dock.panel.pairs
    for side in ("source", "target"):
        (tmp_path / "mine" / side).mkdir(parents=True)
    monkeypatch.setattr(
        _train_pairs.QFileDialog,
        "getExistingDirectory",
        lambda *_: str(tmp_path / "mine"),
    )
    for button in (box.open, box.remove):
        add_pair(dock, qtbot, "one")
        assert "4 patches" in box.report.text()
        button.click()
        assert box.report.text() == ""
        box.list.setCurrentRow(0)
        box.remove.click()


def test_slider_brings_back_the_look_of_an_earlier_training(
    dock: TrainDock,
    qtbot: QtBot,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    layers, panel = dock._viewer.layers, dock.panel
    for side in ("source", "target"):
        layers[f"two {side}"].scale = (0.3, 0.3)
    keep_at_once(monkeypatch, checkpoint, region(rng), region(rng, gain=20))
    seen = []
    for name in ("one", "two"):
        add_pair(dock, qtbot, name)
        train_to_the_end(dock, qtbot)
        seen.append((list(layers[NAME].scale), layers[NAME].contrast_limits))
    assert [scale for scale, _ in seen] == [[0.1, 0.1], [0.3, 0.3]]
    for index in (0, 1):
        panel.strip.slider.setValue(index)
        assert (list(layers[NAME].scale), layers[NAME].contrast_limits) == seen[index]
