"""What aligning leaves behind in the viewer, and takes back."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_gan_enhance.registration.misalignment import LocalShifts
from napari_gan_enhance.viewer.alignment import (
    MAP_NAME,
    AffineHistory,
    show_misalignment,
)
from napari_gan_enhance.viewer.train_preview import images_to_work_on

SHIFTED = np.array([[1, 0, 5], [0, 1, 3], [0, 0, 1]])


def test_undo_leaves_a_layer_alone_that_holds_other_axes_by_now() -> None:
    viewer, history = ViewerModel(), AffineHistory()
    first, second = (viewer.add_image(np.zeros((20, 30))) for _ in range(2))
    history.set_affine(first, SHIFTED)
    history.set_affine(second, SHIFTED)
    second.data = np.zeros((4, 20, 30))
    history.undo()
    assert np.array_equal(first.affine.affine_matrix, np.eye(3))
    assert second.ndim == 3


def test_map_replaces_the_map_before_and_nothing_else() -> None:
    viewer = ViewerModel()
    fixed = viewer.add_image(np.zeros((128, 128)))
    theirs = viewer.add_image(np.ones((5, 5)), name=MAP_NAME)
    known = np.ones((2, 2))
    shifts = LocalShifts(np.ones((2, 2, 2)), known, 64.0, np.zeros(2))
    before = show_misalignment(viewer, shifts, fixed)
    after = show_misalignment(viewer, shifts, fixed)
    assert theirs in viewer.layers
    assert before not in viewer.layers
    assert after in viewer.layers


def test_map_is_neither_selected_nor_an_image_to_work_on() -> None:
    viewer = ViewerModel()
    fixed, other = (viewer.add_image(np.zeros((128, 128))) for _ in range(2))
    viewer.layers.selection = {fixed}
    shifts = LocalShifts(np.ones((2, 2, 2)), np.ones((2, 2)), 64.0, np.zeros(2))
    for _ in range(2):
        show_misalignment(viewer, shifts, fixed)
        assert set(viewer.layers.selection) == {fixed}
    assert images_to_work_on(viewer, Image) == [fixed, other]
