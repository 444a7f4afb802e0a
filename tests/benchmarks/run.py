"""Run all benchmarks, each in its own process, and write the table.

    python -m tox run -e bench                      # all
    python -m tox run -e bench -- import_time       # some
    python -m tox run -e bench -- --docs            # and renew docs/benchmarks.md

Each figure is a ratio, a difference or a percentile within one run, so that it says
something on another machine too. Nothing here is part of the test run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "results"
DOCS = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- table: start -->", "<!-- table: end -->"

BENCHMARKS = (
    "import_time",
    "dock_opening",
    "tiled_vs_whole",
    "engine_over_network",
    "deconvolution_speed",
    "first_tile_latency",
    "event_loop_stall",
    "training_stall",
    "memory_growth",
    "training_step",
    "profile_redraw",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []])
    parser.add_argument("--docs", action="store_true", help="renew docs/benchmarks.md")
    options = parser.parse_args()
    rows = [measure(name) for name in options.names or BENCHMARKS]
    table = as_markdown(rows)
    sys.stdout.write(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "benchmarks.json").write_text(json.dumps(rows, indent=2), "utf-8")
    (RESULTS / "benchmarks.md").write_text(table, "utf-8")
    if options.docs:
        renew_docs(table)
    return int(any("failed" in row for row in rows))


def measure(name: str) -> dict[str, object]:
    """Run one benchmark and return its row; a crash becomes a row that says so."""
    sys.stderr.write(f"{name} ...\n")
    done = subprocess.run(
        [sys.executable, HERE / f"{name}.py"], stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        return {"name": name, "what": name, "failed": f"exit {done.returncode}"}
    return {"name": name, **json.loads(done.stdout.decode().splitlines()[-1])}


def as_markdown(rows: list[dict[str, object]]) -> str:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [
        f"Python {platform.python_version()}, {system}, no GPU used.",
        "",
        "| what | budget | measured | within | how |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if "failed" in row:
            lines.append(f"| {row['what']} | | not measured ({row['failed']}) | | |")
            continue
        within = "yes" if row["is_within"] else "**no**"
        cells = (row["what"], row["budget"], row["measured"], within, row["details"])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def renew_docs(table: str) -> None:
    """Replace the table between the two marks."""
    text = DOCS.read_text("utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    DOCS.write_text(f"{before}{START}\n{table}{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
