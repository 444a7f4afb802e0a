"""A real napari window with the Enhance dock, on a virtual screen if there is none."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.viewer import Viewer

WINDOW = (1400, 900)
PATIENCE_S = 120


@contextmanager
def open_viewer() -> Iterator[Viewer]:
    """Open napari with its settings in a folder that is thrown away."""
    with TemporaryDirectory() as folder, screen():
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        os.environ["XDG_CONFIG_HOME"] = folder
        import napari

        viewer = napari.Viewer()
        viewer.window.resize(*WINDOW)
        process_events(0.5)
        try:
            yield viewer
        finally:
            viewer.close()
            process_events(0.5)


@contextmanager
def screen() -> Iterator[None]:
    """Start Xvfb on Linux where no display is set."""
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        yield
        return
    from pyvirtualdisplay.display import Display

    with Display(size=WINDOW, color_depth=24):
        yield


def open_dock(viewer: Viewer) -> Any:
    """Open the Enhance dock from the plugin's menu entry."""
    return viewer.window.add_plugin_dock_widget("napari-gan-enhance", "Enhance")[1]


def process_events(seconds: float) -> None:
    """Let the window live for a while."""
    wait_for(lambda: False, patience_s=seconds)


def wait_for(is_done: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Let the window live until something is so; return whether it came to be."""
    from qtpy.QtCore import QEventLoop
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + patience_s
    while not is_done():
        if time.perf_counter() > end:
            return False
        QApplication.processEvents(QEventLoop.AllEvents, 5)
        time.sleep(0.0005)
    return True
