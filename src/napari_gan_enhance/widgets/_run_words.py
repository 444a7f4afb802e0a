"""How a dock calls what it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunWords:
    """The texts in which the docks that run over a layer differ.

    Parameters
    ----------
    verb : str
        On the button, such as "Enhance".
    doing : str
        Such as "Enhancing".
    help_text : str
        Tooltip of the button.
    """

    verb: str
    doing: str
    help_text: str
