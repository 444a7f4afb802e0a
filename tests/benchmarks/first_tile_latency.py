"""Time from the end of a pan or zoom to the first enhanced tile drawn in the view.

While a large image is being enhanced the view jumps, in a few steps as a hand would,
to places of which nothing is enhanced yet. The clock starts at the last step and stops
when the canvas has been drawn after the layer was refreshed with enhanced pixels in
view.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from event_loop_stall import prepared_dock
from report import Row, emit, percentile
from window import open_viewer, process_events, wait_for

BUDGET_MS = 150
STEPS = 5
STEP_S = 0.016
SHOWN = 600
"""Width of the view in pixels of the image."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--precision", default="fast")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        latencies = measure(Path(folder), options)
    p95 = percentile(latencies, 0.95)
    emit(
        Row(
            "first enhanced tile on screen after a pan or zoom stops",
            f"<= {BUDGET_MS} ms p95",
            f"{p95:.0f} ms",
            p95 <= BUDGET_MS,
            f"{options.size}² pixels, {len(latencies)} moves, {options.precision} "
            f"precision; median {percentile(latencies, 0.5):.0f} ms, longest "
            f"{max(latencies):.0f} ms",
        )
    )


def measure(folder: Path, options: argparse.Namespace) -> list[float]:
    """Return milliseconds for each move."""
    with open_viewer() as viewer:
        rng = np.random.default_rng(0)
        shape = (options.size, options.size)
        viewer.add_image(rng.integers(100, 1000, shape, dtype=np.uint16))
        dock = prepared_dock(viewer, folder, options.precision)
        dock.panel.button.click()
        if not wait_for(
            lambda: len(viewer.layers) == 2 and viewer.layers[1].data.any()
        ):
            raise RuntimeError("nothing was enhanced")
        watch = DrawWatch(viewer)
        latencies = []
        for _ in range(options.moves):
            process_events(rng.uniform(0.0, 0.5))  # anywhere within a tile
            latencies.append(1000 * watch.move_and_wait(rng))
        dock.panel.stop()
        wait_for(lambda: not dock.panel.runner.is_running)
    return latencies


def has_pixels(viewer) -> bool:
    """Return whether the result layer is there and a tile in it."""
    return len(viewer.layers) == 2 and is_written(viewer.layers[1].data[::64, ::64])


def is_written(pixels: np.ndarray) -> bool:
    """Return whether a tile is among pixels that are NaN or 0 before."""
    return bool(np.nan_to_num(pixels).any())


class DrawWatch:
    """Moves the view and sees when enhanced pixels have been drawn in it."""

    def __init__(self, viewer) -> None:
        from napari_gan_enhance.viewer.viewport import camera_of

        self.viewer, self.layer = viewer, viewer.layers[1]
        self.camera = camera_of(viewer)
        self.window: tuple[slice, ...] = ()
        self.is_refreshed = self.is_drawn = False
        self.layer.events.set_data.connect(self.on_refresh)
        scene = viewer.window._qt_viewer.canvas._scene_canvas
        scene.events.draw.connect(self.on_draw)

    def move_and_wait(self, rng: np.random.Generator) -> float:
        """Jump to a place with nothing enhanced; return the seconds until there is."""
        goal = self.empty_place(rng)
        start = np.array(self.camera.center[-2:])
        zoom = self.viewer.window._qt_viewer.canvas.size[1] / SHOWN
        for step in range(1, STEPS + 1):
            self.camera.zoom = zoom
            self.camera.center = tuple(start + (goal - start) * step / STEPS)
            if step < STEPS:
                process_events(STEP_S)
        self.is_refreshed = self.is_drawn = False
        began = time.perf_counter()
        if not wait_for(lambda: self.is_drawn):
            raise RuntimeError("no tile came into view")
        return time.perf_counter() - began

    def empty_place(self, rng: np.random.Generator) -> np.ndarray:
        """Return the center of a view of which nothing is enhanced yet."""
        shape = np.array(self.layer.data.shape)
        while True:
            goal = rng.uniform(SHOWN, shape - SHOWN)
            low = (goal - SHOWN / 2).astype(int)
            self.window = tuple(slice(a, a + SHOWN) for a in low)
            if not is_written(self.layer.data[self.window]):
                return goal

    def on_refresh(self, event: object = None) -> None:
        self.is_refreshed = is_written(self.layer.data[self.window])

    def on_draw(self, event: object = None) -> None:
        self.is_drawn = self.is_drawn or self.is_refreshed


if __name__ == "__main__":
    main()
