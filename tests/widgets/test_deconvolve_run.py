"""Runs of the Deconvolve dock: the iterations on the way, and each way to end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.progress import Progress, drain
from napari_gan_enhance.tiling.region import WrittenRegion, WrittenSnapshot
from napari_gan_enhance.viewer.iterations import KeptIterations
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultStarted,
)
from napari_gan_enhance.widgets import deconvolve
from napari_gan_enhance.widgets.deconvolve import DeconvolveDock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.deconvolution import DeconvolveRequest

WAIT_MS = 20_000
"""Longer than any run here takes on a busy machine."""

OPTICS = {"numerical_aperture": "0.8", "immersion_index": "1", "emission_nm.0": "520"}

FLOAT32_ROUNDING = 1e-3
"""Two sums of the same numbers in another order, on a scale of about 100."""


@pytest.fixture
def deconvolve_dock(viewer: Viewer, cells: Image) -> DeconvolveDock:
    """A dock that is ready to deconvolve `cells` in five iterations."""
    dock = DeconvolveDock(viewer)
    viewer.window.add_dock_widget(dock, name="Deconvolve")
    for name, text in OPTICS.items():
        dock.controls.optics.fields[name].setText(text)
        dock.controls.optics.fields[name].textEdited.emit(text)
    dock.controls.iterations.set_value(5)
    return dock


def run_to_idle(dock: DeconvolveDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()


def names(viewer: Viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


@dataclass
class HeldIterations:
    """A run over iterations 1, 2 and 4 that waits after the second."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self, request: DeconvolveRequest, psf: Micrograph | None = None
    ) -> Job[None]:
        source = request.micrograph
        history = np.full((3, *source.shape), np.nan, np.float32)
        final = np.full(source.shape, np.nan, np.float32)
        kept = KeptIterations((1, 2, 4), history, final)
        box = {a: slice(0, n) for a, n in zip(source.axes, source.shape, strict=True)}
        label = "deconvolved: RL 1"
        started = ResultStarted(
            "deconvolved", label, history[0], 1, box, iterations=kept
        )
        try:
            yield Progress(0, 1, "deconvolving", detail=started)
            for index in range(3):
                history[index] = index + 1
                ready = WrittenSnapshot(index, WrittenRegion(box))
                yield Progress(0, 1, "deconvolving", detail=ready)
                if index == 1:
                    self.reached.set()
                    self.go_on.wait(WAIT_MS / 1000)
            final[...] = 3
            done = ResultFinished("deconvolved", source.with_pixels(final))
            yield Progress(1, 1, "deconvolving", detail=done)
        finally:
            self.closed.set()


@pytest.fixture
def running(
    deconvolve_dock: DeconvolveDock, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> Iterator[HeldIterations]:
    """A run that has shown iteration 2 and waits."""
    held = HeldIterations()
    monkeypatch.setattr(deconvolve, "run_deconvolution", held)
    deconvolve_dock.panel.button.click()
    text = deconvolve_dock.iterations.text
    qtbot.waitUntil(lambda: text.text() == "Iteration 2 of 4", timeout=WAIT_MS)
    yield held
    held.go_on.set()  # or the thread waits for its time limit


def test_slider_goes_through_the_iterations_of_a_result(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    from napari_gan_enhance.optics.deconvolve import deconvolve as job
    from napari_gan_enhance.viewer.deconvolution import deconvolve_settings

    cells.translate = (3, 4)
    assert not deconvolve_dock.iterations.isVisibleTo(deconvolve_dock)
    run_to_idle(deconvolve_dock, qtbot)
    assert names(viewer) == ["cells", "cells [deconvolved: RL 5]"]
    slider, result = deconvolve_dock.iterations.slider, viewer.layers[1]
    assert (slider.maximum(), slider.value()) == (3, 3)  # 1, 2, 3 and 5
    whole, limits = np.array(result.data), list(result.contrast_limits)
    assert limits[1] == pytest.approx(whole.max())  # the source is not overexposed
    slider.setValue(1)
    choices = deconvolve_dock.controls.choices().model_copy(update={"iterations": 2})
    wanted = drain(
        job(micrograph_from_layer(cells), deconvolve_settings(choices, None))
    )
    np.testing.assert_allclose(result.data, wanted.pixels, atol=FLOAT32_ROUNDING)
    assert result.name == "cells [deconvolved: RL 2]"
    assert result.metadata["napari_gan_enhance"].provenance["iteration"] == 2
    assert (result.scale.tolist(), result.translate.tolist()) == ([0.1, 0.1], [3, 4])
    assert [str(u) for u in result.units] == ["micrometer"] * 2
    assert result.contrast_limits[1] == pytest.approx(result.data.max())
    slider.setValue(3)
    np.testing.assert_array_equal(result.data, whole)
    assert list(result.contrast_limits) == limits


def test_newest_iteration_is_shown_while_the_run_lasts(
    deconvolve_dock: DeconvolveDock, running: HeldIterations, viewer: Viewer
) -> None:
    slider = deconvolve_dock.iterations.slider
    assert (slider.maximum(), slider.value()) == (1, 1)
    assert (viewer.layers[1].data == 2).all()
    assert names(viewer)[1] == "cells [deconvolved: RL 2]"


def test_iteration_chosen_during_the_run_stays(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    deconvolve_dock.iterations.slider.setValue(0)
    with qtbot.waitSignal(deconvolve_dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert (viewer.layers[1].data == 1).all()
    assert deconvolve_dock.iterations.slider.maximum() == 2
    assert deconvolve_dock.iterations.text.text() == "Iteration 1 of 4"


def test_run_that_is_followed_ends_with_the_last_iteration(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    deconvolve_dock.iterations.slider.setValue(0)
    deconvolve_dock.iterations.slider.setValue(1)  # back to the newest
    with qtbot.waitSignal(deconvolve_dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert (viewer.layers[1].data == 3).all()
    assert deconvolve_dock.iterations.text.text() == "Iteration 4 of 4"


def test_cancel_takes_result_and_slider_away(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    deconvolve_dock.panel.button.click()
    with qtbot.waitSignal(deconvolve_dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert running.closed.is_set()
    assert names(viewer) == ["cells"]
    assert not deconvolve_dock.iterations.isVisibleTo(deconvolve_dock)
    assert deconvolve_dock.panel.button.text() == "Deconvolve"


def test_slider_follows_the_selected_result(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, qtbot: QtBot
) -> None:
    run_to_idle(deconvolve_dock, qtbot)
    deconvolve_dock.controls.iterations.set_value(3)
    run_to_idle(deconvolve_dock, qtbot)
    first, second = viewer.layers[1:]
    text = deconvolve_dock.iterations.text
    assert text.text() == "Iteration 3 of 3"
    viewer.layers.selection.active = first
    assert text.text() == "Iteration 5 of 5"
    deconvolve_dock.iterations.slider.setValue(0)
    assert (first.name, second.name) == (
        "cells [deconvolved: RL 1]",
        "cells [deconvolved: RL 3]",
    )


def test_source_stays_chosen_whatever_is_selected(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    viewer.layers.selection.active = viewer.add_points([[1, 1]])
    run_to_idle(deconvolve_dock, qtbot)
    assert deconvolve_dock.controls.layer.layer() is cells


def test_iterations_need_not_be_kept(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, qtbot: QtBot
) -> None:
    deconvolve_dock.controls.keeps.setChecked(False)
    run_to_idle(deconvolve_dock, qtbot)
    assert names(viewer) == ["cells", "cells [deconvolved: RL 5]"]
    assert not deconvolve_dock.iterations.isVisibleTo(deconvolve_dock)


def test_contrast_set_by_the_user_is_kept(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    viewer.layers[1].contrast_limits = (0.5, 2.5)
    with qtbot.waitSignal(deconvolve_dock.panel.runner.idle, timeout=WAIT_MS):
        running.go_on.set()
    assert viewer.layers[1].contrast_limits == [0.5, 2.5]


def test_closing_the_dock_stops_the_run_and_disconnects(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    viewer.window.remove_dock_widget(deconvolve_dock)
    assert names(viewer) == ["cells"]
    running.go_on.set()
    qtbot.waitUntil(running.closed.is_set, timeout=WAIT_MS)
    # Nothing of the dock, which Qt has deleted by now, acts on the viewer any more.
    viewer.layers.selection.active = viewer.add_image(np.zeros((8, 8)), name="later")
    viewer.layers.remove("cells")


def test_closing_the_viewer_stops_the_run(
    deconvolve_dock: DeconvolveDock,
    running: HeldIterations,
    viewer: Viewer,
    qtbot: QtBot,
) -> None:
    viewer.close()
    running.go_on.set()
    qtbot.waitUntil(running.closed.is_set, timeout=WAIT_MS)


def test_objective_of_the_last_run_is_offered(
    deconvolve_dock: DeconvolveDock, viewer: Viewer, qtbot: QtBot
) -> None:
    run_to_idle(deconvolve_dock, qtbot)
    viewer.add_image(np.ones((16, 16), np.uint8), name="next")
    values = deconvolve_dock.controls.optics.values()
    assert (values.numerical_aperture, values.immersion_index) == (0.8, 1.0)
    assert values.emission_nm == (None,)
