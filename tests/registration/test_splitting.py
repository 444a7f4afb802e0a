"""No pixel of one field of view may stand on two sides of a split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_cdt

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.splitting import split_regions

SIDE = st.integers(40, 90)
GUARD = st.integers(0, 9)
SHARE = st.sampled_from([0.0, 0.1, 0.3])


@given(SIDE, SIDE, GUARD, SHARE, SHARE)
def test_no_pixel_is_on_two_sides(height, width, guard, validation, test) -> None:
    split = split_regions((height, width), guard, validation=validation, test=test)
    masks = []
    for box in (split.train, split.validation, split.test):
        mask = np.zeros((height, width), dtype=int)
        mask[box] = 1
        masks.append(mask)
    assert np.sum(masks, axis=0).max() <= 1
    assert [mask.any() for mask in masks] == [True, validation > 0, test > 0]
    for i, one in enumerate(masks):
        if not one.any():
            continue
        # Steps along rows, columns or diagonals to the nearest pixel of this side.
        steps = distance_transform_cdt(1 - one, metric="chessboard")
        for other in masks[i + 1 :]:
            assert not other.any() or steps[other == 1].min() > guard


def test_shares_are_of_what_the_guard_bands_leave() -> None:
    split = split_regions((50, 120), 10, validation=0.2, test=0.1)
    # 120 - 2 x 10 = 100 columns: 70, 20 and 10.
    assert split.train == (slice(0, 50), slice(0, 70))
    assert split.validation == (slice(0, 50), slice(80, 100))
    assert split.test == (slice(0, 50), slice(110, 120))


def test_no_region_is_smaller_than_a_patch() -> None:
    split = split_regions((300, 100), 20, validation=0.1, smallest=64)
    # A tenth of 280 rows would be 28.
    assert split.validation == (slice(236, 300), slice(0, 100))
    assert split.train == (slice(0, 216), slice(0, 100))


def test_strip_holds_its_share_of_the_content() -> None:
    content = np.zeros((100, 200))
    content[20:80, 10:90] = 1  # one cell in the left half
    split = split_regions((100, 200), 5, validation=0.25, content=content)
    held, learned = (
        content[box].sum() / 4800 for box in (split.validation, split.train)
    )
    # Cut along either axis, a quarter of the cell and the band is lost to training;
    # across its longer side the band costs 5 of 80 columns, not 5 of 60 rows.
    assert held == pytest.approx(0.25, abs=0.03)
    assert learned == pytest.approx(1 - 0.25 - 5 / 80, abs=0.03)
    # Without content to go by, the right quarter: it shows nothing.
    assert content[split_regions((100, 200), 5, validation=0.25).validation].sum() == 0


def test_plane_without_room_for_a_guard_band_is_refused() -> None:
    with pytest.raises(InputError, match="guard band of 192"):
        split_regions((256, 256), 192, smallest=64)


def test_strips_leave_enough_to_learn_from():
    """A share of 0.9 would take 90 of 100 pixels; 50 stay for training."""
    split = split_regions((10, 100), 0, validation=0.9, smallest=10, smallest_train=50)
    assert split.train[1] == slice(0, 50)
    assert split.validation[1] == slice(50, 100)


def test_a_strip_does_not_grow_over_empty_pixels():
    """All there is to see lies at the far edges of both axes, a patch is 128 pixels."""
    content = np.zeros((256, 256), np.float32)
    content[:40, :40] = 1
    split = split_regions(
        (256, 256), 96, smallest=32, smallest_train=128, content=content
    )
    sides = [max(s.stop - s.start for s in split.train if s != slice(0, 256))]
    assert sides == [128]
