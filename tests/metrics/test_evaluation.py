"""Whole micrographs are compared plane by plane."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.evaluation import evaluate_planes
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.metrics.overlap import same_field
from napari_gan_enhance.metrics.plane_pairs import counted
from napari_gan_enhance.metrics.scale_free import fit_micro_ssim
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.metrics.similarity import BAND
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Progress, RemainingTime, drain


@pytest.fixture
def reference(rng: np.random.Generator) -> np.ndarray:
    """Axes C, Z, Y, X; the second channel is ten times as bright."""
    return rng.random((2, 3, 16, 20)) * np.array([1, 10])[:, None, None, None]


def test_each_plane_and_their_median(reference, rng) -> None:
    result = reference + rng.normal(0, 0.1, reference.shape)
    pair = Micrograph(result, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(
        evaluate_planes(*pair, EvaluateSettings(data_range=2, fit="none"))
    )
    assert [dict(p.position) for p in evaluation.planes] == [
        {"C": c, "Z": z} for c in range(2) for z in range(3)
    ]
    for plane in evaluation.planes:
        at = plane.position["C"], plane.position["Z"]
        expected = evaluate(result[at], reference[at], data_range=2.0, fit="none")
        assert plane.scores == expected
    psnrs = [p.scores.psnr for p in evaluation.planes]
    assert evaluation.median.psnr == np.median(psnrs)


def test_booleans_count_as_zero_and_one(rng) -> None:
    first, second = rng.random((2, 24, 24)) > 0.5
    settings = EvaluateSettings(data_range=1, fit="none")
    pair = Micrograph(first, "YX"), Micrograph(second, "YX")
    scores = drain(evaluate_planes(*pair, settings)).median
    # The square of a difference is 1 wherever two booleans are not the same.
    assert scores.mse == pytest.approx(np.mean(first != second))


def test_range_is_that_of_the_whole_channel(reference) -> None:
    pair = Micrograph(reference * 2, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(evaluate_planes(*pair))
    for plane in evaluation.planes:
        low, high = np.percentile(reference[plane.position["C"]], [3, 99.8])
        assert plane.data_range == pytest.approx(high - low)


def test_order_of_axes_does_not_matter(reference) -> None:
    moved = np.moveaxis(reference, 0, 3)
    pair = Micrograph(moved, "ZYXC"), Micrograph(reference[None], "TCZYX")
    evaluation = drain(evaluate_planes(*pair))
    assert evaluation.median.mse == pytest.approx(0, abs=1e-20)


def test_one_plane_has_no_position(reference) -> None:
    plane = Micrograph(reference[0, 0], "YX")
    evaluation = drain(evaluate_planes(plane, plane))
    assert [dict(p.position) for p in evaluation.planes] == [{}]


def test_other_sizes_are_refused(reference) -> None:
    pair = Micrograph(reference[:, :2], "CZYX"), Micrograph(reference, "CZYX")
    with pytest.raises(InputError, match=r"Z 2 x Y 16.*Z 3 x Y 16"):
        drain(evaluate_planes(*pair))


def test_planes_of_a_channel_share_the_scale_of_micro_ssim(reference, rng) -> None:
    """The second channel has another scale, which must not matter to the first."""
    result = reference * 3 + rng.normal(0, 0.1, reference.shape)
    pair = Micrograph(result, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(evaluate_planes(*pair))
    planes = [(result[0, z], reference[0, z]) for z in range(3)]
    micro = drain(fit_micro_ssim(planes))
    expected = [drain(micro.score(*plane)) for plane in planes]
    found = [p.scale_free.micro_ssim for p in evaluation.planes[:3]]
    np.testing.assert_allclose(found, expected)
    assert evaluation.median_scale_free.si_psnr == pytest.approx(
        np.median([p.scale_free.si_psnr for p in evaluation.planes])
    )


@pytest.mark.parametrize("convention", ["standard", "dlsr"])
def test_large_planes_report_by_bands_and_have_the_ssim_of_the_whole(
    rng, convention
) -> None:
    """A dozen bands of a tall image; each convention has a window of its own."""
    reference = rng.random((12 * BAND - 5, 20))
    result = reference + rng.normal(0, 0.1, reference.shape)
    settings = EvaluateSettings(convention=convention)
    job = evaluate_planes(
        Micrograph(result, "YX"), Micrograph(reference, "YX"), settings
    )
    reports = []
    found = drain(job, reports.append)
    assert sum(r.stage == "comparing" and r.done == 0 for r in reports) >= 12
    if convention == "dlsr":
        spans = [(a - a.min()) / np.ptp(a) for a in (reference, result)]
        expected = structural_similarity(*spans, data_range=2.0)
    else:
        gain, offset = np.polyfit(result.ravel(), reference.ravel(), 1)
        expected = structural_similarity(
            reference,
            gain * result + offset,
            data_range=found.planes[0].data_range,
            gaussian_weights=True,
            use_sample_covariance=False,
        )
    assert found.median.ssim == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["result", "reference"])
def test_the_image_that_holds_nan_is_named(reference, name) -> None:
    pair = {"result": reference.copy(), "reference": reference.copy()}
    pair[name][1, 2, 3, 4] = np.nan
    job = evaluate_planes(*(Micrograph(p, "CZYX") for p in pair.values()))
    with pytest.raises(InputError, match=f"^The {name} holds NaN"):
        drain(job)


def test_maps_show_where_the_error_is(reference) -> None:
    result = reference.copy()
    result[1, 2, 8, 9] += 5
    pair = Micrograph(result, "CZYX"), Micrograph(reference, "CZYX", name="truth")
    settings = EvaluateSettings(fit="none", maps=True)
    maps = drain(evaluate_planes(*pair, settings)).maps
    error = np.zeros_like(reference)
    error[1, 2, 8, 9] = 5
    np.testing.assert_allclose(maps.error.pixels, error, atol=1e-5)
    assert maps.ssim.pixels.shape == reference.shape
    # Far from the error the images are equal.
    assert maps.ssim.pixels[0].min() == pytest.approx(1)
    assert maps.ssim.pixels[1, 2, 8, 9] < 0.95
    assert maps.error.provenance["reference"] == "truth"


def test_channels_are_joint_under_the_convention_of_panek(rng) -> None:
    """One root mean square over all channels, not the mean of three."""
    reference = rng.random((3, 16, 20))
    result = reference + np.array([0.0, 0.1, 0.2])[:, None, None]
    pair = Micrograph(result, "CYX"), Micrograph(reference, "CYX")
    settings = EvaluateSettings(convention="panek", maps=True)
    evaluation = drain(evaluate_planes(*pair, settings))
    assert len(evaluation.planes) == 1
    assert evaluation.median.mse == pytest.approx(0.05 / 3)
    assert evaluation.median_scale_free is None
    np.testing.assert_allclose(evaluation.maps.error.pixels[2], 0.2, rtol=1e-5)


def test_upscaled_result_is_compared_on_the_grid_of_the_reference(reference) -> None:
    doubled = reference.repeat(2, axis=2).repeat(2, axis=3)
    pair = Micrograph(doubled, "CZYX"), Micrograph(reference, "CZYX")
    evaluation = drain(evaluate_planes(*pair, overlap=same_field(*pair)))
    # Linear reduction blurs a little over pixel borders.
    assert evaluation.median.psnr > 15
    assert evaluation.planes[0].position == {"C": 0, "Z": 0}


def test_lazy_pixels_are_read_plane_by_plane(reference) -> None:
    class Watched:
        def __init__(self) -> None:
            self.shape, self.dtype, self.most = reference.shape, reference.dtype, 0

        def __getitem__(self, index):
            block = reference[index]
            self.most = max(self.most, block.size)
            return block

    watched = Watched()
    drain(evaluate_planes(Micrograph(watched, "CZYX"), Micrograph(reference, "CZYX")))
    assert watched.most == 16 * 20


@pytest.mark.parametrize("given", [{"fit": "affine"}, {"data_range": 2.0}])
def test_conventions_of_publications_leave_no_choice(reference, given) -> None:
    plane = Micrograph(reference[0, 0], "YX")
    settings = EvaluateSettings(convention="dlsr", **given)
    with pytest.raises(InputError, match="'dlsr' came with a fit or a data range"):
        drain(evaluate_planes(plane, plane, settings))


def test_closing_closes_the_job_of_the_plane() -> None:
    closed = []

    def measure():
        try:
            yield Progress(1, 4, "measuring")
            yield Progress(2, 4, "measuring")
        finally:
            closed.append(True)

    plane = measure()  # held: it is not closed for being forgotten
    job = counted(plane, RemainingTime(), 2, 5)
    report = next(job)
    assert (report.done, report.total, report.stage) == (2, 5, "measuring")
    job.close()
    assert closed == [True]
