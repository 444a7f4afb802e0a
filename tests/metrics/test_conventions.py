"""Conventions of publications give the numbers of their publications."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import metrics

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.conventions import CONVENTIONS
from napari_gan_enhance.progress import drain

EXACT = 1e-9  # float64
ANCHOR = 1e-3  # architectures, section 12: the fixture is one of many such images
CLIP = 2e-7  # DL-SR adds 1e-7 to the range, relative to images on 0 to 1


@pytest.fixture(scope="module")
def filaments() -> np.ndarray:
    """62 random walks of 200 px blurred by 1.2 px; maximum 1, mean 0.08."""
    rng = np.random.default_rng(2)
    image = np.zeros((256, 256))
    for _ in range(62):
        y, x = rng.random(2) * 256
        angle = rng.random() * 2 * np.pi
        for _ in range(400):
            angle += rng.normal(0, 0.06)
            y += 0.5 * np.sin(angle)
            x += 0.5 * np.cos(angle)
            if 0 <= int(y) < 256 and 0 <= int(x) < 256:
                image[int(y), int(x)] += 1
    image = gaussian_filter(image, 1.2)
    return image / image.max()


@pytest.fixture(scope="module")
def noisy(filaments: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 0.02, filaments.shape)
    return filaments + noise


def scores(name, result, reference, *, data_range=1.0, fit="none"):
    job = CONVENTIONS[name].compare(result, reference, data_range=data_range, fit=fit)
    return drain(job).scores


def test_panek_gives_more_than_the_standard_on_the_same_pair(noisy, filaments) -> None:
    """Anchor: SSIM 0.9473 where range 1 gives 0.8737, a Gaussian window 0.854."""
    panek = scores("panek", noisy, filaments)
    assert panek.ssim == pytest.approx(0.9473, abs=ANCHOR)
    assert panek.psnr == pytest.approx(33.97, abs=0.05)  # one draw of noise
    assert scores("standard", noisy, filaments).ssim == pytest.approx(0.854, abs=ANCHOR)


def test_panek_is_scikit_image_with_range_2_over_all_channels(noisy, filaments) -> None:
    result = np.stack([noisy, noisy**2, filaments])
    truth = np.stack([filaments, filaments**2, filaments[::-1]])
    found = scores("panek", result, truth)
    ssim = metrics.structural_similarity(truth, result, data_range=2, channel_axis=0)
    assert found.ssim == pytest.approx(ssim, abs=EXACT)
    psnr = metrics.peak_signal_noise_ratio(truth, result, data_range=1)
    assert found.psnr == pytest.approx(psnr, abs=EXACT)
    nrmse = metrics.normalized_root_mse(truth, result)
    assert found.nrmse_euclidean == pytest.approx(nrmse, abs=EXACT)


def test_micro_gan_scales_each_image_to_255(noisy, filaments) -> None:
    def scaled(image):
        return 255 * (image - image.min()) / (image.max() - image.min())

    pair = scaled(filaments), scaled(noisy)
    found = scores("micro_gan", 7 * noisy + 3, 1000 * filaments)
    ssim = metrics.structural_similarity(*pair, data_range=255)
    assert found.ssim == pytest.approx(ssim, abs=EXACT)
    psnr = metrics.peak_signal_noise_ratio(*pair, data_range=255)
    assert found.psnr == pytest.approx(psnr, abs=EXACT)


def test_dlsr_scales_each_image_to_1_and_takes_range_2(noisy, filaments) -> None:
    def scaled(image):
        low, high = np.percentile(image, [0, 100])
        return ((image - low) / (high - low + 1e-7)).clip(0, 1)

    pair = scaled(filaments), scaled(noisy)
    found = scores("dlsr", 7 * noisy + 3, 1000 * filaments)
    ssim = metrics.structural_similarity(*pair, data_range=2)
    assert found.ssim == pytest.approx(ssim, abs=10 * CLIP)
    psnr = metrics.peak_signal_noise_ratio(*pair, data_range=1)
    assert found.psnr == pytest.approx(psnr, abs=100 * CLIP)
    nrmse = metrics.normalized_root_mse(*pair)
    assert found.nrmse_euclidean == pytest.approx(nrmse, abs=10 * CLIP)


def test_published_rows_agree_with_their_own_psnr() -> None:
    """Table 1 of Panek et al.: PSNR of range 1 belongs to the corrected errors."""
    for mse, psnr in [(0.0106, 19.73), (0.0011, 29.65), (0.00051, 32.92)]:
        reference = np.zeros((16, 16))
        reference[0, 0] = 1
        found = scores("panek", reference + mse**0.5, reference).psnr
        assert found == pytest.approx(psnr, abs=0.3)  # the errors have two digits


def test_what_a_convention_is_not_defined_for_is_refused(noisy, filaments) -> None:
    with pytest.raises(InputError, match="from 0 to 4095 - convention 'panek'"):
        scores("panek", noisy, 4095 * (filaments - filaments.min()) / np.ptp(filaments))
    with pytest.raises(InputError, match="minimum and maximum, which must differ"):
        scores("dlsr", np.zeros_like(filaments), filaments)
    with pytest.raises(InputError, match="at least 7 x 7"):
        scores("panek", noisy[:5], filaments[:5])
