"""Trust maps of whole micrographs: what they hold, what they find, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import zarr
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.models.generator import Generator
from napari_gan_enhance.models.registry import spec_of
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.trust.assess import assess
from napari_gan_enhance.trust.measure import measure_plane
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.settings import TrustSettings

SIGMA = 2.0
"""Of the blur, pixels."""

GAIN, OFFSET = 2.0, 100.0

FAST = TrustSettings(passes=0)

SEAM = 2e-3
"""Tiles against the whole, as a share of the largest value: the filters fall off as
Gaussians and are cut at three deviations."""


def generator(network=None, **changes):
    spec = spec_of("residual-unet", {"in_channels": 1, "out_channels": 1, "width": 2})
    return Generator(network or torch.nn.Identity(), spec.model_copy(update=changes))


def scene(rng, side=128):
    """Spots and the photons that a camera counts of them."""
    true = np.zeros((side, side))
    true[tuple(rng.integers(4, side - 4, (2, side)))] = 4000.0
    true = gaussian_filter(true, 1.0)
    photons = rng.poisson(gaussian_filter(true, SIGMA) + 10.0)
    return GAIN * true + OFFSET, OFFSET + GAIN * photons


def micrograph(pixels, axes="YX", **known):
    return Micrograph(np.asarray(pixels), axes, VoxelSize(None, 0.1, 0.1), **known)


def run(raw, result, settings=FAST, model=None, **options):
    return drain(assess(raw, result, model or generator(), settings, **options))


def test_maps_keep_axes_channels_and_voxel_size(rng):
    true, image = scene(rng, 64)
    raw = micrograph(
        np.stack([[image, image[::-1]]]),
        "TCYX",
        channels=(Channel("actin", 520.0), Channel("nuclei", 460.0)),
        microscope=Microscope(None, 1.2, 1.333),
    )
    result = raw.with_pixels(np.stack([[true, true[::-1]]]).astype(np.float32))
    maps = run(raw, result, TrustSettings(passes=4))
    assert list(maps.named()) == [
        "expected error", "beyond the evidence", "re-blur score", "disagreement",
    ]  # fmt: skip
    for image in maps.named().values():
        assert (image.axes, image.shape) == ("TCYX", (1, 2, 64, 64))
        assert (image.channels, image.voxel_size_um) == (
            raw.channels,
            raw.voxel_size_um,
        )
        assert np.asarray(image.pixels).dtype == np.float32
    first, second = maps.summary.planes
    assert (first.place, second.place) == ({"T": 0, "C": 0}, {"T": 0, "C": 1})
    # 2 NA / wavelength is beyond the reach of noise here, or sets the limit itself.
    assert first.cutoff_um >= 0.520 / 2 / 1.2 - 1e-9
    assert second.cutoff_um >= 0.460 / 2 / 1.2 - 1e-9


def test_true_result_leaves_noise_only(rng):
    true, image = scene(rng)
    maps = run(micrograph(image), micrograph(true))
    numbers = maps.summary.planes[0]
    assert numbers.misfit == pytest.approx(1, abs=0.15)  # its noise is estimated
    assert numbers.gain == pytest.approx(GAIN, rel=0.3)  # nine in ten, says `noise`
    assert numbers.sigma_px == pytest.approx(SIGMA, rel=0.1)
    assert maps.disagreement is None


def test_given_camera_is_used(rng):
    true, image = scene(rng)
    settings = TrustSettings(passes=0, gain=GAIN, offset=OFFSET, read_noise=0)
    numbers = run(micrograph(image), micrograph(true), settings).summary.planes[0]
    assert (numbers.gain, numbers.shift) == (GAIN, -OFFSET)
    assert numbers.misfit == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("sign", "name"), [(1, "invented"), (-1, "deleted")])
def test_changed_spot_has_the_largest_score_and_its_sign(rng, sign, name):
    true, image = scene(rng)
    spot = np.zeros_like(true)
    spot[40, 70] = 20_000.0  # after blurring 15 noise deviations high
    changed = true + sign * gaussian_filter(spot, 1.0)
    z = run(micrograph(image), micrograph(changed)).reblur_z.pixels
    at = np.unravel_index(np.abs(z).argmax(), z.shape)
    assert np.hypot(at[0] - 40, at[1] - 70) < 2, name
    assert np.sign(z[at]) == -sign


def test_blank_channel_has_blank_maps(rng):
    true, image = scene(rng, 64)
    raw = micrograph(np.stack([image, np.full_like(image, 7)]), "CYX")
    result = micrograph(np.stack([true, np.full_like(true, 7.0)]), "CYX")
    maps = run(raw, result, TrustSettings(passes=4))
    assert len(maps.summary.planes) == 1
    assert not maps.expected_error.pixels[1].any()
    assert maps.expected_error.pixels[0].all()


@pytest.mark.parametrize("background", [0.0, 10.0])
def test_only_cells_of_a_large_plane_are_found_wherever_they_lie(rng, background):
    true = np.zeros((4096, 4096))
    true[1100:1300, 1100:1300] = gaussian_filter(
        4000.0 * (rng.random((200, 200)) > 0.99), 1.0
    )
    image = rng.poisson(gaussian_filter(true, SIGMA) + background).astype(np.uint16)
    around = (slice(1000, 1400), slice(1000, 1400))
    planes = [
        measure_plane(micrograph(image[box]), micrograph(true[box]), {}, FAST)
        for box in (..., around)
    ]
    whole, alone = (plane.numbers for plane in planes)
    assert whole.sigma_px == pytest.approx(alone.sigma_px, rel=0.05)
    assert whole.rsp > 0.95


def test_blank_plane_of_a_stack_has_blank_maps(rng):
    true, image = scene(rng, 64)
    raw = micrograph(np.stack([image, np.full_like(image, 7)]), "ZYX")
    result = micrograph(np.stack([true, true]), "ZYX")  # made up in the second
    maps = run(raw, result)
    for made in maps.named().values():
        assert made.pixels[0].any()
        assert not made.pixels[1].any()


def test_mask_is_measured_like_its_zeros_and_ones(rng):
    _, image = scene(rng)
    mask = image > np.percentile(image, 95)
    result = micrograph(gaussian_filter(mask.astype(np.float32), 1.0))
    maps, numbers = (run(micrograph(m), result) for m in (mask, mask.astype(np.uint8)))
    for name, made in maps.named().items():
        np.testing.assert_array_equal(made.pixels, numbers.named()[name].pixels)


def test_array_on_disk_takes_the_same_maps(rng, tmp_path):
    true, image = scene(rng, 64)
    raw, result, settings = micrograph(image), micrograph(true), TrustSettings(passes=4)
    target = zarr.create_array(tmp_path / "maps", shape=(4, 64, 64), dtype="f4")
    disk, memory = (run(raw, result, settings, target=t) for t in (target, None))
    for name, image_on_disk in disk.named().items():
        np.testing.assert_array_equal(
            image_on_disk.pixels[:, :], memory.named()[name].pixels
        )


def test_tiles_are_seamless(rng):
    true, image = scene(rng, 320)
    raw, result = micrograph(image), micrograph(true)
    operator = TrustOperator(measure_plane(raw, result, {}, FAST).fit)
    source, tiled = np.stack([image, true]), np.zeros((3, 320, 320), np.float32)
    drain(run_tiles([Part(source, tiled, operator)], tile=(80, 80), stage="test"))
    whole = operator(source)
    for one, other in zip(tiled, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=SEAM * np.abs(other).max())


def test_uncertain_model_is_expected_to_err_more(rng):
    class Leaning(torch.nn.Module):
        def forward(self, x):
            return x + 0.3 * (x - x.roll(1, -1))

    true, image = scene(rng, 64)
    raw, result, settings = micrograph(image), micrograph(true), TrustSettings(passes=4)
    calm, leaning = (
        run(raw, result, settings, generator(network))
        for network in (torch.nn.Identity(), Leaning())
    )
    assert calm.disagreement.pixels.max() < 1e-3 * np.ptp(true)
    more = leaning.expected_error.pixels >= calm.expected_error.pixels
    assert more.all()


def test_summary_says_it_in_sentences(rng):
    true, image = scene(rng, 64)
    first, second, third = run(micrograph(image), micrograph(true)).summary.sentences
    assert "supports detail down to" in first
    assert "% of the contrast of the result is finer" in second
    assert "correlation of 0.9" in third


def bad(kind, rng):
    true, image = scene(rng, 64)
    raw, result, model = micrograph(image), micrograph(true), generator()
    match kind:
        case "rgb":
            raw = micrograph(np.stack([image] * 3, -1), "YXS")
            result = raw
        case "shape":
            result = micrograph(true[1:])
        case "nan":
            result = micrograph(np.where(true > true.mean(), np.nan, true))
        case "upscale":
            model = generator(upscale=2)
    return raw, result, model


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("rgb", "The image is RGB"),
        ("shape", "compare the two pixel by pixel"),
        ("nan", "NaN"),
        ("upscale", "a model that keeps both"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, kind, match):
    raw, result, model = bad(kind, rng)
    with pytest.raises(InputError, match=match):
        run(raw, result, model=model)
