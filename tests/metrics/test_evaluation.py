"""Whole micrographs are compared plane by plane."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.evaluation import evaluate_planes
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain


@pytest.fixture
def reference(rng: np.random.Generator) -> np.ndarray:
    """Axes C, Z, Y, X; the second channel is ten times as bright."""
    return rng.random((2, 3, 16, 20)) * np.array([1, 10])[:, None, None, None]


def test_each_plane_and_their_median(reference, rng) -> None:
    result = reference + rng.normal(0, 0.1, reference.shape)
    pair = Micrograph(result, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(evaluate_planes(*pair, data_range=2.0, fit="none"))
    assert [dict(p.position) for p in evaluation.planes] == [
        {"C": c, "Z": z} for c in range(2) for z in range(3)
    ]
    for plane in evaluation.planes:
        at = plane.position["C"], plane.position["Z"]
        expected = evaluate(result[at], reference[at], data_range=2.0, fit="none")
        assert plane.scores == expected
    psnrs = [p.scores.psnr for p in evaluation.planes]
    assert evaluation.median.psnr == np.median(psnrs)


def test_range_is_that_of_the_whole_channel(reference) -> None:
    pair = Micrograph(reference * 2, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(evaluate_planes(*pair))
    for plane in evaluation.planes:
        low, high = np.percentile(reference[plane.position["C"]], [3, 99.8])
        assert plane.data_range == pytest.approx(high - low)


def test_order_of_axes_does_not_matter(reference) -> None:
    moved = np.moveaxis(reference, 0, 3)
    pair = Micrograph(moved, "ZYXC"), Micrograph(reference[None], "TCZYX")
    evaluation = drain(evaluate_planes(*pair))
    assert evaluation.median.mse == pytest.approx(0, abs=1e-20)


def test_one_plane_has_no_position(reference) -> None:
    plane = Micrograph(reference[0, 0], "YX")
    evaluation = drain(evaluate_planes(plane, plane))
    assert [dict(p.position) for p in evaluation.planes] == [{}]


def test_other_sizes_are_refused(reference) -> None:
    pair = Micrograph(reference[:, :2], "CZYX"), Micrograph(reference, "CZYX")
    with pytest.raises(InputError, match=r"Z 2 x Y 16.*Z 3 x Y 16"):
        drain(evaluate_planes(*pair))
