"""Figures of matplotlib, which is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gan_enhance.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure that draws without a display.

    Parameters
    ----------
    width, height : float, inches

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "Pictures and plots need matplotlib, which is not installed - it comes "
            "with the extra 'report' - pip install 'napari-gan-enhance[report]'."
        ) from error
    return Figure(figsize=(width, height), layout="constrained")
