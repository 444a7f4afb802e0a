"""What commands write: results on standard output, everything else beside it."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import typer

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.boundary import reason
from napari_gan_enhance.progress import Job, Progress, drain
from napari_gan_enhance.signals import handled_signals

Result = TypeVar("Result")

REDRAW_S = 0.2
"""Seconds between two redraws of the progress line: smooth, and cheap over ssh."""


def print_json(content: Mapping[str, Any]) -> None:
    """Write one JSON object to standard output.

    JSON has neither infinity, which is the PSNR of equal planes, nor NaN: both are
    null. With JSON's escapes where standard output cannot hold a letter; the escape of
    a byte that is no UTF-8 is that of the character in which Python holds it.

    Raises
    ------
    OutputError
        If it cannot be written, but for a pipe that nobody reads.
    """
    content = _finite(content)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    is_plain = text == _printable(text)
    _write(text if is_plain else json.dumps(content, indent=2))


def _finite(content: Any) -> Any:
    """Return nested mappings and sequences with None for numbers that are none."""
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    is_none = isinstance(content, float) and not math.isfinite(content)
    return None if is_none else content


def print_text(text: str) -> None:
    """Write text to standard output, with escapes for letters that it cannot hold.

    Raises
    ------
    OutputError
        If it cannot be written, but for a pipe that nobody reads.
    """
    _write(_printable(text))


def _write(text: str) -> None:
    try:
        typer.echo(text)
    except BrokenPipeError:  # as of `| head`: typer ends without a word
        raise
    except OSError as error:
        raise OutputError(
            f"Standard output cannot be written ({reason(error)}) - a place with "
            "enough space is needed for the answer; files are written - send it "
            "elsewhere."
        ) from error


def _printable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def message(text: str) -> None:
    """Write a line for the user to standard error."""
    typer.echo(text, err=True)


def run_job(job: Job[Result], *, label: str = "") -> Result:
    """Run a job to its end with a progress line on standard error.

    On a terminal the line is redrawn in place; elsewhere only notes are written.
    """
    line = _ProgressLine(label)
    with _ended_like_ctrl_c():
        try:
            return drain(job, line.show)
        finally:
            line.clear()


def run_job_that_rests(job: Job[Result]) -> Result:
    """Run a job that is ended where it rests, at its next report: see `run_job`.

    What it does then is not cut up, as of a training that writes down its state. Before
    the first unit of work nothing would be lost, and it is ended at once, as by Ctrl+C
    pressed again.
    """
    is_asked = has_begun = False

    def ask(number: int, frame: object) -> None:
        nonlocal is_asked
        if not has_begun or (is_asked and number == signal.SIGINT):
            _end(number, frame)
        is_asked = True

    line = _ProgressLine("")

    def show(progress: Progress) -> None:
        nonlocal has_begun
        line.show(progress)
        has_begun = has_begun or progress.done > 0
        if is_asked:
            raise KeyboardInterrupt

    with handled_signals(("SIGINT", "SIGTERM", "SIGHUP"), ask):
        try:
            return drain(job, show)
        finally:
            line.clear()


def _ended_like_ctrl_c() -> contextlib.AbstractContextManager[None]:
    """Let a job take its temporary files away when it is ended from outside.

    By a scheduler, or by a terminal that is closed.
    """
    return handled_signals(("SIGTERM", "SIGHUP"), _end)


def _end(number: int, frame: object) -> None:
    # Shell and terminal each send one; the second must not cut the clearing up short.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


class _ProgressLine:
    def __init__(self, label: str) -> None:
        self._label = f"{label}: " if label else ""
        self._is_terminal = typer.get_text_stream("stderr").isatty()
        self._drawn_at = 0.0
        self._length = 0

    def show(self, progress: Progress) -> None:
        if progress.note:
            self.clear()
            message(progress.note)
        now = time.monotonic()
        if self._is_terminal and now - self._drawn_at > REDRAW_S:
            self._drawn_at = now
            self._draw(_text(progress))

    def clear(self) -> None:
        if self._length:
            typer.echo("\r" + " " * self._length + "\r", err=True, nl=False)
            self._length = 0

    def _draw(self, text: str) -> None:
        line = (self._label + text).ljust(self._length)
        typer.echo("\r" + line, err=True, nl=False)
        self._length = len(line)


def _text(progress: Progress) -> str:
    share = 100 * progress.done // max(progress.total, 1)
    left = progress.remaining_s
    time_left = "" if left is None else f", {left:.0f} s left"
    count = f"{progress.done}/{progress.total}"
    return f"{progress.stage} {count} ({share} %){time_left}"
