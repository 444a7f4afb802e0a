"""How trust in a result is to be measured."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance.models.settings import EnhanceSettings

Passes = Literal[0, 4, 8]


class TrustSettings(BaseModel):
    """How trust in a result is to be measured.

    Parameters
    ----------
    passes : 0, 4 or 8
        How often the model is run again on turned, mirrored and moved copies; 0 makes
        the fast maps, without disagreement.
    gain : float or None, > 0
        Gray levels for one photoelectron; None estimates it from the image.
    offset : float or None
        Gray levels of a pixel without light; used with `gain` only.
    read_noise : float or None, >= 0, electrons
        Used with `gain` only.
    enhance : EnhanceSettings
        How the model is run again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    passes: Passes = 8
    gain: float | None = Field(None, gt=0)
    offset: float | None = None
    read_noise: float | None = Field(None, ge=0)
    enhance: EnhanceSettings = EnhanceSettings()
