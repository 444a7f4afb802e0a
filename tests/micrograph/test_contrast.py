"""The box of a large image that is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.micrograph.contrast import most_contrast
from napari_gan_enhance.micrograph.view import AxesView


@pytest.mark.parametrize("at", range(0, 23, 2))
def test_no_pixel_lies_between_the_boxes(at: int) -> None:
    image = np.zeros((1, 7, 23), np.uint16)
    image[0, 3, at] = 1
    view = AxesView(image, "ZYX", "ZYX")
    box = most_contrast(view, (4, 10, 5))
    assert view[box].shape == (1, 7, 5)
    assert view[box].any()


def test_plane_with_the_most_contrast_decides() -> None:
    image = np.zeros((6, 4, 8), bool)
    image[:3, :, :4] = True  # bright, but even
    image[4, 0, 6] = True
    view = AxesView(image, "ZYX", "ZYX")
    assert most_contrast(view, (3, 4, 4))[0] == slice(3, 6)
    assert most_contrast(view, (3, 4, 4))[2] == slice(4, 8)


def test_image_without_contrast_gives_a_box_as_well() -> None:
    view = AxesView(np.ones((3, 3)), "YX", "YX")
    assert most_contrast(view, (2, 9)) == (slice(0, 2), slice(0, 3))
