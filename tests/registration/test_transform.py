"""Transforms and landmarks against matrices worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_gan_enhance.errors import FileFormatError, InputError, OutputError
from napari_gan_enhance.registration.landmarks import fit_landmarks
from napari_gan_enhance.registration.transform import (
    Transform,
    load_transform,
    save_transform,
    with_axes,
)

EXACT = 1e-9
"""Rounding of a few products of numbers around 10."""

QUARTER_TURN = np.array([[0.0, -2.0, 5.0], [2.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
"""A turn by 90 degrees, twice as large, shifted by (5, -1)."""

POINTS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [7.0, 3.0]])


def test_landmarks_give_the_similarity_back() -> None:
    # (y, x) -> (5 - 2 x, 2 y - 1)
    there = np.array([[5.0, -1.0], [5.0, 19.0], [-15.0, -1.0], [-1.0, 13.0]])
    found = fit_landmarks(POINTS, there, "similarity")
    np.testing.assert_allclose(found.matrix, QUARTER_TURN, atol=EXACT)
    assert found.residual_um == pytest.approx(0, abs=EXACT)
    assert found.found == "landmarks"
    np.testing.assert_allclose(found.apply(POINTS), there, atol=EXACT)


def test_landmarks_tell_how_far_each_is_off() -> None:
    there = POINTS + np.array([1.0, 2.0])
    there[0] += [0.4, 0.0]
    found = fit_landmarks(POINTS, there, "translation")
    # The mean takes a quarter of 0.4; 0.3 is left at the first, 0.1 at the others.
    assert found.details["landmarks_um"] == pytest.approx([0.3, 0.1, 0.1, 0.1])
    assert found.residual_um == pytest.approx(np.sqrt(0.12 / 4), abs=1e-6)
    np.testing.assert_allclose(found.matrix[:2, 2], [1.1, 2.0], atol=EXACT)


def test_landmarks_shear_and_mirror_only_where_allowed() -> None:
    mirror = POINTS * [1.0, -1.0]
    assert np.linalg.det(fit_landmarks(POINTS, mirror, "affine").matrix[:2, :2]) < 0
    rigid = fit_landmarks(POINTS, mirror, "rigid").matrix[:2, :2]
    np.testing.assert_allclose(rigid @ rigid.T, np.eye(2), atol=EXACT)
    assert np.linalg.det(rigid) == pytest.approx(1)


def test_landmarks_in_depth_are_shifted_along_z() -> None:
    moving = np.column_stack([[0.0, 1.0, 2.0, 3.0], POINTS])
    found = fit_landmarks(moving, moving + np.array([0.5, 1.0, 0.0]), "rigid")
    assert found.z_um == pytest.approx(0.5)
    assert found.matrix.shape == (4, 4)


@pytest.mark.parametrize(
    ("moving", "fixed", "match"),
    [
        (POINTS[:2], POINTS[:2], "at least 3 are needed"),
        (POINTS, POINTS[:3], "as many in both"),
        (np.outer(range(4), [1, 2.0]), POINTS, "one line"),
    ],
)
def test_landmarks_that_fix_nothing_are_refused(moving, fixed, match) -> None:
    with pytest.raises(InputError, match=match):
        fit_landmarks(moving, fixed, "affine")


def test_saved_transform_comes_back(tmp_path) -> None:
    path = tmp_path / "t.json"
    first = Transform(
        QUARTER_TURN, "similarity", 0.125, "automatic", {"correlation": 0.5}
    )
    save_transform(path, first)
    found = load_transform(path, "µm")
    np.testing.assert_array_equal(found.matrix, QUARTER_TURN)
    assert (found.kind, found.residual_um, found.found) == (
        "similarity",
        0.125,
        "automatic",
    )
    assert found.details == {"correlation": 0.5}
    with pytest.raises(OutputError, match="already exists"):
        save_transform(path, first)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 99},
        {"matrix": [[1, 0], [0, 1]]},
        {"matrix": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"matrix": "no"},
        {"kind": "magic"},
        {"residual_um": "no"},
        {"details": 7},
        {"unit": "inch"},
    ],
)
def test_file_that_holds_no_transform_is_refused(tmp_path, change) -> None:
    path = tmp_path / "t.json"
    save_transform(path, Transform(np.eye(3), "rigid"))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileFormatError, match=r"t\.json"):
        load_transform(path, "µm")


def test_file_that_nests_too_deeply_is_refused(tmp_path) -> None:
    path = tmp_path / "t.json"
    path.write_text("[" * 100_000)
    with pytest.raises(FileFormatError, match=r"t\.json"):
        load_transform(path, "µm")


def test_axes_are_added_and_dropped() -> None:
    grown = with_axes(QUARTER_TURN, 3)
    assert grown[0].tolist() == [1, 0, 0, 0]
    np.testing.assert_array_equal(grown[1:, 1:], QUARTER_TURN)
    np.testing.assert_array_equal(with_axes(grown, 2), QUARTER_TURN)


def test_lengths_of_another_unit_are_refused(tmp_path) -> None:
    path = tmp_path / "t.json"
    save_transform(path, Transform(np.eye(3), "rigid", unit="pixel"))
    assert load_transform(path, "pixel").unit == "pixel"
    with pytest.raises(InputError, match="in units of pixel, the images in units of µ"):
        load_transform(path, "µm")
