"""How a result is to be compared with a reference, as one frozen record."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.conventions import (
    CONVENTIONS,
    Convention,
    ConventionName,
)
from napari_gan_enhance.metrics.fidelity import Fit


class EvaluateSettings(BaseModel):
    """How to score.

    Parameters
    ----------
    convention : "standard", "panek", "micro_gan" or "dlsr"
        "standard" is ours; the others are those of publications and leave no choice of
        fit and range. See `conventions.CONVENTIONS`.
    fit : "affine", "none" or None
        Whether gain and offset of each plane are fitted first; None is what the
        convention says, "affine" for ours.
    data_range : float or None, > 0
        For SSIM and PSNR; None is the distance of the 3rd and 99.8th percentile of the
        reference, over all planes of a channel.
    maps : bool
        Keep the maps of SSIM and error: 8 bytes for each pixel of the reference.
    scale_free : bool
        Also score free of scale, where the convention is ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    convention: ConventionName = "standard"
    fit: Fit | None = None
    data_range: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    maps: bool = False
    scale_free: bool = True

    def chosen(self) -> Convention:
        """Return the convention.

        Raises
        ------
        InputError
            If a fit or range is given that the convention does not have.
        """
        convention = CONVENTIONS[self.convention]
        if convention.is_fixed and (
            self.fit == "affine" or self.data_range is not None
        ):
            raise InputError(
                f"Convention {self.convention!r} came with a fit or a data range - it "
                "has a range of its own and no fit - leave both out, or choose the "
                "convention 'standard'."
            )
        return convention

    @property
    def used_fit(self) -> Fit:
        """The fit that is made."""
        is_fixed = CONVENTIONS[self.convention].is_fixed
        return self.fit or ("none" if is_fixed else "affine")

    def in_words(self) -> str:
        """Return convention, fit, ranges and window, for whoever reads the scores."""
        convention = CONVENTIONS[self.convention]
        given = convention.data_range or self.data_range
        span = f"{given:g}" if given else "3rd to 99.8th percentile of the reference"
        ssim_range = convention.ssim_range
        ssim_span = f"{ssim_range:g}" if ssim_range else "the same"
        return (
            f"Convention {convention.name}; fit of gain and offset: {self.used_fit}; "
            f"range for PSNR: {span}; for SSIM: {ssim_span}; SSIM window: "
            f"{convention.window.value}."
        )
