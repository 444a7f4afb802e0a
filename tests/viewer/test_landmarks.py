"""Landmarks in stacks: each is clicked in its plane."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.viewer.landmarks import LandmarkPair
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
