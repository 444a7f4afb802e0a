"""Answer the newest of many questions, in a thread, one at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import QObject, Signal
from superqt.utils import QSignalDebouncer

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_gan_enhance.progress import Job


class Question(Protocol):
    """What an answer depends on."""

    def is_same(self, other: Any) -> bool:
        """Return whether another question has the same answer."""


class NewestQuestion(QObject):
    """Keep the newest question, and drop the answers to older ones.

    Parameters
    ----------
    answer : callable
        Makes the job that answers a question.
    settled_ms : int
        No job is started while questions follow each other faster.
    parent : QObject
    """

    returned = Signal(object)
    """The answer to the newest question."""
    failed = Signal(object)
    """A GanEnhanceError, of the newest question."""

    def __init__(
        self, answer: Callable[[Any], Job[Any]], settled_ms: int, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._answer = answer
        self._asked: Question | None = None
        self._running: Question | None = None
        self.is_waiting = False
        """Whether an answer is still to come."""
        self.runner = JobRunner(self)
        self._settled = QSignalDebouncer(parent=self)
        self._settled.setTimeout(settled_ms)
        self._settled.triggered.connect(self._begin)
        self.runner.returned.connect(self._on_returned)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self._on_idle)

    def ask(self, question: Question | None) -> bool:
        """Return whether this is another question than before; None asks nothing."""
        if question is not None and question.is_same(self._asked):
            return False
        self._asked = question
        self.is_waiting = question is not None
        if question is not None:
            self._settled.throttle()
        return True

    def close_down(self) -> None:
        """Hear no more of a running job."""
        self._asked, self.is_waiting = None, False
        self._settled.cancel()
        self.runner.abandon()

    def _begin(self) -> None:
        """Start the newest question, or leave that to the end of an older one."""
        if self._asked is None or self.runner.is_running:
            return
        self._running = self._asked
        # Without a title: it is no reason to ask before a window is closed.
        self.runner.start(partial(self._answer, self._asked))

    def _on_returned(self, answer: object) -> None:
        if self._running is self._asked:
            self.is_waiting = False
            self.returned.emit(answer)

    def _on_failed(self, error: GanEnhanceError) -> None:
        if self._running is self._asked:
            self.is_waiting = False
            self.failed.emit(error)

    def _on_idle(self) -> None:
        is_older, self._running = self._running is not self._asked, None
        if is_older:  # and what was asked is no longer kept in memory
            self._begin()
