"""Where napari docks a window of this plugin the first time."""

from __future__ import annotations

from typing import Literal

from napari.settings import get_settings

PLUGIN = "napari-gan-enhance"


def suggest_place(display_name: str, area: Literal["right", "bottom"]) -> None:
    """Tell napari where to put a dock, unless the user has moved it before.

    napari keeps the last place of each dock and knows no default but the right side;
    it reads that place after the widget is made.

    Parameters
    ----------
    display_name : str
        As in the manifest.
    area : "right" or "bottom"
    """
    places = get_settings().application.plugin_widget_positions
    places.setdefault(f"{display_name} ({PLUGIN})", area)
