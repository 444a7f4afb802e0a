"""Show beside a control what is wrong with its value."""

from __future__ import annotations

from enum import Enum

from qtpy.QtWidgets import QWidget


class Mark(Enum):
    """State of a field, and the color of its border (readable on dark and light)."""

    FINE = ""
    CHECK = "#c98a1b"
    WRONG = "#e0524a"


def mark(widget: QWidget, state: Mark, reason: str = "") -> None:
    """Color a field and put the reason before its own tooltip.

    Parameters
    ----------
    widget : QWidget
    state : Mark
    reason : str
        One sentence; empty for `Mark.FINE`.
    """
    help_text = widget.property("help") or widget.toolTip()
    widget.setProperty("help", help_text)
    widget.setToolTip(f"{reason}\n\n{help_text}" if reason else help_text)
    border = f"{type(widget).__name__} {{ border: 2px solid {state.value}; }}"
    widget.setStyleSheet(border if state.value else "")
