"""What the signals do that end a job."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def handled_signals(
    names: tuple[str, ...], handler: Callable[[int, Any], object]
) -> Iterator[None]:
    """Handle signals that end a job by a function of number and frame.

    Those that are ignored, as SIGHUP is under nohup, stay so.
    """
    before = {
        number: signal.signal(number, handler)
        for name in names  # Windows has no SIGHUP
        if (number := getattr(signal, name, None)) is not None
        and signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
