"""What the user chose in the Line profile dock, as one frozen record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_WIDTH = 10_000.0


class ProfileChoices(BaseModel):
    """Settings of the Line profile dock.

    Parameters
    ----------
    width : float, >= 0
        To average over across the line, in its unit (µm); 0 for a single line.
    intensity : str
        "raw", or "normalized" from 0 to 1 for each curve.
    widths : str
        FWHM from a "fit" of Gaussians or from the "curve" itself.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    width: float = Field(0.0, ge=0, le=MOST_WIDTH)
    intensity: Literal["raw", "normalized"] = "raw"
    widths: Literal["fit", "curve"] = "fit"
