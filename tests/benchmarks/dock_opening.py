"""Time from choosing the menu entry to the dock on screen, and what it loads.

Measured in fresh windows: the first opening imports the plugin's modules. torch must
not be loaded by the window's own thread.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from statistics import median

from report import Row, emit

BUDGET_MS = 300
RUNS = 5


def main() -> None:
    if "--child" in sys.argv:
        sys.stdout.write(json.dumps(open_once()) + "\n")
        return
    runs = [
        json.loads(
            subprocess.check_output([sys.executable, __file__, "--child"]).splitlines()[
                -1
            ]
        )
        for _ in range(RUNS)
    ]
    value = median(run["ms"] for run in runs)
    loads_torch = any(run["torch_in_main_thread"] for run in runs)
    emit(
        Row(
            "opening the Enhance dock",
            f"<= {BUDGET_MS} ms, torch not loaded by the window",
            f"{value:.0f} ms" + (", loads torch" if loads_torch else ""),
            value <= BUDGET_MS and not loads_torch,
            f"median of {RUNS} fresh windows, slowest "
            f"{max(run['ms'] for run in runs):.0f} ms",
        )
    )


class TorchWatch:
    """Note which thread asks for torch; finds nothing itself."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "torch":
            self.threads.add(threading.current_thread().name)


def open_once() -> dict[str, object]:
    from window import open_dock, open_viewer, process_events

    watch = TorchWatch()
    sys.meta_path.insert(0, watch)
    with open_viewer() as viewer:
        import numpy as np
        from qtpy.QtWidgets import QApplication

        viewer.add_image(np.random.default_rng(0).random((512, 512)))
        process_events(1)
        start = time.perf_counter()
        open_dock(viewer)
        QApplication.processEvents()  # lays out and paints
        took_ms = 1000 * (time.perf_counter() - start)
        process_events(1)
    main_thread = threading.main_thread().name
    return {"ms": took_ms, "torch_in_main_thread": main_thread in watch.threads}


if __name__ == "__main__":
    main()
