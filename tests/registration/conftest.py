"""Fields of round spots: exact under any rotation, scale and shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Spots:
    """Gaussian spots in the world, rendered at the centers of pixels."""

    centers: np.ndarray
    sigmas: np.ndarray
    heights: np.ndarray

    def image(self, shape, to_world=None, *, blur=0.0) -> np.ndarray:
        """Return the spots as an image whose indices lie at `to_world` in the world."""
        back = np.linalg.inv(np.eye(3) if to_world is None else to_world)
        grain = np.sqrt(np.linalg.det(back[:2, :2]))
        image = np.zeros(shape)
        for center, sigma, height in zip(
            self.centers, self.sigmas, self.heights, strict=True
        ):
            y, x = back[:2, :2] @ center + back[:2, 2]
            width = 2 * (grain**2) * (sigma**2 + blur**2)
            rows = np.exp(-((np.arange(shape[0]) - y) ** 2) / width)
            columns = np.exp(-((np.arange(shape[1]) - x) ** 2) / width)
            image += height * sigma**2 / (sigma**2 + blur**2) * np.outer(rows, columns)
        return image


def make_spots(rng: np.random.Generator, side: float, count: int) -> Spots:
    return Spots(
        rng.uniform(-0.2 * side, 1.2 * side, (count, 2)),
        rng.uniform(1.5, 4.0, count),
        rng.uniform(0.5, 2.0, count),
    )


@pytest.fixture
def spots(rng) -> Spots:
    return make_spots(rng, 160, 400)


@pytest.fixture
def turned():
    """Return a similarity about the center of a field as a matrix."""

    def matrix(degrees, scale, shift, side=160.0):
        angle = np.deg2rad(degrees)
        linear = scale * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        center = np.full(2, side / 2)
        found = np.eye(3)
        found[:2, :2], found[:2, 2] = linear, center - linear @ center + shift
        return found

    return matrix
