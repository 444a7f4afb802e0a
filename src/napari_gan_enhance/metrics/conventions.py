"""Ways to score that a publication used, by name, so that its numbers can be compared.

The same pair of images has an SSIM of 0.87 under one convention and of 0.95 under
another; a number without its convention says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.fidelity import (
    Comparison,
    Fit,
    affine_fit,
    check_planes,
    check_range,
    compare,
)
from napari_gan_enhance.metrics.similarity import SsimWindow
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scaling = Literal["none", "min-max"]
ConventionName = Literal["standard", "panek", "micro_gan", "dlsr"]


@dataclass(frozen=True, slots=True)
class Convention:
    """How planes are brought to a scale and scored.

    Parameters
    ----------
    name : str
    scaling : "none" or "min-max"
        Of each image by itself, before anything else.
    top : float
        What the maximum becomes by min-max scaling.
    data_range : float or None
        For PSNR; None is that of the reference, see `reference_range`.
    ssim_range : float or None
        None is the data range.
    window : SsimWindow
    is_joint : bool
        Channels (or RGB samples) have one error together, not one each.
    """

    name: ConventionName
    scaling: Scaling = "none"
    top: float = 1.0
    data_range: float | None = None
    ssim_range: float | None = None
    window: SsimWindow = SsimWindow.GAUSSIAN
    is_joint: bool = False

    @property
    def is_fixed(self) -> bool:
        """Whether the convention leaves no choice of range and fit."""
        return self.data_range is not None

    def compare(
        self,
        result: NDArray[Any],
        reference: NDArray[Any],
        *,
        data_range: float,
        fit: Fit,
    ) -> Job[Comparison]:
        """Score a result against its reference.

        Parameters
        ----------
        result, reference : ndarray, shape (Y, X), or (C, Y, X) of a joint convention
            Any real dtype.
        data_range : float, > 0
            Overruled by that of a fixed convention, as is the fit.
        fit : "affine" or "none"

        Yields
        ------
        Progress

        Returns
        -------
        Comparison
            On the scale of the convention.

        Raises
        ------
        InputError
            If the planes cannot be compared under this convention.
        """
        check_planes(result, reference, self.window)
        yield Progress(0, 1, "comparing")
        truth = np.asarray(reference, np.float64)
        image = np.asarray(result, np.float64)
        if self.scaling == "min-max":
            image, truth = self._scaled(image), self._scaled(truth)
        elif self.is_fixed:
            _check_unit(truth)
        else:
            check_range(data_range)
            image = affine_fit(image, truth) if fit == "affine" else image
        yield Progress(0, 1, "comparing")
        job = compare(
            image,
            truth,
            data_range=self.data_range or data_range,
            ssim_range=self.ssim_range,
            window=self.window,
        )
        return (yield from job)

    def _scaled(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = float(image.min()), float(image.max())
        if low == high:
            raise InputError(
                f"All pixels of a plane have the value {low:g} - convention "
                f"{self.name!r} scales each image by its minimum and maximum, which "
                "must differ - choose another plane, or the convention 'standard'."
            )
        return (image - low) * (self.top / (high - low))


CONVENTIONS: dict[ConventionName, Convention] = {
    "standard": Convention("standard"),
    # arXiv 2403.18026 as run: floats on 0 to 1, SSIM without a range, thus with that
    # of the type of a float in scikit-image 0.19, which is -1 to 1.
    "panek": Convention(
        "panek",
        data_range=1.0,
        ssim_range=2.0,
        window=SsimWindow.UNIFORM,
        is_joint=True,
    ),
    # arXiv 1910.14207 as run.
    "micro_gan": Convention(
        "micro_gan", "min-max", 255.0, data_range=255.0, window=SsimWindow.UNIFORM
    ),
    # doi:10.1038/s41592-020-01048-5 as run: SSIM without a range here too.
    "dlsr": Convention(
        "dlsr",
        "min-max",
        data_range=1.0,
        ssim_range=2.0,
        window=SsimWindow.UNIFORM,
    ),
}


def _check_unit(truth: NDArray[np.float64]) -> None:
    low, high = float(truth.min()), float(truth.max())
    if low < 0 or high > 1:
        raise InputError(
            f"The reference has intensities from {low:g} to {high:g} - convention "
            "'panek' is defined for images on 0 to 1 - scale both images, or choose "
            "the convention 'standard'."
        )
