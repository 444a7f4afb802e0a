"""Resolution of images whose transfer function ends at a known frequency."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError, MissingExtraError
from napari_gan_enhance.metrics.resolution import (
    check_raw,
    decorrelation,
    frc,
    single_image_frc,
)
from napari_gan_enhance.metrics.unreferenced import measure_resolution
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain

PIXEL = (0.1, 0.1)
NEAR = 0.05  # relative: one pair of noisy images, a smooth curve through its rings
BIAS = 0.10  # of decorrelation, 6 % on such images


@pytest.fixture(autouse=True)
def cubic_installed(request: pytest.FixtureRequest) -> None:
    if "missing" not in request.node.name:
        pytest.importorskip("cubic", reason="extra 'metrics' is not installed")


def band_limited(rng: np.random.Generator, cutoff: float, shape=(256, 256)):
    """Sparse spots under a transfer function that falls to 0 at `cutoff` per pixel."""
    spots = (rng.random(shape) < 0.02) * 500.0
    f = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij"))
    otf = np.clip(1 - f / cutoff, 0, None)
    image = np.fft.ifft2(np.fft.fft2(spots) * otf).real
    return image - image.min() + 5


def crossing(rng: np.random.Generator, cutoff: float, noise: float) -> float:
    """Return the frequency where the expected correlation S / (S + N) is 1/7."""
    image = band_limited(rng, cutoff)
    window = np.outer(np.hamming(256), np.hamming(256))
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    level = noise**2 * (window**2).sum()
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    rings = np.arange(0.005, 0.5, 1 / 256)
    mean = [power[np.abs(f - r) < 1 / 512].mean() for r in rings]
    below = np.flatnonzero(mean / (np.array(mean) + level) < 1 / 7)
    return float(rings[below[0]])


@pytest.mark.parametrize("cutoff", [0.15, 0.2, 0.3])
def test_frc_of_two_recordings_is_where_noise_equals_six_signals(rng, cutoff) -> None:
    image = band_limited(np.random.default_rng(5), cutoff)
    first, second = (image + rng.normal(0, 2, image.shape) for _ in range(2))
    found = frc(first, second, PIXEL)
    expected = PIXEL[0] / crossing(np.random.default_rng(5), cutoff, 2)
    assert found.resolution_um == pytest.approx(expected, rel=NEAR)
    assert (found.method, found.threshold) == ("frc", "1/7")


def test_curve_falls_from_one_to_noise(rng) -> None:
    image = band_limited(rng, 0.2)
    first, second = (rng.poisson(image) for _ in range(2))
    found = frc(first, second, PIXEL)
    assert found.frequency[-1] == pytest.approx(1)
    assert found.correlation[1:10].min() > 0.95
    assert found.correlation[-40:].mean() < 0.1


def test_thresholds_are_named(rng) -> None:
    image = band_limited(rng, 0.2)
    first, second = (rng.poisson(image) for _ in range(2))
    names = ("1/7", "half-bit", "three-sigma")
    found = {t: frc(first, second, PIXEL, threshold=t) for t in names}
    assert [r.threshold for r in found.values()] == list(names)
    for one in found.values():
        assert one.resolution_um == pytest.approx(0.5, rel=0.12)
    with pytest.raises(InputError, match="'2/7' - there are '1/7', 'half-bit'"):
        frc(first, second, PIXEL, threshold="2/7")


def test_decorrelation_is_near_the_cutoff_and_says_its_bias(rng) -> None:
    found = decorrelation(rng.poisson(band_limited(rng, 0.25)), PIXEL)
    assert found.resolution_um == pytest.approx(0.4, rel=BIAS)
    assert "true or invented" in found.note


def test_single_image_frc_of_a_well_sampled_image(rng) -> None:
    """Koho's calibration is that of their microscope: 15 % is what it holds to."""
    image = band_limited(np.random.default_rng(5), 0.15)
    found = single_image_frc(image + rng.normal(0, 2, image.shape), PIXEL)
    expected = PIXEL[0] / crossing(np.random.default_rng(5), 0.15, 2)
    assert found.resolution_um == pytest.approx(expected, rel=0.15)
    assert "raw, well-sampled images only" in found.note


def test_single_image_frc_of_a_coarse_image_is_refused(rng) -> None:
    with pytest.raises(InputError, match="agree up to their finest detail"):
        single_image_frc(rng.poisson(band_limited(rng, 0.35)), PIXEL)


def test_single_image_frc_of_a_result_is_refused(rng) -> None:
    raw = Micrograph(
        rng.random((64, 64)), "YX", VoxelSize(None, 0.1, 0.1), name="cells"
    )
    check_raw(raw)
    enhanced = raw.with_pixels(raw.pixels, provenance={"operation": "enhance"})
    with pytest.raises(InputError, match="'cells' is a result of 'enhance'"):
        drain(measure_resolution(enhanced, "single-image frc"))


def test_planes_are_measured_one_by_one(rng) -> None:
    size = VoxelSize(None, 0.1, 0.1)
    sharp, blurred = (band_limited(rng, cutoff) for cutoff in (0.3, 0.15))
    stack = np.stack([rng.poisson(sharp), rng.poisson(blurred)])
    again = np.stack([rng.poisson(sharp), rng.poisson(blurred)])
    planes = drain(
        measure_resolution(
            Micrograph(stack, "CYX", size), "frc", repeat=Micrograph(again, "CYX", size)
        )
    )
    assert [dict(p.position) for p in planes] == [{"C": 0}, {"C": 1}]
    fine, coarse = (p.resolution.resolution_um for p in planes)
    assert coarse / fine == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("noise", "other", "nothing in common"),
        ("image", "image", "never falls to '1/7'"),
        ("image", "crop", "on one grid"),
        ("tiny", "tiny", "at least 32 x 32"),
        ("flat", "flat", "have the value 3"),
        ("nan", "image", "NaN"),
    ],
)
def test_what_has_no_resolution_is_refused(rng, first, second, message) -> None:
    image = gaussian_filter(rng.random((64, 64)), 2)
    broken = image.copy()
    broken[3, 3] = np.nan
    planes = {
        "image": image,
        "noise": rng.random((64, 64)),
        "other": rng.random((64, 64)),
        "crop": image[:40],
        "tiny": image[:9, :9],
        "flat": np.full((64, 64), 3.0),
        "nan": broken,
    }
    with pytest.raises(InputError, match=message):
        frc(planes[first], planes[second], PIXEL)


def test_pixels_must_be_square_and_known(rng) -> None:
    image = rng.poisson(band_limited(rng, 0.2, (64, 64)))
    with pytest.raises(InputError, match=r"0\.2 µm high and 0\.1 µm wide"):
        frc(image, image + rng.random(image.shape), (0.2, 0.1))
    with pytest.raises(InputError, match="does not say its pixel size"):
        drain(measure_resolution(Micrograph(image, "YX"), "decorrelation"))
    with pytest.raises(InputError, match="Only one image was given"):
        drain(measure_resolution(Micrograph(image, "YX"), "frc"))


def test_missing_library_names_the_extra(rng, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cubic.metrics.spectral", None)
    with pytest.raises(MissingExtraError, match=r"napari-gan-enhance\[metrics\]"):
        decorrelation(rng.random((64, 64)), PIXEL)
