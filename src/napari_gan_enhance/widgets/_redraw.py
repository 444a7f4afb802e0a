"""Draw a growing result again and again, without holding up the window."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from qtpy.QtCore import QObject
from superqt.utils import QSignalThrottler

REDRAW_MS = 100
"""Uploading a texture holds up the window: at most ten times a second."""
REDRAW_SHARE = 0.1
"""And at most this share of the time, where one upload is slow (50 ms at 8192²)."""
RAREST_REDRAW_MS = 1000
"""But at least once a second: one upload that took 2 s froze the result for 20 s."""


class Redraw(QSignalThrottler):
    """Tell when to draw (`triggered`), less often where drawing takes long.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent=parent)
        self.setTimeout(REDRAW_MS)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Draw within this context, for the next pause to be long enough."""
        began = time.monotonic()
        yield
        took_ms = 1000 * (time.monotonic() - began)
        pause_ms = min(int(took_ms / REDRAW_SHARE), RAREST_REDRAW_MS)
        self.setTimeout(max(REDRAW_MS, pause_ms))
