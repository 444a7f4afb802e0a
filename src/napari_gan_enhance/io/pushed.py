"""Feed a function that pulls from an iterator by pushing, item by item."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITING = 2
"""Items that may wait: the one being pulled and the next, so memory stays flat."""

CHECK_S = 0.1
"""Seconds between two looks whether the puller is still there."""

_END, _ABORT = object(), object()


class Aborted(Exception):
    """Raised inside the iterator when there will be no more items."""


@contextlib.contextmanager
def pushed(pull: Callable[[Iterator[Any]], object]) -> Iterator[Callable[[Any], None]]:
    """Run a function in a thread and give it items one at a time.

    A writer that takes an iterator keeps the caller inside one call to its end; a job
    that pushes can report and stop between two items.

    Parameters
    ----------
    pull : callable
        Takes an iterator to its end; its exceptions are raised here.

    Yields
    ------
    callable
        Takes the next item; waits while two are waiting.
    """
    queue: Queue[Any] = Queue(WAITING)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(pull, _items(queue))
        try:
            yield lambda item: _put(queue, item, running)
            _put(queue, _END, running)
            running.result()
        finally:
            _abort(queue, running)


def _items(queue: Queue[Any]) -> Iterator[Any]:
    while (item := queue.get()) is not _END:
        if item is _ABORT:
            raise Aborted
        yield item


def _put(queue: Queue[Any], item: Any, running: Future[object]) -> None:
    while not running.done():
        with contextlib.suppress(Full):
            queue.put(item, timeout=CHECK_S)
            return
    running.result()  # raises why it ended before all items were there


def _abort(queue: Queue[Any], running: Future[object]) -> None:
    """End the puller if it still waits; its exception was or will be raised anyway."""
    while not running.done():
        with contextlib.suppress(Empty):
            while True:
                queue.get_nowait()
        with contextlib.suppress(Full):
            queue.put(_ABORT, timeout=CHECK_S)
        with contextlib.suppress(TimeoutError, Aborted):
            running.exception(CHECK_S)
