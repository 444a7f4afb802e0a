"""Time of ``import napari_gan_enhance`` in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from report import Row, emit

BUDGET_MS = 50
RUNS = 15
CODE = """
from time import perf_counter
start = perf_counter()
import napari_gan_enhance
print(1000 * (perf_counter() - start))
"""


def main() -> None:
    times = [
        float(subprocess.check_output([sys.executable, "-c", CODE]))
        for _ in range(RUNS)
    ]
    value = median(times)
    emit(
        Row(
            "import napari_gan_enhance",
            f"<= {BUDGET_MS} ms",
            f"{value:.1f} ms",
            value <= BUDGET_MS,
            f"median of {RUNS} fresh processes, slowest {max(times):.1f} ms",
        )
    )


if __name__ == "__main__":
    main()
