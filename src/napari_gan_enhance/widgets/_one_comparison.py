"""One comparison per viewer at a time, whichever dock it was begun in."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QApplication


class Compares:
    """What all widgets that compare layers have in common."""

    _viewer: Any

    def end(self) -> None:
        """Go back to what was shown before."""
        raise NotImplementedError

    def end_others(self) -> None:
        """End what other widgets compare in this viewer.

        Each puts back what was shown when it began: of two at a time, the one that
        began last would bring back what the first had made of the viewer.
        """
        for widget in QApplication.allWidgets():
            is_other = isinstance(widget, Compares) and widget is not self
            if is_other and widget._viewer is self._viewer:
                widget.end()
