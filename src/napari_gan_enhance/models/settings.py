"""How a generator is to be run."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EnhanceSettings(BaseModel):
    """How a generator is to be run.

    Parameters
    ----------
    device : "auto", "cpu", "cuda" or "mps"
    precision : "exact" or "fast"
        float32, or half precision where the device is faster with it (error about 4e-3
        of the range).
    tile : int or None, pixels
        Side of a tile; None chooses from the free memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["exact", "fast"] = "exact"
    tile: int | None = Field(None, ge=1)
