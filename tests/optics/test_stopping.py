from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics import stopping
from napari_gan_enhance.optics.formation import FormationSettings, form_image
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.optics.stopping import (
    choose_iterations,
    compared_iterations,
    representative_part,
)
from napari_gan_enhance.optics.transfer import FormationOptics
from napari_gan_enhance.progress import drain

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTICS = FormationOptics(
    numerical_aperture=1.3, emission_nm=520, pixel_um=0.08, plane_um=0.25
)

NEAR_BEST_DB = 0.5
"""One image, not the 95 of 100 of the benchmark: eight draws of smooth blobs, whose
double is too sharp, lost 0.3 dB on average and 0.7 at worst."""

EARLY_DB = 0.2
"""As the benchmark asks for; a double as smooth as the best result loses more."""


def blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return spots of a few pixels: an object that more iterations do not sharpen."""
    from scipy.ndimage import gaussian_filter

    sharp = np.zeros(shape, np.float32)
    where = tuple(rng.integers(n // 8, n - n // 8, 40) for n in shape)
    sharp[where] = rng.uniform(0.5, 1, 40)
    return gaussian_filter(sharp, 1.2)


def psf_for(shape: tuple[int, ...]) -> NDArray[np.float32]:
    objective = {
        "numerical_aperture": 1.3,
        "immersion_index": 1.515,
        "emission_nm": 520.0,
    }
    voxel = (0.25, 0.08, 0.08)
    size = psf_shape(shape, voxel, **objective)
    return point_spread_function(size, voxel[-len(size) :], **objective)


def image_of(
    sharp: NDArray[np.float32], rng: np.random.Generator, photons: float
) -> NDArray[np.generic]:
    settings = FormationSettings(
        optics=OPTICS,
        photons=photons,
        background=2,
        gain=2,
        offset=100,
        read_noise=1,
        bits=16,
    )
    return form_image(sharp, settings, rng=rng)


def psnr(result: NDArray[np.float32], sharp: NDArray[np.float32]) -> float:
    """PSNR after an affine fit, but for a constant."""
    r = np.corrcoef(result.ravel(), sharp.ravel())[0, 1]
    return float(-10 * np.log10(1 - r**2))


def loss(
    image: NDArray[np.generic], sharp: NDArray[np.float32], chosen: int, most: int
) -> float:
    """Return how many dB the chosen iteration lies below the best."""
    psf = psf_for(sharp.shape)
    numbers = sorted({*compared_iterations(most), chosen})
    scores = [
        psnr(RichardsonLucy(psf, n, background=100)(image[np.newaxis])[0], sharp)
        for n in numbers
    ]
    return max(scores) - scores[numbers.index(chosen)]


@pytest.mark.parametrize("photons", [50, 2000])
def test_plane_stops_near_the_best_iteration(
    rng: np.random.Generator, photons: float
) -> None:
    sharp = blobs(rng, (96, 96))
    image = image_of(sharp, rng, photons)
    point = drain(choose_iterations(image, psf_for((64, 64)), background=100, most=60))
    assert loss(image, sharp, point.iterations, 60) < NEAR_BEST_DB
    assert not point.is_limit
    assert point.gain == pytest.approx(2, rel=0.25)


def test_stack_stops_near_the_best_iteration(rng: np.random.Generator) -> None:
    sharp = blobs(rng, (12, 64, 64))
    image = image_of(sharp, rng, 300)
    point = drain(
        choose_iterations(image, psf_for(sharp.shape), background=100, most=60)
    )
    assert loss(image, sharp, point.iterations, 60) < NEAR_BEST_DB


def test_more_light_carries_more_iterations(rng: np.random.Generator) -> None:
    sharp = blobs(rng, (96, 96))
    dim, bright = (
        drain(choose_iterations(image_of(sharp, rng, n), psf_for((64, 64)), most=60))
        for n in (30, 3000)
    )
    assert dim.iterations < bright.iterations


def test_faster_algorithm_stops_earlier(rng: np.random.Generator) -> None:
    sharp = blobs(rng, (96, 96))
    image = image_of(sharp, rng, 3000)
    plain, accelerated = (
        drain(choose_iterations(image, psf_for((64, 64)), background=100, **options))
        for options in ({}, {"algorithm": "accelerated"})
    )
    assert accelerated.iterations < plain.iterations


def test_faint_lines_do_not_stop_early(rng: np.random.Generator) -> None:
    sharp = np.zeros((96, 96), np.float32)
    columns = np.arange(96)
    for start, slope in rng.uniform((5, -0.5), (60, 0.8), (8, 2)):
        sharp[np.rint(start + slope * columns).astype(int) % 96, columns] += 1
    image = image_of(sharp, rng, 100)
    point = drain(choose_iterations(image, psf_for((64, 64)), background=100))
    assert loss(image, sharp, point.iterations, 200) < EARLY_DB


def test_work_is_bounded(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "WORK", 7.5 * 64 * 64)
    image = image_of(blobs(rng, (64, 64)), rng, 10_000)
    point = drain(choose_iterations(image, psf_for((64, 64)), background=100))
    assert (point.iterations, point.is_limit) == (7, True)


def test_limit_is_kept_and_reported(rng: np.random.Generator) -> None:
    image = image_of(blobs(rng, (96, 96)), rng, 10_000)
    point = drain(choose_iterations(image, psf_for((64, 64)), background=100, most=5))
    assert point.iterations == 5
    assert point.is_limit
    assert "5 iterations, the most allowed" in point.reason


def test_same_image_gives_the_same_number(rng: np.random.Generator) -> None:
    image = image_of(blobs(rng, (64, 64)), rng, 200)
    first, again = (
        drain(choose_iterations(image, psf_for((64, 64)), most=40)) for _ in range(2)
    )
    assert first == again


def test_scale_of_the_image_does_not_matter(rng: np.random.Generator) -> None:
    image = image_of(blobs(rng, (64, 64)), rng, 200).astype(np.float64)
    numbers = {
        drain(
            choose_iterations(
                image * scale, psf_for((64, 64)), background=100 * scale, most=40
            )
        ).iterations
        for scale in (1e-3, 1, 50)
    }
    assert max(numbers) - min(numbers) <= 1


def test_progress_rises_and_can_be_stopped(rng: np.random.Generator) -> None:
    image = image_of(blobs(rng, (64, 64)), rng, 200)
    job = choose_iterations(image, psf_for((64, 64)), most=40)
    reports = [next(job) for _ in range(10)]
    job.close()
    assert [r.done for r in reports] == list(range(1, 11))
    assert {r.stage for r in reports} == {"choosing iterations"}
    done = []
    drain(
        choose_iterations(image, psf_for((64, 64)), most=40),
        lambda report: done.append(report.done <= report.total),
    )
    assert all(done)


def test_compared_iterations_rise_to_the_limit() -> None:
    assert compared_iterations(1) == (1,)
    assert compared_iterations(12) == (1, 2, 3, 4, 5, 6, 7, 8, 10, 12)
    assert compared_iterations(11)[-2:] == (10, 11)


def test_small_image_is_looked_at_whole(rng: np.random.Generator) -> None:
    image = rng.random((16, 64, 64))
    assert representative_part(image) is image


def test_large_image_is_looked_at_where_it_is_structured() -> None:
    image = np.zeros((1000, 1500), np.uint16)
    image[700:720, 1200:1220] = 1000
    part = representative_part(image)
    assert part.shape == (256, 256)
    assert part.sum() == image.sum()


def test_deep_stack_is_cut_around_its_brightest_planes() -> None:
    image = np.zeros((60, 200, 200), np.uint16)
    image[40, 50:60, 150:160] = 1000
    part = representative_part(image)
    assert part.shape == (16, 64, 64)
    assert part.sum() == image.sum()


def test_strip_gives_a_long_part() -> None:
    assert representative_part(np.zeros((8, 100_000))).shape == (8, 8192)


def test_flat_image_is_left_alone() -> None:
    point = drain(choose_iterations(np.full((40, 40), 5.0), psf_for((64, 64)), most=20))
    assert point.iterations >= 1


def test_nan_is_refused() -> None:
    image = np.full((40, 40), 5.0)
    image[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        drain(choose_iterations(image, psf_for((64, 64))))
