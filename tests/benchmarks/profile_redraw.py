"""Time to follow a line that is dragged over four layers of 8192² pixels.

Sampling all layers, handing the curves to the plot and painting it, in a real window;
two layers are in memory, two are dask arrays. What napari itself does to move the line
and to put its window together is not counted. Dask pixels are read by a thread: a
redraw that meets pixels not read yet leaves a gap and draws again.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from report import Row, emit, percentile
from window import open_viewer, process_events, wait_for

BUDGET_MS = 16.7
CHUNK = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--moves", type=int, default=100)
    options = parser.parse_args()
    short, wide, long = redraws(options.size, options.moves)
    worst = max(percentile(times, 0.95) for times in (short, wide, long))
    said = [
        f"{name} {percentile(times, 0.5):.1f} / {percentile(times, 0.95):.1f} ms"
        for name, times in (
            ("500 pixels", short),
            ("500 pixels, 9 wide", wide),
            ("9,000 pixels", long),
        )
    ]
    emit(
        Row(
            "line profile: redraw while a line is dragged",
            f"<= {BUDGET_MS} ms p95",
            f"{worst:.1f} ms",
            worst <= BUDGET_MS,
            f"4 layers of {options.size}², two of them dask, {options.moves} moves; "
            f"median / p95: {', '.join(said)}",
        )
    )


def redraws(size: int, moves: int) -> tuple[list[float], list[float], list[float]]:
    """Return the times in ms for a short, a wide and a long line."""
    import dask.array as da

    from napari_gan_enhance.viewer.profile_lines import add_line, line_layer
    from napari_gan_enhance.viewer.viewport import camera_of
    from napari_gan_enhance.widgets.line_profile import LineProfileDock

    rng = np.random.default_rng(0)
    with open_viewer() as viewer:
        pixels = [rng.integers(0, 4096, (size, size), dtype=np.uint16) for _ in "12"]
        lazy = [da.from_array(array, chunks=(CHUNK, CHUNK)) for array in pixels]
        for array in (*pixels, *lazy):
            viewer.add_image(
                array, contrast_limits=(0, 4096), scale=(0.1, 0.1), units="um"
            )
        dock = LineProfileDock(viewer)
        viewer.window.add_dock_widget(dock, area="bottom")
        add_line(viewer)
        layer = line_layer(viewer)
        # As small as can be on screen: painting the images is napari's part.
        camera_of(viewer).zoom = 1e-3
        process_events(1)
        found = []
        for length, width in ((50, 0), (50, 0.9), (size * 0.11, 0)):
            dock.options.width_box.setValue(width)
            found.append(drag(dock, layer, length, size / 20, rng, moves))
            wait_for(lambda: not dock.reader.is_running)
    return tuple(found)


def drag(dock, layer, length: float, middle: float, rng, moves: int) -> list[float]:
    """Turn and shift a line step by step; return what each redraw took."""
    angle, center = 0.8, np.array([middle, middle])
    times = []
    for _ in range(moves):
        angle += rng.normal(0, 0.01)
        center += rng.normal(0, 0.3, 2)
        half = length / 2 * np.array([np.sin(angle), np.cos(angle)])
        with layer.events.set_data.blocker():
            layer.data = [np.array([center - half, center + half])]
        start = perf_counter()
        dock.show_moving()
        dock.plot.viewport().grab()
        times.append(1000 * (perf_counter() - start))
        process_events(0.002)
    return times


if __name__ == "__main__":
    main()
