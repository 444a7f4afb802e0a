"""Which part of a job is on screen, counted by hand."""

from __future__ import annotations

import pytest

from napari_gan_enhance.tiling.schedule import Focus
from napari_gan_enhance.viewer.focus import ViewFollower, planes_in, volumes_in

WHOLE = {
    "T": slice(0, 3),
    "C": slice(0, 2),
    "Z": slice(0, 5),
    "Y": slice(0, 100),
    "X": slice(0, 200),
}
BOX = {
    "T": slice(2, 3),
    "C": slice(1, 2),
    "Z": slice(3, 4),
    "Y": slice(10, 20),
    "X": slice(30, 60),
}


def test_plane_is_counted_with_the_last_axis_fastest() -> None:
    # (2 * 2 channels + 1) * 5 planes + 3
    assert planes_in(WHOLE)(BOX) == Focus(28, (10.0, 30.0), (20.0, 60.0))


def test_axis_that_a_part_takes_whole_is_not_counted() -> None:
    assert planes_in(WHOLE, taken="C")(BOX).part == 2 * 5 + 3


def test_volume_is_counted_without_its_planes() -> None:
    focus = volumes_in(WHOLE)(BOX)
    assert focus == Focus(2 * 2 + 1, (3.0, 10.0, 30.0), (4.0, 20.0, 60.0))


def test_part_is_counted_within_the_region() -> None:
    region = {**WHOLE, "T": slice(1, 3), "Z": slice(2, 5)}
    assert planes_in(region)(BOX).part == (1 * 2 + 1) * 3 + 1


@pytest.mark.parametrize(("at", "part"), [(0, 0), (4, 1)], ids=["before", "after"])
def test_place_outside_the_region_is_its_nearest_part(at: int, part: int) -> None:
    region = {"Z": slice(2, 4), "Y": slice(0, 9), "X": slice(0, 9)}
    box = {"Z": slice(at, at + 1), "Y": slice(0, 9), "X": slice(0, 9)}
    assert planes_in(region)(box).part == part


def test_rgb_samples_are_parts_that_no_box_names() -> None:
    region = {"Y": slice(0, 9), "X": slice(0, 9), "S": slice(0, 3)}
    box = {"Y": slice(0, 9), "X": slice(0, 9)}
    assert planes_in(region)(box).part == 0


@pytest.mark.parametrize("looks_first", [True, False])
def test_follower_moves_the_schedule_in_any_order(looks_first: bool) -> None:
    follower = ViewFollower()
    if looks_first:
        follower.look_at(BOX)
        schedule = follower.new_schedule(planes_in(WHOLE))
    else:
        schedule = follower.new_schedule(planes_in(WHOLE))
        assert schedule.focus is None
        follower.look_at(BOX)
    assert schedule.focus.part == 28


def test_follower_leaves_the_schedule_of_an_earlier_stage_alone() -> None:
    follower = ViewFollower()
    first = follower.new_schedule(planes_in(WHOLE))
    second = follower.new_schedule(volumes_in(WHOLE))
    follower.look_at(BOX)
    assert first.focus is None
    assert second.focus.part == 5
