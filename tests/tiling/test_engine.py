"""The engine against results known without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from napari_gan_enhance.errors import DeviceError, InputError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.schedule import Focus, Schedule

KERNEL_2D = np.random.default_rng(0).normal(size=(5, 7))
KERNEL_3D = np.random.default_rng(1).normal(size=(3, 5, 3))
ROUNDING = 1e-12
"""Of float64 sums of 45 products of order one, added in another order."""


@dataclass
class Convolution:
    """Convolve; scipy on the whole image says what is right."""

    kernel: np.ndarray

    @property
    def halo(self):
        return tuple(n // 2 for n in self.kernel.shape)

    @property
    def size_multiple(self):
        return (1,) * self.kernel.ndim

    @property
    def upscale(self):
        return (1,) * self.kernel.ndim

    bytes_per_pixel = 16.0

    def __call__(self, window):
        return np.stack([convolve(c, self.kernel, mode="mirror") for c in window])


@dataclass
class Repeat:
    """Repeat each pixel `factor` times, in blocks that start at multiples of 4."""

    factor: int = 1
    halo = (3, 3)
    size_multiple = (4, 4)
    bytes_per_pixel = 8.0
    most_pixels: float = np.inf

    @property
    def upscale(self):
        return (self.factor, self.factor)

    def __call__(self, window):
        assert all(n % 4 == 0 for n in window.shape[1:])
        if window[0].size > self.most_pixels:
            raise MemoryError
        return window.repeat(self.factor, 1).repeat(self.factor, 2)


class Stepped(Repeat):
    """Ten steps for each window."""

    closed = False

    def steps(self, window):
        try:
            for i in range(10):
                yield i / 10
            return self(window)
        finally:
            self.closed = True


def run(source, operator, tile, *, region=None, schedule=None, shape=None):
    target = np.full(shape or source.shape, np.nan)
    part = Part(source, target, operator, region)
    reports = []
    used = drain(
        run_tiles([part], tile=tile, stage="testing", schedule=schedule), reports.append
    )
    return target, reports, used


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 31), st.integers(4, 31), st.integers(3, 17), st.integers(3, 17))
def test_convolution_in_tiles_equals_scipy_on_the_whole(height, width, tile_y, tile_x):
    source = np.random.default_rng(2).normal(size=(2, height, width))
    target, _, _ = run(source, Convolution(KERNEL_2D), (tile_y, tile_x))
    expected = [convolve(c, KERNEL_2D, mode="mirror") for c in source]
    np.testing.assert_allclose(target, expected, atol=ROUNDING)


def test_three_dimensions_equal_scipy_on_the_whole(rng):
    source = rng.normal(size=(1, 7, 23, 19))
    target, reports, _ = run(source, Convolution(KERNEL_3D), (4, 8, 8))
    np.testing.assert_allclose(
        target[0], convolve(source[0], KERNEL_3D, mode="mirror"), atol=ROUNDING
    )
    assert reports[-1].done == reports[-1].total == 2 * 3 * 3


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 4), (17, 31), (64, 13)])
def test_upscaling_repeats_every_pixel(rng, factor, size):
    source = rng.normal(size=(2, *size))
    shape = (2, size[0] * factor, size[1] * factor)
    target, _, _ = run(source, Repeat(factor), (8, 12), shape=shape)
    np.testing.assert_array_equal(target, source.repeat(factor, 1).repeat(factor, 2))


def test_every_pixel_is_written_once():
    counts = np.zeros((1, 19, 23))

    class Counting:
        shape = counts.shape

        def __setitem__(self, index, block):
            counts[index] += 1

    part = Part(np.zeros((1, 19, 23)), Counting(), Repeat())
    drain(run_tiles([part], tile=(8, 8), stage="testing"))
    assert (counts == 1).all()


def test_window_past_the_far_border_is_mirrored():
    seen = []

    class Spy(Repeat):
        def __call__(self, window):
            seen.append(window.copy())
            return super().__call__(window)

    run(np.array([[[1.0, 2, 3, 4, 5]]]), Spy(), (4, 8))
    # 1 x 5 pixels grow to 4 x 8; the last pixel is the mirror.
    np.testing.assert_array_equal(seen[0][0], [[1, 2, 3, 4, 5, 5, 4, 3]] * 4)


def test_region_gives_the_same_pixels_as_the_whole(rng):
    source = rng.normal(size=(1, 40, 50))
    whole, _, _ = run(source, Convolution(KERNEL_2D), (16, 16))
    box = (slice(7, 31), slice(12, 49))
    part, _, _ = run(
        source, Convolution(KERNEL_2D), (16, 16), region=box, shape=(1, 24, 37)
    )
    np.testing.assert_allclose(part, whole[(slice(None), *box)], atol=ROUNDING)


def test_out_of_memory_halves_the_tile_and_says_so(rng):
    source = rng.normal(size=(1, 64, 64))
    operator = Repeat(most_pixels=30 * 30)
    target, reports, used = run(source, operator, (64, 64))
    np.testing.assert_array_equal(target, source)
    # 16 x 32 and a halo of 4: the window of at most 24 x 36 pixels is the first to fit.
    assert used == (16, 32)
    notes = [r.note for r in reports if r.note]
    assert notes[0] == (
        "Out of memory with tiles of 64 x 64 pixels; going on with 32 x 64."
    )
    assert reports[-1].done == reports[-1].total


def test_no_memory_for_the_smallest_tile_is_an_error():
    with pytest.raises(DeviceError, match="no memory even for a tile of 4 x 4 pixels"):
        run(np.zeros((1, 16, 16)), Repeat(most_pixels=1), (16, 16))


def test_closing_stops_between_tiles():
    target = np.full((1, 32, 32), np.nan)
    job = run_tiles(
        [Part(np.zeros((1, 32, 32)), target, Repeat())], tile=(8, 8), stage="testing"
    )
    next(job)
    next(job)
    job.close()
    assert np.count_nonzero(~np.isnan(target)) == 8 * 8


def test_closing_stops_inside_a_stepped_operator():
    operator = Stepped()
    source = np.zeros((1, 8, 8))
    target = np.full(source.shape, np.nan)
    job = run_tiles([Part(source, target, operator)], tile=(8, 8), stage="testing")
    for _ in range(4):
        next(job)
    job.close()
    assert operator.closed
    assert np.isnan(target).all()


def test_stepped_operator_reports_between_steps(rng):
    source = rng.normal(size=(1, 8, 8))
    target, reports, _ = run(source, Stepped(), (8, 8))
    np.testing.assert_array_equal(target, source)
    assert len(reports) == 1 + 10 + 1
    assert {r.total for r in reports} == {1}


def test_focus_comes_first_and_may_move():
    schedule = Schedule(Focus(0, (24, 24), (30, 30)))
    source = np.zeros((1, 32, 32))
    order = []
    job = run_tiles(
        [Part(source, np.zeros_like(source), Repeat())],
        tile=(8, 8),
        stage="testing",
        schedule=schedule,
    )
    for report in job:
        if report.detail is not None:
            order.append(report.detail.start)
        if len(order) == 1:
            schedule.focus = Focus(0, (0, 8), (4, 12))
    assert order[:2] == [(24, 24), (0, 8)]
    assert sorted(order) == [(y, x) for y in range(0, 32, 8) for x in range(0, 32, 8)]


@pytest.mark.parametrize("tile", [(6, 8), (0, 8)])
def test_tile_that_is_no_multiple_is_refused(tile):
    with pytest.raises(InputError, match="multiple of 4 x 4"):
        run(np.zeros((1, 16, 16)), Repeat(), tile)
