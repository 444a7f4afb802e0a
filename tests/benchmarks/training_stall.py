"""Longest stalls of the window while the Train dock trains.

From the press of the button on: starting the process that trains, loading torch and the
model, curves and the held-out region included, while the view is panned. With
--in-thread the training runs in a thread of the window's process instead.
"""

from __future__ import annotations

import argparse

import numpy as np
from event_loop_stall import BUDGET_MS, IDLE_S, Heart, pan
from report import Row, emit, percentile
from window import PATIENCE_S, open_viewer, wait_for

SIDE = 512
RECIPES = ("finetune", "panek")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--in-thread", action="store_true")
    options = parser.parse_args()
    if options.in_thread:
        train_in_thread()
    idle, busy = stalls(options.seconds / len(RECIPES))
    together = [ms for of_recipe in busy.values() for ms in of_recipe]
    p95 = percentile(together, 0.95)
    each = ", ".join(f"{name} {percentile(ms, 0.95):.0f}" for name, ms in busy.items())
    emit(
        Row(
            "longest stall of the event loop in each second while training",
            f"<= {BUDGET_MS} ms p95",
            f"{p95:.0f} ms",
            p95 <= BUDGET_MS,
            f"{len(together)} s, panning; {each} ms p95; median "
            f"{percentile(together, 0.5):.0f} ms, longest {max(together):.0f} ms; the "
            f"same panning without a job: {percentile(idle, 0.95):.0f} ms p95",
        )
    )


def train_in_thread() -> None:
    """Let the dock train in its worker's thread."""
    from napari_gan_enhance.viewer.train_run import train
    from napari_gan_enhance.widgets import train as dock

    dock.train_in_child = lambda request, pause: train(request)


def stalls(seconds: float) -> tuple[list[float], dict[str, list[float]]]:
    """Return the longest stall of each second without and with a job, in ms."""
    with open_viewer() as viewer:
        rng = np.random.default_rng(0)
        dock = prepared_dock(viewer, rng)
        with Heart() as idle:
            pan(viewer, rng, min(seconds, IDLE_S), lambda: True)
        busy = {}
        for recipe in RECIPES:
            choices = dock.panel.form.recipe
            choices.setCurrentIndex(choices.findData(recipe))
            with Heart() as heart:
                dock.panel.start.click()
                pan(viewer, rng, seconds, lambda: dock.runner.is_running)
            dock.stop()
            wait_for(lambda: not dock.runner.is_running)
            busy[recipe] = heart.longest()
        viewer.window.remove_dock_widget(dock)
    return idle.longest(), busy


def prepared_dock(viewer, rng):
    """Open the dock with two pairs of simulated layers."""
    from scipy.ndimage import gaussian_filter

    from napari_gan_enhance.widgets.train import TrainDock

    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train")
    box = dock.panel.pairs
    for _ in range(2):
        sharp = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 2)
        sharp = 100 + 900 * np.clip(sharp / sharp.std(), 0, None)
        source = viewer.add_image(rng.poisson(gaussian_filter(sharp, 2)).astype("u2"))
        box.target.choose(viewer.add_image(sharp.astype("u2")))
        box.source.choose(source)
        box.add.click()
        wait_for(lambda: not box.runner.is_running)
    dock.panel.form.minutes.setValue(PATIENCE_S)
    return dock


if __name__ == "__main__":
    main()
