"""The job: parts, regions, channels, metadata, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph import intensity
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics import channel_iterations
from napari_gan_enhance.optics.deconvolve import deconvolve, result_shape
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.optics.settings import DeconvolveSettings, panek
from napari_gan_enhance.progress import drain

VOXEL = VoxelSize(0.5, 0.2, 0.2)
AIR = Microscope(None, 0.75, 1.0)
TWO = DeconvolveSettings(iterations=2, device="cpu")
SEAM = 1e-4  # of the peak: tiles against the whole, see HALO_REACH


def micrograph(pixels: np.ndarray, axes: str, *wavelengths: float) -> Micrograph:
    return Micrograph(
        pixels,
        axes,
        VOXEL,
        channels=tuple(Channel(emission_nm=w) for w in wavelengths),
        microscope=AIR,
        name="cells",
    )


@pytest.fixture
def pixels(rng: np.random.Generator) -> np.ndarray:
    """Axes T, C, Z, Y, X."""
    spots = np.where(rng.random((2, 2, 4, 24, 30)) > 0.98, 1000.0, 5)
    smooth = gaussian_filter(spots, (0, 0, 1, 1, 1))
    return rng.poisson(smooth).astype(np.uint16)


def by_hand(pixels: np.ndarray, emission_nm: float, widest_nm: float) -> np.ndarray:
    voxel = VOXEL[-pixels.ndim :]
    objective = {"numerical_aperture": 0.75, "immersion_index": 1.0}
    shape = psf_shape(pixels.shape, voxel, emission_nm=widest_nm, **objective)
    psf = point_spread_function(shape, voxel, emission_nm=emission_nm, **objective)
    return RichardsonLucy(psf, 2)(pixels[np.newaxis])[0]


def test_each_channel_and_time_has_its_own_volume_and_psf(pixels) -> None:
    result = drain(deconvolve(micrograph(pixels, "TCZYX", 450, 650), TWO)).pixels
    assert result.shape == pixels.shape
    assert result.dtype == np.float32
    for t in range(2):
        for c, wavelength in enumerate((450, 650)):
            expected = by_hand(pixels[t, c], wavelength, 650)
            np.testing.assert_array_equal(result[t, c], expected)


def test_any_order_of_axes(pixels) -> None:
    expected = drain(deconvolve(micrograph(pixels, "TCZYX", 450, 650), TWO)).pixels
    moved = np.moveaxis(pixels, (0, 1), (4, 3))  # Z Y X C T
    result = drain(deconvolve(micrograph(moved, "ZYXCT", 450, 650), TWO)).pixels
    np.testing.assert_array_equal(np.moveaxis(result, (4, 3), (0, 1)), expected)


def test_stack_of_one_plane_equals_the_plane(pixels) -> None:
    plane = pixels[0, 0, 0]
    flat = drain(deconvolve(micrograph(plane, "YX", 520), TWO)).pixels
    stack = drain(deconvolve(micrograph(plane[np.newaxis], "ZYX", 520), TWO)).pixels
    np.testing.assert_array_equal(stack[0], flat)
    np.testing.assert_array_equal(flat, by_hand(plane, 520, 520))


def test_samples_of_rgb_are_channels(pixels) -> None:
    rgb = np.moveaxis(pixels[0, 0, :3], 0, 2).astype(np.uint8)
    settings = TWO.model_copy(update={"emission_nm": (600.0, 520.0, 450.0)})
    result = drain(deconvolve(micrograph(rgb, "YXS"), settings))
    for s, wavelength in enumerate((600, 520, 450)):
        expected = by_hand(rgb[..., s], wavelength, 600)
        np.testing.assert_array_equal(result.pixels[..., s], expected)


def test_region_equals_that_part_of_the_whole(pixels) -> None:
    image = micrograph(pixels, "TCZYX", 450, 650)
    region = {"T": slice(1, 2), "C": slice(1, 2), "Y": slice(3, 9), "X": slice(4, 21)}
    whole = drain(deconvolve(image, TWO)).pixels
    target = np.zeros(result_shape(image, region), np.float32)
    part = drain(deconvolve(image, TWO, region=region, target=target))
    assert part.pixels is target
    assert [c.emission_nm for c in part.channels] == [650]
    expected = whole[1:2, 1:2, :, 3:9, 4:21]
    assert np.abs(target - expected).max() < SEAM * whole.max()


def test_written_regions_cover_the_target_once(pixels) -> None:
    image = micrograph(pixels[:, :, 0], "TCYX", 450, 650)
    count = np.zeros(image.shape, int)
    settings = TWO.model_copy(update={"tile": 16})
    reports = []
    drain(deconvolve(image, settings), reports.append)
    for report in reports:
        if report.detail is not None:
            count[tuple(report.detail.slices[a] for a in "TCYX")] += 1
    assert (count == 1).all()
    assert reports[-1].done == reports[-1].total == 2 * 2 * 2 * 2


def test_tiles_agree_with_the_whole(pixels) -> None:
    image = micrograph(pixels[0, 0], "ZYX", 520)
    whole = drain(deconvolve(image, TWO)).pixels
    tiled = drain(deconvolve(image, TWO.model_copy(update={"tile": 11}))).pixels
    assert np.abs(tiled - whole).max() < SEAM * whole.max()


def test_metadata_and_provenance(pixels) -> None:
    image = replace(
        micrograph(pixels[0], "CZYX", 450, 650),
        microscope=Microscope(),
        voxel_size_um=VoxelSize(),
        provenance={"operation": "enhance"},
    )
    settings = TWO.model_copy(
        update={
            "numerical_aperture": 0.75,
            "immersion_index": 1.0,
            "voxel_size_um": VOXEL,
        }
    )
    result = drain(deconvolve(image, settings))
    assert (result.name, result.axes) == ("cells", "CZYX")
    assert result.voxel_size_um == VOXEL
    assert result.microscope.numerical_aperture == 0.75
    assert [c.emission_nm for c in result.channels] == [450, 650]
    made = result.provenance
    assert made["operation"] == "richardson-lucy"
    assert made["settings"]["iterations"] == 2
    assert made["optics"]["emission_nm"] == [450, 650]
    assert made["parent"] == {"operation": "enhance"}


def test_chosen_iterations_belong_to_the_whole_image(pixels) -> None:
    image = micrograph(pixels[:, :, 0], "TCYX", 450, 650)
    auto = TWO.model_copy(update={"iterations": "auto"})
    notes = []
    whole = drain(deconvolve(image, auto), lambda report: notes.append(report.note))
    found = whole.provenance["iterations"]
    assert len(found) == 2
    for channel, iterations in enumerate(found, 1):
        start = f"Channel {channel}: {iterations} iterations"
        assert sum(note.startswith(start) for note in notes) == 1
    region = {"T": slice(1, 2), "C": slice(1, 2), "X": slice(0, 9)}
    part = drain(deconvolve(image, auto, region=region))
    assert part.provenance["iterations"] == found[1:]
    fixed = auto.model_copy(update={"iterations": found[1]})
    expected = drain(deconvolve(image, fixed, region=region)).pixels
    np.testing.assert_array_equal(part.pixels, expected)


def test_iterations_are_chosen_where_an_image_with_an_empty_middle_has_cells(
    rng, monkeypatch
) -> None:
    monkeypatch.setattr(channel_iterations, "LARGEST_SIDE", 48)
    cells = np.zeros((48, 48), np.uint16)
    cells[rng.integers(8, 40, 30), rng.integers(8, 40, 30)] = 900
    cells = rng.poisson(gaussian_filter(cells.astype(float), 1.5)).astype(np.uint16)
    around = np.zeros((144, 144), np.uint16)
    around[96:, 96:] = cells
    auto = TWO.model_copy(update={"iterations": "auto"})
    found = [
        drain(deconvolve(micrograph(image, "YX", 520), auto)).provenance["iterations"]
        for image in (cells, around)
    ]
    assert found[0] == found[1] != [1]


def test_user_is_told_where_there_is_nothing_to_choose_by(pixels) -> None:
    image = pixels[0, :, 0].copy()
    image[1] = 0
    notes = []
    auto = TWO.model_copy(update={"iterations": "auto"})
    job = deconvolve(micrograph(image, "CYX", 450, 650), auto)
    drain(job, lambda report: notes.append(report.note))
    why = "Channel 2: 1 iteration: the first plane, or stack, is constant."
    assert why in notes


def test_history_of_channels_that_stop_apart(pixels) -> None:
    """A blank channel needs one iteration; it repeats its result in the history."""
    image = pixels[0, :, 0].copy()
    image[0] = 0
    auto = TWO.model_copy(update={"iterations": "auto"})
    arrays = []

    def provide(kept: tuple[int, ...]) -> np.ndarray:
        arrays.append(np.full((len(kept), *image.shape), np.nan, np.float32))
        return arrays[-1]

    job = deconvolve(micrograph(image, "CYX", 450, 650), auto, history=provide)
    result = drain(job)
    assert result.provenance["iterations"][0] == 1
    assert len(arrays[0]) > 1
    assert not arrays[0][:, 0].any()
    np.testing.assert_array_equal(arrays[0][-1], result.pixels)


def test_settings_reach_the_operator(pixels) -> None:
    plane = pixels[0, 0, 0]
    image = micrograph(plane + 100, "YX", 520)
    given = {"algorithm": "accelerated", "background": 100.0, "iterations": 4}
    result = drain(deconvolve(image, TWO.model_copy(update=given))).pixels
    objective = {"numerical_aperture": 0.75, "immersion_index": 1.0}
    shape = psf_shape(plane.shape, VOXEL, emission_nm=520, **objective)
    psf = point_spread_function(shape, VOXEL, emission_nm=520, **objective)
    expected = RichardsonLucy(psf, 4, algorithm="accelerated")(plane[None])[0]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_panek_preset_follows_what_was_published(pixels) -> None:
    """NA 1.4, paraxial, sampled, periodic, DeconvolutionLab2's start and quotient."""
    image = replace(
        micrograph(pixels[0, 0, 0], "YX", 520), microscope=Microscope(None, 1.3, 1.515)
    )
    result = drain(deconvolve(image, panek(device="cpu"))).pixels
    objective = {"numerical_aperture": 1.4, "immersion_index": 1.515}
    shape = psf_shape((24, 30), VOXEL, emission_nm=520, model="born-wolf", **objective)
    psf = point_spread_function(
        shape, VOXEL, emission_nm=520, model="born-wolf", integrate=False, **objective
    )
    operator = RichardsonLucy(psf, 10, boundary="periodic", darkness="absolute")
    np.testing.assert_array_equal(result, operator(pixels[0, 0, 0][None])[0])


def test_background_above_everything_is_refused(pixels) -> None:
    image = micrograph(pixels[0, 0, 0], "YX", 520)
    with pytest.raises(InputError, match="leaves no light"):
        drain(deconvolve(image, TWO.model_copy(update={"background": 1e9})))


@pytest.mark.parametrize("bright", [0, 1])
def test_background_below_a_plane_that_was_not_sampled_is_taken(
    pixels, bright, monkeypatch
) -> None:
    monkeypatch.setattr(intensity, "MOST_SAMPLES", 1)  # one block of the two planes
    pixels = pixels[:, 0, 0]
    pixels[bright] += 5000
    image = micrograph(pixels, "TYX", 520)
    result = drain(deconvolve(image, TWO.model_copy(update={"background": 4000})))
    assert result.pixels[bright].max() > 0
    assert result.pixels[1 - bright].max() == pytest.approx(0, abs=1e-6)


def test_user_is_told_what_does_not_keep_the_light(pixels) -> None:
    image, notes = micrograph(pixels[0, 0, 0], "YX", 520), []
    settings = TWO.model_copy(update={"algorithm": "wiener-butterworth"})
    drain(deconvolve(image, settings), lambda report: notes.append(report.note))
    assert any("does not keep the amount of light" in note for note in notes)


def test_cancel_stops_between_transforms(pixels) -> None:
    target = np.zeros(pixels.shape, np.float32)
    job = deconvolve(micrograph(pixels, "TCZYX", 450, 650), TWO, target=target)
    for _ in range(4):
        next(job)
    job.close()
    assert not target.any()


def test_user_is_told_of_negative_and_coarse_pixels(pixels) -> None:
    notes = []
    image = micrograph(pixels[0, 0, 0].astype(np.int32) - 10, "YX", 450)
    drain(deconvolve(image, TWO), lambda report: notes.append(report.note))
    assert any("down to -10" in note for note in notes)
    assert any("coarser than" in note and "0.150" in note for note in notes)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((20, 20), 7.0), "All pixels have the value 7"),
        (np.zeros((20, 20)), "All pixels have the value 0"),
        (np.zeros((0, 20)), "holds no pixels"),
        (np.where(np.eye(20), np.nan, 1), "NaN or infinite"),
        (np.where(np.eye(20), np.inf, 1), "NaN or infinite"),
    ],
)
def test_unfit_images_are_refused(image: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        drain(deconvolve(micrograph(image, "YX", 520), TWO))


def test_blank_channel_beside_others_stays_blank(pixels) -> None:
    image = pixels[0, :, 0].copy()
    image[1] = 0
    result = drain(deconvolve(micrograph(image, "CYX", 450, 650), TWO)).pixels
    assert result[0].any()
    assert not result[1].any()


def test_target_may_be_zarr(pixels, tmp_path) -> None:
    import zarr

    image = micrograph(pixels[0, 0], "ZYX", 520)
    target = zarr.create_array(tmp_path / "t.zarr", shape=image.shape, dtype="f4")
    drain(deconvolve(image, TWO, target=target))
    np.testing.assert_array_equal(target[:], by_hand(pixels[0, 0], 520, 520))


def test_psf_from_a_file_is_used(pixels, tmp_path) -> None:
    import tifffile

    one = np.zeros((5, 5), np.float32)
    one[2, 2] = 1
    tifffile.imwrite(tmp_path / "psf.tif", one)
    settings = TWO.model_copy(update={"psf_path": tmp_path / "psf.tif"})
    plane = pixels[0, 0, 0]
    result = drain(deconvolve(Micrograph(plane, "YX"), settings))
    np.testing.assert_allclose(result.pixels, plane, atol=1e-5 * plane.max())
    assert result.provenance["settings"]["psf_path"] == "psf.tif"
