"""Tell the user of our errors instead of raising them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from napari.utils.notifications import show_error

from napari_gan_enhance.errors import GanEnhanceError


def told(
    action: Callable[..., None], say: Callable[[str], None] | None = None
) -> Callable[..., None]:
    """Return an action whose errors are shown to the user, for a signal to call.

    Parameters
    ----------
    action : callable
        As Qt does it, it gets as many of the signal's values as it takes.
    say : callable, optional
        Shows the sentence in the dock too, where it stays.
    """
    parameters = signature(action).parameters.values()
    taken = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)

    def shown(*values: Any) -> None:
        try:
            action(*values[:taken])
        except GanEnhanceError as error:
            if say is not None:
                say(str(error))
            show_error(str(error))

    return shown
