"""Save the state of a training now and then, while the training goes on."""

from __future__ import annotations

import copy
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from napari_gan_enhance.training.resume import write_state

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.training.state import Training

SAVE_EVERY_S = 8.0
"""Seconds between two copies of the state: two are left for a step and for writing."""


class StateSaver:
    """Copies the state between two steps, and writes the copy in a thread of its own.

    A copy is made at once, then every `SAVE_EVERY_S`, or when the last is written, if
    that takes longer. What is on the disk is as old as that, and as writing takes. The
    memory of a copy is kept for the next: asking for new memory takes longer than
    copying: 0.7 s, then 0.1 s, for the 770 MB of `panek-paper`.

    Parameters
    ----------
    checkpoint : Path
    settings : dict
        See `write_state`.
    is_wanted : bool
        False saves nothing.
    """

    def __init__(
        self, checkpoint: Path, settings: dict[str, Any], *, is_wanted: bool = True
    ) -> None:
        self._checkpoint, self._settings = checkpoint, settings
        self._is_wanted = is_wanted
        self._thread = ThreadPoolExecutor(1, "saving")
        self._writing: Future[None] | None = None
        self._copy: Any = None
        self._copied_at = -math.inf

    def save_if_due(self, training: Training) -> None:
        """Save if the last copy is old, and written.

        Raises
        ------
        OutputError
            If the last could not be written.
        """
        if self._writing is None or self._writing.done():
            self.wait()
            if time.monotonic() - self._copied_at >= SAVE_EVERY_S:
                self.save(training)

    def save(self, training: Training) -> None:
        """Begin to write the state as it is now.

        Raises
        ------
        OutputError
            If the last could not be written.
        """
        if not self._is_wanted:
            return
        self.wait()  # it is written from the memory that is copied to
        self._copy = copied(training.state_dict(), self._copy)
        self._copied_at = time.monotonic()
        self._writing = self._thread.submit(
            write_state, self._copy, self._checkpoint, self._settings
        )

    def wait(self) -> None:
        """Wait until the last is written.

        Raises
        ------
        OutputError
            If it could not.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


def copied(state: Any, former: Any = None) -> Any:
    """Return a copy in main memory.

    Parameters
    ----------
    state : object
        Tensors and plain values, in dicts and lists.
    former : object
        An earlier copy of the same; its tensors are written over.
    """
    if isinstance(state, Tensor):
        copy_of = torch.empty_like(state, device="cpu") if former is None else former
        return copy_of.copy_(state)
    if isinstance(state, dict):
        known = former or {}
        return {key: copied(value, known.get(key)) for key, value in state.items()}
    if isinstance(state, list):
        known = dict(enumerate(former or ()))
        return [copied(value, known.get(n)) for n, value in enumerate(state)]
    return copy.deepcopy(state)
