"""The enhance job: tiles are seamless, values and metadata are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_gan_enhance.device import device_faults, select_device
from napari_gan_enhance.errors import CheckpointError, DeviceError, InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.models.enhance import enhance, result_shape
from napari_gan_enhance.models.generator import Generator
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.schedule import Focus, Schedule

SEAMLESS = 1e-6
"""Budget for tiled against whole, as a share of the range."""

HALF = 0.02
"""bfloat16 keeps 8 bits: 4e-3 a rounding, over some thirty layers."""


class Doubling(torch.nn.Module):
    """Upscale by two, so that shapes and voxel sizes can be followed."""

    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def make_generator(channels=1, *, precision="exact", seed=0):
    config = {
        "in_channels": channels,
        "out_channels": channels,
        "width": 2,
        "depth": 2,
        "initialization": "kaiming",
    }
    torch.manual_seed(seed)
    return Generator(
        build_network("residual-unet", config),
        spec_of("residual-unet", config),
        precision=precision,
    )


def run(micrograph, generator, **options):
    tile = options.pop("tile", None)
    job = enhance(micrograph, generator, EnhanceSettings(tile=tile), **options)
    return drain(job)


@pytest.fixture
def plane(rng):
    return Micrograph(rng.random((61, 83)).astype(np.float32), "YX", name="plane")


@pytest.mark.parametrize("tile", [4, 16, 36])
def test_tiles_equal_the_whole(plane, tile):
    generator = make_generator()
    whole = run(plane, generator, tile=84).pixels
    tiled = run(plane, generator, tile=tile).pixels
    np.testing.assert_allclose(tiled, whole, atol=SEAMLESS * np.ptp(whole))


def test_whole_equals_the_bare_network(rng):
    """No tile engine on the other side: numpy percentiles and one torch call."""
    pixels = rng.random((64, 48)).astype(np.float32)
    generator = make_generator()
    low, high = np.percentile(pixels, [3, 99.8]).astype(np.float32)
    with torch.inference_mode():
        scaled = torch.from_numpy((pixels - low) / (high - low))[None, None]
        expected = generator._network(scaled)[0, 0].numpy() * (high - low) + low
    result = run(Micrograph(pixels, "YX"), generator).pixels
    np.testing.assert_allclose(result, expected, atol=SEAMLESS * np.ptp(expected))


def test_region_equals_the_same_part_of_the_whole(plane):
    generator = make_generator()
    whole = run(plane, generator).pixels
    region = {"Y": slice(13, 40), "X": slice(30, 83)}
    part = run(plane, generator, region=region).pixels
    # Starts are multiples of 4: 12 and 28.
    assert part.shape == (28, 55)
    np.testing.assert_allclose(part, whole[12:40, 28:83], atol=SEAMLESS * np.ptp(whole))


def test_intensities_scale_with_the_input(plane):
    generator = make_generator()
    small = run(plane, generator).pixels
    pixels = plane.pixels.astype(np.float64) * 1000 + 5e4
    large = run(plane.with_pixels(pixels), generator).pixels
    np.testing.assert_allclose(
        large, small * 1000 + 5e4, atol=1e-3 * np.ptp(small) * 1000
    )  # float32 at 5e4 has steps of 4e-3, amplified by percentiles and layers


@pytest.fixture
def fast_half(monkeypatch):
    """A processor that is fast at bfloat16, whatever this one is."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


def test_fast_is_close_to_exact(plane, fast_half):
    exact = run(plane, make_generator()).pixels
    fast = run(plane, make_generator(precision="fast")).pixels
    assert not np.array_equal(fast, exact)
    np.testing.assert_allclose(fast, exact, atol=HALF * np.ptp(exact))


def test_fast_stays_in_float32_where_half_precision_is_slow(plane, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    exact, fast = make_generator(), make_generator(precision="fast")
    # The plane is smaller than the halo: only the precision could make a difference.
    np.testing.assert_array_equal(run(plane, fast).pixels, run(plane, exact).pixels)
    assert fast.bytes_per_pixel == exact.bytes_per_pixel


def test_every_channel_time_and_plane_is_its_own(rng):
    pixels = rng.integers(0, 4000, (2, 3, 2, 20, 24), dtype=np.uint16)
    generator = make_generator()
    result = run(Micrograph(pixels, "TCZYX"), generator)
    # Scaling spans all times and planes of a channel, so one channel alone agrees.
    alone = run(Micrograph(pixels[:, 1], "TZYX"), generator)
    np.testing.assert_array_equal(result.pixels[:, 1], alone.pixels)
    assert result.pixels.dtype == np.float32


def test_rgb_samples_are_channels_to_a_generator_of_three(rng):
    pixels = rng.random((20, 24, 3)).astype(np.float32)
    generator = make_generator(3)
    result = run(Micrograph(pixels, "YXS"), generator)
    planar = run(Micrograph(pixels.transpose(2, 0, 1), "CYX"), generator)
    np.testing.assert_allclose(result.pixels, planar.pixels.transpose(1, 2, 0))


def test_metadata_is_kept_and_provenance_filled():
    micrograph = Micrograph(
        np.random.default_rng(0).random((1, 20, 20)),
        "CYX",
        VoxelSize(None, 0.16, 0.16),
        channels=(Channel("actin", 520),),
        microscope=Microscope(None, 1.3, 1.515),
        name="cells",
    )
    result = run(micrograph, make_generator(), tile=8)
    assert result.voxel_size_um == micrograph.voxel_size_um
    assert result.channels == micrograph.channels
    assert result.microscope == micrograph.microscope
    assert result.provenance["model"]["architecture"] == "residual-unet"
    assert result.provenance["tile"] == [8, 8]
    assert result.provenance["dtype"] == "float32"


def test_upscale_divides_the_voxel_size(rng):
    spec = spec_of("residual-unet", {"in_channels": 1, "out_channels": 1, "width": 2})
    spec = spec.model_copy(update={"upscale": 2, "halo": 0, "size_multiple": 1})
    generator = Generator(Doubling(), spec)
    pixels = rng.random((5, 7))
    micrograph = Micrograph(pixels, "YX", VoxelSize(None, 0.2, 0.1))
    result = run(micrograph, generator)
    assert result.voxel_size_um == (None, 0.1, 0.05)
    assert result_shape(micrograph, spec) == result.shape == (10, 14)
    np.testing.assert_allclose(
        result.pixels, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6
    )


def test_watched_job_uses_small_tiles_and_says_where_it_wrote(rng):
    micrograph = Micrograph(rng.random((2, 300, 40)), "ZYX")
    target = np.zeros((2, 300, 40), np.float32)
    written = np.zeros(target.shape, int)
    job = enhance(
        micrograph,
        make_generator(),
        EnhanceSettings(),
        target=target,
        schedule=Schedule(),
    )
    for report in job:
        if report.detail is not None:
            written[tuple(report.detail.slices[a] for a in "ZYX")] += 1
    assert (written == 1).all()
    assert report.total == 4  # 256 + 44 rows on two planes


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_stepped_generator_gives_the_bits_of_the_network(rng, precision, fast_half):
    generator = make_generator(precision=precision)
    window = rng.random((1, 32, 48)).astype(np.float32)
    image = torch.from_numpy(window)[None].to(memory_format=torch.channels_last)
    half = torch.autocast("cpu", torch.bfloat16, enabled=precision == "fast")
    with torch.inference_mode(), half:
        expected = generator._network(image)[0].float().numpy()
    np.testing.assert_array_equal(generator(window), expected)
    steps = generator.steps(window)
    next(steps)
    # The modes of torch belong to the thread: whoever runs between steps is free.
    assert not torch.is_inference_mode_enabled()
    assert not torch.is_autocast_enabled("cpu")


def test_watched_job_begins_with_a_small_tile_in_view(rng):
    micrograph = Micrograph(rng.random((512, 512)), "YX")
    generator = make_generator()
    schedule = Schedule(Focus(0, (300, 300), (400, 400)))
    job = enhance(micrograph, generator, EnhanceSettings(), schedule=schedule)
    reports = [r for r in job if r.detail is not None]
    first = reports[0].detail.slices
    assert (first["Y"], first["X"]) == (slice(320, 384), slice(320, 384))
    # The tile at (256, 256) is halved four times, down to 64 pixels.
    assert len(reports) == 3 + 5


def test_watched_job_moves_to_what_is_in_view_within_a_tile(rng):
    micrograph = Micrograph(rng.random((512, 512)), "YX")
    schedule = Schedule(Focus(0, (0, 0), (100, 100)))
    job = enhance(micrograph, make_generator(), EnhanceSettings(), schedule=schedule)
    next(job)  # reading intensities
    next(job)  # tiles are cut
    next(job)  # inside the first tile
    schedule.focus = Focus(0, (400, 400), (500, 500))
    first = next(r for r in job if r.detail is not None).detail.slices
    assert (first["Y"], first["X"]) == (slice(448, 512), slice(448, 512))


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((40, 40)), "All pixels have the value 0"),
        (np.ones((3, 40)), "3 x 40 pixels - the model needs at least 4 x 4"),
        (np.full((40, 40), np.nan), "NaN or infinite"),
        (np.zeros((0, 40)), "0 x 40 pixels"),
    ],
)
def test_unusable_images_are_refused(pixels, reason):
    with pytest.raises(InputError, match=reason):
        run(Micrograph(pixels, "YX"), make_generator())


@pytest.mark.parametrize("channels", [1, 2])
def test_a_blank_channel_among_others_stays_as_it_is(rng, channels):
    pixels = np.stack([rng.random((20, 20)), np.full((20, 20), 7.25)])
    generator = make_generator(channels)
    job = enhance(Micrograph(pixels, "CYX"), generator, EnhanceSettings())
    notes, result = [], None
    try:
        while True:
            notes.append(next(job).note)
    except StopIteration as end:
        result = end.value
    np.testing.assert_array_equal(result.pixels[1], 7.25)
    assert np.ptp(result.pixels[0]) > 0
    assert "Channel 2 is blank (all pixels 7.25) and stays so." in notes


def test_wrong_channel_count_is_refused(rng):
    micrograph = Micrograph(rng.random((2, 20, 20)), "CYX")
    with pytest.raises(InputError, match="has 2 channels - the model takes 3"):
        run(micrograph, make_generator(3))


def test_absent_device_names_those_that_are_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"'cuda' is not there .* 'cpu'"):
        select_device("cuda")


def test_device_faults_never_leave_as_runtime_errors():
    with (
        pytest.raises(DeviceError, match="'cpu' failed"),
        device_faults("cpu"),
    ):
        torch.zeros(2) @ torch.zeros(3)


def test_impossible_allocation_is_a_memory_error():
    with pytest.raises(MemoryError), device_faults("cpu"):
        torch.empty(2**60)


def test_region_of_one_channel_keeps_its_description(rng):
    micrograph = Micrograph(
        rng.random((2, 20, 20)), "CYX", channels=(Channel("a"), Channel("b", 520))
    )
    whole = run(micrograph, make_generator())
    second = run(micrograph, make_generator(), region={"C": slice(1, 2)})
    assert second.channels == (Channel("b", 520),)
    np.testing.assert_array_equal(second.pixels[0], whole.pixels[1])


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_weights_that_overflow_are_refused(plane, precision):
    generator = make_generator(precision=precision)
    for weight in generator._network.parameters():
        weight.data *= 1e20
    with pytest.raises(CheckpointError, match=f"NaN or infinite pixels in {precision}"):
        run(plane, generator)
