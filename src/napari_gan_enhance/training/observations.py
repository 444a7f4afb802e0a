"""Look at a held-out result for what losses do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.registration.canvas import Canvas
from napari_gan_enhance.registration.evidence import evidence
from napari_gan_enhance.registration.filtering import bandpassed

if TYPE_CHECKING:
    from napari_gan_enhance.training.events import Preview
    from napari_gan_enhance.training.images import Image

CHECKERBOARD = 10.0
"""How many times its neighbors in the spectrum a peak at a period of 2 pixels has."""

SMOOTH = 0.01
"""Share of the target's fine detail in an over-smooth result."""

SHIFT_PX = 0.4
"""Shift between result and target, in pixels, that cannot be an error of measuring."""

SHIFTED = 1.0
"""By how many deviations of the correlation by chance it must be better with the shift
undone. Noise moves the place of the best correlation, but hardly makes it better: in
the dimmest strips of real pairs that lie exactly, by less than half a deviation, while
half of those that were shifted by 2.2 pixels gained more than one, and all by 5 pixels
that correlated at all."""

FAINT = 10.0
"""Times the mean power: below ten times this nobody sees a peak (1 % of the range)."""

FINE = 0.25
"""Cycles per pixel; above, detail is finer than 4 pixels."""


def observations(preview: Preview) -> list[str]:
    """Return what is odd about a result, each as a sentence.

    These do not stop a training: an image can be odd and still the best so far.
    """
    result, target = preview.result[0], preview.target[0]
    found = []
    if checkerboard(result) > CHECKERBOARD > checkerboard(target):
        found.append(
            "The result shows a checkerboard of 2 pixels: the upsampling has not "
            "settled, or the configuration should say 'resize'."
        )
    if fine_power(result) < SMOOTH * fine_power(target):
        found.append(
            "The result has hardly any of the target's fine detail: good scores, but "
            "over-smooth."
        )
    shift = shift_px(result, target)
    if shift is not None and max(map(abs, shift)) > SHIFT_PX:
        found.append(
            f"The result lies {shift[0]:+.1f}, {shift[1]:+.1f} pixels (Y, X) from the "
            "target: are the pairs aligned?"
        )
    return found


def checkerboard(plane: Image) -> float:
    """Return the power at a period of 2 pixels over that of its surroundings."""
    power = _power(plane)
    y, x = (n // 2 for n in plane.shape)
    peak = max(power[y, x], power[y, 0], power[0, x])
    around = power[y - 3 : y + 4, x - 3 : x + 4]
    return float(peak / max(float(np.median(around)), FAINT * float(power.mean())))


def fine_power(plane: Image) -> float:
    """Return the power above `FINE` cycles per pixel."""
    power = _power(plane)
    y, x = (np.abs(np.fft.fftfreq(n)) for n in power.shape)
    fine = np.hypot(y[:, None], x[None]) > FINE
    return float(power[fine].sum())


def shift_px(result: Image, target: Image) -> tuple[float, float] | None:
    """Return how far a result lies from its target in pixels, (Y, X).

    Returns
    -------
    (float, float) or None
        None where the two do not correlate, or hardly better with the shift undone.
    """
    from skimage.registration import phase_cross_correlation

    pair = [_structure(side) for side in (target, result)]
    window = np.outer(*(np.hanning(n) for n in target.shape))
    back, *_ = phase_cross_correlation(
        *(side.values * window for side in pair), upsample_factor=10, normalization=None
    )
    undone = np.eye(3)
    undone[:2, 2] = back
    found, here = (evidence(pair[1], pair[0], m) for m in (undone, np.eye(3)))
    gain = (found.correlation - here.correlation) * found.deviations
    if not found.is_convincing or gain < SHIFTED * found.correlation:
        return None
    return -float(back[0]), -float(back[1])


def _structure(plane: Image) -> Canvas:
    """Return what tells positions, on pixels of 1 µm: any size would do."""
    return bandpassed(Canvas(plane, np.ones(plane.shape, bool), 1.0, np.zeros(2)))


def _power(plane: Image) -> np.ndarray:
    """Return the power spectrum; of an odd size without the last row or column."""
    even = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    window = np.outer(*(np.hanning(n) for n in even.shape))
    spectrum = np.fft.fft2((even - even.mean()) * window)
    return np.asarray(np.abs(spectrum) ** 2, np.float64)
