"""Landmarks in stacks: each is clicked in its plane."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.viewer.landmarks import NAMES, LandmarkPair
from napari_gan_enhance.viewer.placement import moved_affine

SCALE = (0.5, 0.1, 0.1)


def test_landmarks_in_two_stacks_move_along_z_too() -> None:
    viewer = ViewerModel()
    moving, fixed = (
        viewer.add_image(np.ones((9, 40, 50)), scale=SCALE, units="micrometer")
        for _ in range(2)
    )
    marks = LandmarkPair(viewer, moving, fixed, lambda: None)
    places = np.array([[1.0, 5, 5], [2, 30, 8], [4, 20, 40]])
    for place in places:
        marks.layers[0].add(place)
        marks.layers[1].add(place + np.array([3, 2, -1]))
    found = marks.fit("rigid")
    # 3 planes of 0.5 µm, 2 and -1 pixels of 0.1 µm.
    assert found.matrix[:3, 3] == pytest.approx([1.5, 0.2, -0.1], abs=1e-6)
    moving.affine = moved_affine(moving, found.matrix)
    assert moving.data_to_world((1, 5, 5)) == pytest.approx((2.0, 0.7, 0.4), abs=1e-6)


def clicked(viewer: ViewerModel) -> LandmarkPair:
    """Four landmarks, three to the right of their partners."""
    images = [viewer.add_image(np.ones((40, 50))) for _ in range(2)]
    marks = LandmarkPair(viewer, *images, lambda: None)
    for place in np.array([[5.0, 5], [30, 8], [20, 40], [10, 30]]):
        marks.layers[0].add(place)
        marks.layers[1].add(place + np.array([0, 3]))
    return marks


@pytest.mark.parametrize("side", [0, 1])
def test_a_landmark_that_is_deleted_takes_its_partner_along(side: int) -> None:
    marks = clicked(ViewerModel())
    marks.layers[side].selected_data = {1}
    marks.layers[side].remove_selected()
    assert marks.counts == (3, 3)
    found = marks.fit("affine")
    assert found.matrix[:2, 2] == pytest.approx([0, 3], abs=1e-6)
    assert found.matrix[:2, :2] == pytest.approx(np.eye(2), abs=1e-6)


def test_a_landmark_without_a_partner_is_deleted_alone() -> None:
    marks = clicked(ViewerModel())
    marks.layers[0].add([2, 2])
    marks.layers[0].selected_data = {4}
    marks.layers[0].remove_selected()
    assert marks.counts == (4, 4)


def test_landmarks_follow_a_pixel_size_that_is_set_later() -> None:
    viewer = ViewerModel()
    marks = clicked(viewer)
    for image in marks.images:
        image.scale = (0.5, 0.5)
    assert marks.fit("translation").matrix[:2, 2] == pytest.approx([0, 1.5], abs=1e-6)


def test_points_of_the_same_name_are_left_alone() -> None:
    viewer = ViewerModel()
    theirs = viewer.add_points(np.ones((3, 2)), name=NAMES[0])
    clicked(viewer).end()
    assert theirs in viewer.layers
