"""Order of tiles under a focus that moves: what is seen comes first, all come once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_gan_enhance.tiling import engine
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.grid import Tile, tiles_of
from napari_gan_enhance.tiling.schedule import Focus, Schedule

SIZE = 32
TILE = (8, 8)
QUICK = (4, 4)
STEPS = 4
TOP_LEFT = Focus(0, (0, 0), (8, 8))
BOTTOM_RIGHT = Focus(0, (24, 24), (32, 32))


class Identity:
    """Four steps for each window; counts the windows that were begun."""

    halo = size_multiple = upscale = (1, 1)
    bytes_per_pixel = 8.0
    begun = closed = 0

    def __call__(self, window):
        raise AssertionError("an operator with steps is run by its steps")

    def steps(self, window):
        self.begun += 1
        try:
            for i in range(STEPS):
                yield i / STEPS
            return window.copy()
        finally:
            self.closed += 1


class Watched:
    """A target that remembers where and how often it was written."""

    def __init__(self, shape):
        self.shape = shape
        self.counts = np.zeros(shape, int)
        self.pixels = np.zeros(shape)
        self.order = []

    def __setitem__(self, index, block):
        self.counts[index] += 1
        self.pixels[index] = block
        self.order.append(tuple((s.start, s.stop) for s in index[1:]))


@pytest.fixture
def pixels(rng):
    return rng.normal(size=(1, SIZE, SIZE))


def start(parts, schedule, quick=None):
    """Return a job, and a function that takes it on by some reports."""
    job = run_tiles(parts, tile=TILE, stage="testing", schedule=schedule, quick=quick)
    return job, lambda reports: [next(job) for _ in range(reports)]


def grid(part=0):
    return tiles_of(part, (slice(0, SIZE), slice(0, SIZE)), TILE)


foci = st.builds(
    lambda part, y, x, side: Focus(part, (y, x), (y + side, x + side)),
    st.integers(0, 1),
    st.integers(-20, 40),
    st.integers(-20, 40),
    st.integers(1, 40),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 15), foci), max_size=30))
def test_every_pixel_is_written_once_however_the_focus_moves(moves):
    source = np.random.default_rng(0).normal(size=(1, SIZE, SIZE))
    parts = [Part(source * k, Watched(source.shape), Identity()) for k in (1, 2)]
    schedule, waits = Schedule(), iter(moves)
    wait, focus = next(waits, (None, None))
    job, _ = start(parts, schedule, QUICK)
    for report in job:
        assert report.done <= report.total
        while wait == 0:
            schedule.focus = focus
            wait, focus = next(waits, (None, None))
        wait = None if wait is None else wait - 1
    assert report.done == report.total
    for part in parts:
        assert (part.target.counts == 1).all()
        np.testing.assert_array_equal(part.target.pixels, part.source)
        assert part.operator.begun == part.operator.closed


def test_tile_out_of_view_is_given_up_and_computed_later(pixels):
    schedule, target, operator = Schedule(TOP_LEFT), Watched(pixels.shape), Identity()
    job, go_on = start([Part(pixels, target, operator)], schedule)
    go_on(1 + 2)  # into the first tile
    schedule.focus = BOTTOM_RIGHT
    reports = go_on(2 + STEPS)
    assert operator.closed == 2
    assert [r.detail.start for r in reports if r.detail] == [(24, 24)]
    assert target.order == [((24, 32), (24, 32))]
    for _ in job:
        pass
    assert operator.begun == 16 + 1
    assert (target.counts == 1).all()


@pytest.mark.parametrize(
    "focus",
    [
        Focus(0, (7, 7), (32, 32)),  # still shows a corner of the tile
        Focus(0, (40, 40), (50, 50)),  # shows no tile
        Focus(1, (0, 0), (8, 8)),  # a part whose tiles do not exist
    ],
)
def test_tile_is_finished_where_giving_it_up_gains_nothing(pixels, focus):
    schedule, target = Schedule(TOP_LEFT), Watched(pixels.shape)
    _, go_on = start([Part(pixels, target, Identity())], schedule)
    go_on(1 + 2)
    schedule.focus = focus
    go_on(STEPS - 1)
    assert target.order == [((0, 8), (0, 8))]


def test_tile_that_has_cost_too_much_is_finished(pixels, monkeypatch):
    monkeypatch.setattr(engine, "MOST_LOST_S", 0.0)
    schedule, target = Schedule(TOP_LEFT), Watched(pixels.shape)
    _, go_on = start([Part(pixels, target, Identity())], schedule)
    go_on(1 + 2)
    schedule.focus = BOTTOM_RIGHT
    go_on(STEPS - 1)
    assert target.order == [((0, 8), (0, 8))]


def test_closing_after_a_tile_was_given_up_ends_both(pixels):
    schedule, target, operator = Schedule(TOP_LEFT), Watched(pixels.shape), Identity()
    job, go_on = start([Part(pixels, target, operator)], schedule)
    go_on(1 + 2)
    schedule.focus = BOTTOM_RIGHT
    go_on(3)
    job.close()
    assert operator.begun == operator.closed == 2
    assert target.order == []


def test_first_tile_in_view_is_cut_and_the_piece_under_the_eye_comes_first():
    schedule = Schedule(Focus(0, (9, 9), (12, 21)))  # its center is (10.5, 15)
    schedule.replace(grid())
    first = [schedule.take(QUICK) for _ in range(4)]
    # The upper half is halved again, and its right quarter is under the eye. Only one
    # tile pays for small windows: the last, also in view, is whole.
    assert [t.start for t in first] == [(8, 12), (8, 8), (12, 8), (8, 16)]
    assert [t.shape for t in first] == [QUICK, QUICK, (4, 8), TILE]
    assert len(schedule) == 16 - 2


def test_no_tile_is_cut_while_nobody_looks_or_nothing_is_in_view():
    unwatched = Schedule()
    unwatched.replace(grid())
    assert unwatched.take(QUICK) == Tile(0, (0, 0), (8, 8))
    away = Schedule(Focus(0, (40, 40), (50, 50)))
    away.replace(grid())
    assert away.take(QUICK) == Tile(0, (24, 24), (32, 32))


def test_other_parts_follow_with_the_same_place_first():
    schedule = Schedule(Focus(1, (8, 8), (16, 16)))
    schedule.replace([*grid(0), *grid(1), *grid(2)])
    order = [schedule.take() for _ in range(48)]
    assert {t.part for t in order[:16]} == {1}
    assert order[0].start == (8, 8)
    assert {(t.part, t.start) for t in order[16:18]} == {(0, (8, 8)), (2, (8, 8))}
    assert len(set(order)) == 48
