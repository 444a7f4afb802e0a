"""Runs of the real dock in a real viewer: each way to end ends idle."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils import progress

from napari_gan_enhance.progress import Progress, drain
from napari_gan_enhance.tiling.region import WrittenRegion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.widgets.enhance import EnhanceDock

WAIT_MS = 20_000
"""Longer than any run here takes on a busy machine."""

FLOAT32_ROUNDING = 1e-3
"""Two sums of the same numbers in another order, on a scale of about 100."""


def run_to_idle(dock: EnhanceDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()


def names(viewer: Viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def assert_idle(dock: EnhanceDock) -> None:
    assert dock.panel.button.text() == "Enhance"
    assert dock.panel.button.isEnabled()
    assert dock.controls.isEnabled()
    assert not dock.panel.runner.is_running
    assert not dock.panel.progress.bar.isVisibleTo(dock)


def fill_optics(dock: EnhanceDock) -> None:
    dock.controls.deconvolve.setChecked(True)
    for name, text in (
        ("numerical_aperture", "0.8"),
        ("immersion_index", "1"),
        ("emission_nm.0", "520"),
    ):
        field = dock.controls.optics.fields[name]
        field.clear()
        field.insert(text)
        field.textEdited.emit(text)


def test_run_adds_both_results_over_the_source(
    dock: EnhanceDock, viewer: Viewer, cells: Image, qtbot: QtBot, told: list[str]
) -> None:
    fill_optics(dock)
    cells.contrast_limits = (80, 130)
    run_to_idle(dock, qtbot)
    assert told == []
    assert names(viewer) == [
        "cells",
        "cells [enhanced: tiny]",
        "cells [deconvolved: RL 10]",
    ]
    for layer in viewer.layers[1:]:
        assert layer.data.dtype == np.float32
        assert layer.data.shape == cells.data.shape
        assert np.isfinite(layer.data).all()
        assert layer.extent.world.tolist() == cells.extent.world.tolist()
        assert [str(u) for u in layer.units] == ["micrometer"] * 2
        assert layer.colormap.name == "green"
    for result in viewer.layers[1:]:
        low, high = result.contrast_limits
        assert low < high
        white = [np.mean(x.data > x.contrast_limits[1]) for x in (cells, result)]
        assert white[0] == pytest.approx(white[1], abs=0.01)
    assert_idle(dock)


def test_result_that_was_filled_says_that_its_pixels_are_others(
    running: Any, dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    """A line profile keeps what it read of a result on disk until it hears of it."""
    seen: list[float] = []
    layer = viewer.layers["cells [enhanced: held]"]
    layer.events.data.connect(lambda event: seen.append(float(layer.data[-1, -1])))
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert seen == [2]  # once, after the last tile


def test_result_is_what_the_job_gives_without_a_dock(
    dock: EnhanceDock, viewer: Viewer, cells: Image, checkpoint: Path, qtbot: QtBot
) -> None:
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.models.enhance import enhance
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.viewer.layers import micrograph_from_layer

    run_to_idle(dock, qtbot)
    generator = load_generator(checkpoint, device="cpu")
    job = enhance(micrograph_from_layer(cells), generator, EnhanceSettings())
    np.testing.assert_allclose(
        viewer.layers[1].data, drain(job).pixels, atol=FLOAT32_ROUNDING
    )


def test_result_knows_its_model_and_its_source(
    dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    run_to_idle(dock, qtbot)
    kept = viewer.layers[1].metadata["napari_gan_enhance"]
    assert kept.provenance["model"]["name"] == "tiny"
    assert kept.provenance["source"] == "cells"
    assert kept.voxel_size_um.x == 0.1


def test_second_run_never_replaces_the_first(
    dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    run_to_idle(dock, qtbot)
    first = viewer.layers[1]
    run_to_idle(dock, qtbot)
    assert names(viewer)[1:] == [
        "cells [enhanced: tiny]",
        "cells [enhanced: tiny] [1]",
    ]
    assert viewer.layers[1] is first


def test_source_stays_chosen_and_selected(
    dock: EnhanceDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    run_to_idle(dock, qtbot)
    assert viewer.layers.selection.active is cells
    viewer.layers.selection.active = viewer.layers[1]
    assert dock.controls.layer.layer() is cells


def test_tiles_are_shown_while_the_run_lasts(
    dock: EnhanceDock, running: object, viewer: Viewer
) -> None:
    assert names(viewer) == ["cells", "cells [enhanced: held]"]
    assert dock.panel.button.text() == "Cancel"
    assert not dock.controls.isEnabled()
    assert dock.panel.progress.bar.value() == 1
    assert "1 of 2 tiles" in dock.panel.progress.text.text()


def test_first_tile_in_view_is_drawn_without_waiting_for_the_timer(
    dock: EnhanceDock, running: Any, viewer: Viewer
) -> None:
    panel, drawn = dock.panel, []
    seen = Progress(1, 2, "enhancing", detail=WrittenRegion({"Y": slice(0, 9)}))
    away = Progress(1, 2, "enhancing", detail=WrittenRegion({"Y": slice(-9, 0)}))
    panel._redraw.setTimeout(WAIT_MS)  # what a slow upload leads to
    panel._redraw.throttle()
    viewer.layers[1].events.set_data.connect(lambda: drawn.append(1))
    panel._look()  # the view has moved
    for report, times in ((away, 0), (seen, 1), (seen, 1)):
        panel.runner.reported.emit(report)
        assert len(drawn) == times
    running.go_on.set()


def test_progress_is_in_the_activity_dock_until_the_end(
    dock: EnhanceDock, running: object, qtbot: QtBot
) -> None:
    bars = progress._all_instances
    qtbot.waitUntil(lambda: [b.n for b in bars] == [1], timeout=WAIT_MS)
    assert [bar.total for bar in bars] == [2]
    running.go_on.set()
    qtbot.waitUntil(lambda: len(bars) == 0, timeout=WAIT_MS)


def test_cancel_takes_the_unfinished_result_away(
    dock: EnhanceDock, running: object, viewer: Viewer, qtbot: QtBot
) -> None:
    dock.panel.button.click()
    assert dock.panel.button.text() == "Cancelling…"
    assert not dock.panel.button.isEnabled()
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert running.closed.is_set()
    assert names(viewer) == ["cells"]
    assert dock.panel.progress.text.text() == "Cancelled."
    assert_idle(dock)


def test_error_is_told_in_one_sentence(
    dock: EnhanceDock, viewer: Viewer, qtbot: QtBot, told: list[str]
) -> None:
    layer = viewer.add_image(np.full((32, 32), np.nan, np.float32), name="broken")
    dock.controls.layer.choose(layer)
    run_to_idle(dock, qtbot)
    assert len(told) == 1
    assert "NaN or infinite" in told[0]
    assert dock.panel.progress.text.text() == told[0]
    assert names(viewer) == ["cells", "broken"]
    assert_idle(dock)


def test_error_in_the_second_step_keeps_the_first_result(
    dock: EnhanceDock,
    viewer: Viewer,
    qtbot: QtBot,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_gan_enhance.errors import DeviceError
    from napari_gan_enhance.optics import deconvolve

    def failing(*args: object, **kwargs: object) -> object:
        raise DeviceError("no memory")
        yield

    monkeypatch.setattr(deconvolve, "deconvolve", failing)
    fill_optics(dock)
    run_to_idle(dock, qtbot)
    assert told == ["no memory"]
    assert names(viewer) == ["cells", "cells [enhanced: tiny]"]
    assert_idle(dock)


def test_deleting_the_source_stops_the_run(
    dock: EnhanceDock,
    running: object,
    viewer: Viewer,
    cells: Image,
    told: list[str],
    qtbot: QtBot,
) -> None:
    viewer.layers.remove(cells)
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert len(told) == 1
    assert told[0].startswith("Layer 'cells' was deleted during the run")
    assert len(viewer.layers) == 0
    assert dock.panel.button.text() == "Enhance"


def test_deleting_the_unfinished_result_stops_the_run(
    dock: EnhanceDock,
    running: object,
    viewer: Viewer,
    told: list[str],
    qtbot: QtBot,
) -> None:
    viewer.layers.pop()
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert told[0].startswith("Layer 'cells [enhanced: held]' was deleted")
    assert names(viewer) == ["cells"]
    assert_idle(dock)


def test_closing_the_dock_stops_the_run_and_disconnects(
    dock: EnhanceDock, running: object, viewer: Viewer, told: list[str], qtbot: QtBot
) -> None:
    viewer.window.remove_dock_widget(dock)
    assert names(viewer) == ["cells"]
    assert len(progress._all_instances) == 0
    running.go_on.set()
    qtbot.waitUntil(running.closed.is_set, timeout=WAIT_MS)
    # Nothing of the dock, which Qt has deleted by now, acts on the viewer any more.
    viewer.add_image(np.zeros((8, 8)), name="later")
    viewer.layers.remove("cells")
    viewer.dims.ndisplay = 3
    assert told == []


def test_closing_the_viewer_stops_the_run(
    dock: EnhanceDock, running: object, viewer: Viewer, qtbot: QtBot
) -> None:
    viewer.close()
    running.go_on.set()
    qtbot.waitUntil(running.closed.is_set, timeout=WAIT_MS)


def test_napari_asks_before_a_running_job_is_closed(
    dock: EnhanceDock, running: object, viewer: Viewer, qtbot: QtBot
) -> None:
    tasks = viewer.window._task_status_manager
    assert any("Enhancing 'cells'" in text for text in tasks.get_status())
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert tasks.get_status() == []


def test_closed_dock_is_freed(
    make_napari_viewer: Callable[[], Viewer], checkpoint: Path, qtbot: QtBot
) -> None:
    from napari_gan_enhance.widgets.enhance import EnhanceDock

    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((32, 32)))
    dock = EnhanceDock(viewer)
    viewer.window.add_dock_widget(dock)
    viewer.window.remove_dock_widget(dock)
    gone = weakref.ref(dock)
    del dock

    def is_gone() -> bool:
        gc.collect()
        return gone() is None

    qtbot.waitUntil(is_gone, timeout=WAIT_MS)


def test_source_may_get_another_image_during_a_run(
    running: Any, dock: EnhanceDock, cells: Image, viewer: Viewer, qtbot: QtBot
) -> None:
    cells.data = np.zeros((3, *cells.data.shape), cells.data.dtype)
    with qtbot.captureExceptions() as raised:
        viewer.camera.zoom *= 2
        qtbot.wait(300)  # longer than the view must rest to be looked at
    assert raised == []
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()


def test_comparison_of_a_result_that_is_gone_cannot_begin(
    dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()
    compare = dock.panel.compare
    compare.click()
    assert compare.isChecked()
    viewer.layers.remove(viewer.layers[-1])
    compare.end()
    assert not compare.isEnabled()
