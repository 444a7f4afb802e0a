"""What the images that a generator was trained on look like, to be kept in its card."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_IMAGES = 8
"""Fewer do not tell what is usual."""

SHRINKAGE = 0.1
"""Share of the diagonal in the covariance: some tens of images do not fix it, and no
direction is known so well that a little beside it would be strange."""

FOLDS = 5
"""Parts of the images that are judged by the others."""

FINEST = 0.03
"""Smallest deviation of a feature: about 0.1 dB of power, 3 % of the brightness."""

FARTHEST = 4.0
"""Standard deviations beyond which an image is no stranger: no examples are there."""

RIDGE = 30.0
"""Examples that say that nothing is lost: with some hundred real ones, the area under
the curve for losses of 3 dB hardly changes between 3 and 100."""

LOSSES_DB = (-1.0, 12.0)
"""Beyond, a loss is as good or bad as at the end."""

RARE = 99.0
"""Percentile of the training images' own distances that counts as 1."""


class InputStatistics(BaseModel):
    """What is usual among the images that a generator was trained on.

    Parameters
    ----------
    features : tuple of str
        Names of the numbers, as in `metrics.image_features`.
    mean : tuple of float
    covariance : tuple of tuple of float
    rare : float, > 0
        Distance from the mean beyond which one training image in a hundred lies.
    images : int
    voxel_size_range_um : (float, float) or None
        Smallest and largest lateral pixel size; None where the files did not say.
    psf_width_range_px : (float, float) or None
        The same of the width of the PSF.
    saturated : float, 0 to 1
        Share of saturated pixels that nineteen in twenty images stay below.
    stretched : float, 0 to 1
        Share of the images that had been stretched to 8 bit.
    loss : tuple of float, dB
        What a standard deviation above the mean costs for each feature, then what one
        below it does, then what is always lost; empty where that was not measured.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    features: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    rare: float
    images: int = 0
    voxel_size_range_um: tuple[float, float] | None = None
    psf_width_range_px: tuple[float, float] | None = None
    saturated: float = 0.0
    stretched: float = 0.0
    loss: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _sizes_agree(self) -> InputStatistics:
        count = len(self.features)
        rows = [len(self.mean), len(self.covariance), *map(len, self.covariance)]
        if any(n != count for n in rows) or self.rare <= 0:
            raise ValueError("mean and covariance need one row for each feature")
        if len(self.loss) not in (0, 2 * count + 1):
            raise ValueError("loss needs two values for each feature, and one")
        return self

    def ordered(
        self, names: Sequence[str], values: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return features in this record's order; NaN for those it does not get.

        Parameters
        ----------
        names : sequence of str
        values : ndarray, as many, or None
            None where nothing is known.
        """
        found = {} if values is None else dict(zip(names, values, strict=True))
        return np.array([found.get(name, np.nan) for name in self.features])

    def distance(self, features: NDArray[np.float64]) -> float:
        """Return how strange an image is; above 1, as one in a hundred, or more so.

        Parameters
        ----------
        features : ndarray, shape (features,)
            In the order of `features`; NaN where one is not known.
        """
        offset = features - np.asarray(self.mean)
        known = np.isfinite(offset)
        covariance = np.asarray(self.covariance)[np.ix_(known, known)]
        weighted = np.linalg.solve(covariance, offset[known])
        return float(np.sqrt(max(offset[known] @ weighted, 0.0)) / self.rare)

    def deviations(self, features: NDArray[np.float64]) -> dict[str, float]:
        """Return how many standard deviations each known feature is off the mean."""
        spread = np.sqrt(np.diagonal(np.asarray(self.covariance)))
        values = (features - np.asarray(self.mean)) / spread
        named = zip(self.features, map(float, values), strict=True)
        return {name: value for name, value in named if np.isfinite(value)}

    def expected_loss(self, features: NDArray[np.float64]) -> float | None:
        """Return by how much the result of an image is worse than usual, dB.

        Parameters
        ----------
        features : ndarray, shape (features,)
            In the order of `features`; NaN where one is not known.

        Returns
        -------
        float or None
            None where what it depends on was not measured.
        """
        if not self.loss:
            return None
        return float(self._sides(features[None])[0] @ np.asarray(self.loss))

    def with_losses(
        self, rows: NDArray[np.float64], losses_db: NDArray[np.float64]
    ) -> InputStatistics:
        """Return the same with what strange features cost, fitted to examples.

        Parameters
        ----------
        rows : ndarray, shape (images, features)
        losses_db : ndarray, shape (images,)
            By how much the PSNR of each result is below the usual.
        """
        sides = self._sides(rows)
        ridge = RIDGE * np.eye(sides.shape[1])
        ridge[-1, -1] = 0  # what is always lost is not held small
        measured = np.clip(losses_db, *LOSSES_DB)
        found = np.linalg.solve(sides.T @ sides + ridge, sides.T @ measured)
        return self.model_copy(update={"loss": tuple(map(float, found))})

    def _sides(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return deviations above and below the mean, and a column of ones."""
        spread = np.sqrt(np.diagonal(np.asarray(self.covariance)))
        values = np.nan_to_num((rows - np.asarray(self.mean)) / spread)
        above, below = (np.clip(side, 0, FARTHEST) for side in (values, -values))
        return np.hstack([above, below, np.ones((len(rows), 1))])


def fit_statistics(names: Sequence[str], rows: NDArray[np.float64]) -> InputStatistics:
    """Return what is usual among images.

    Parameters
    ----------
    names : sequence of str
        Of the features.
    rows : ndarray, shape (images, features)
        A feature that is NaN in one of them is left out.

    Raises
    ------
    InputError
        If there are fewer than eight images.
    """
    if len(rows) < LEAST_IMAGES:
        raise InputError(
            f"{len(rows)} images are too few to say what is usual - at least "
            f"{LEAST_IMAGES} are needed - give more source images."
        )
    known = [bool(np.isfinite(column).all()) for column in rows.T]
    names, rows = list(itertools.compress(names, known)), rows[:, known]
    # An image that had a say in the mean is nearer to it than a new one would be.
    distances: list[float] = []
    for fold in range(FOLDS):
        left_out = np.arange(len(rows)) % FOLDS == fold
        others = _draft(names, rows[~left_out])
        distances += [others.distance(row) for row in rows[left_out]]
    rare = float(np.percentile(distances, RARE))
    return _draft(names, rows).model_copy(update={"rare": rare})


def _draft(names: Sequence[str], rows: NDArray[np.float64]) -> InputStatistics:
    found = np.cov(rows.T)
    spread = np.maximum(np.diagonal(found), FINEST**2)
    covariance = (1 - SHRINKAGE) * found
    np.fill_diagonal(covariance, spread)
    return InputStatistics(
        features=tuple(names),
        mean=tuple(map(float, rows.mean(axis=0))),
        covariance=tuple(tuple(map(float, row)) for row in covariance),
        rare=1.0,
        images=len(rows),
    )
