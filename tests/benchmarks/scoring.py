"""Score a generator on pairs, beside the best Richardson-Lucy.

The baseline is an oracle: for each image it is shown the reference and picks the width
of the point spread function, the number of iterations, and whether the darkest 1 % is
subtracted first, so that it comes nearest to the reference, which no user could. It
stands there twice: started from the image, as the product does it, and from a flat
image, where few iterations with a wide function are no deconvolution but the best
smoothing that can be had. Everything is fitted to the reference by gain and offset;
SSIM has a Gaussian window of 11 pixels, sigma 1.5. "Unfitted" is the gain in PSNR when
source, result and reference are each scaled from minimum to maximum instead, as
publications often do: haze and noise then count as error of the source.
"""

from __future__ import annotations

import itertools
import math
import sys
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.metrics.fidelity import FidelityScores, evaluate
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.operator import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_gan_enhance.training.pairs import Pair

WIDTHS = (1.2, 2.0, 3.0, 4.5, 7.0, 10.0)
"""Full widths at half maximum of the point spread functions, pixels."""

ITERATIONS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)

DARKEST = 1.0
"""Percentile that is taken for camera offset and background light."""

DECLINES = 2
"""Numbers of iterations in a row that are worse than the best, after which no larger
one is tried: noise only grows."""


def scores(pair: Pair, generator, data_range: float | None = None) -> dict[str, float]:
    """Score the source, the result and the best Richardson-Lucy of one pair."""
    micrograph = read_micrograph(pair.source)
    source, target = plane(micrograph), plane(read_micrograph(pair.target))
    result = plane(drain(enhance(micrograph, generator, EnhanceSettings())))
    before, after = (
        evaluate(image, target, data_range=data_range) for image in (source, result)
    )
    best = {
        start: oracle(source, target, start, data_range) for start in ("image", "flat")
    }
    sys.stderr.write(f"{pair.source.name}: {after.psnr - before.psnr:+.2f} dB\n")
    return {
        "source_psnr": before.psnr,
        "source_ssim": before.ssim,
        "deconvolved_psnr": best["image"].psnr,
        "deconvolved_ssim": best["image"].ssim,
        "smoothed_psnr": best["flat"].psnr,
        "smoothed_ssim": best["flat"].ssim,
        "result_psnr": after.psnr,
        "result_ssim": after.ssim,
        "unfitted": unfitted(result, target) - unfitted(source, target),
    }


def unfitted(image: np.ndarray, target: np.ndarray) -> float:
    """Return PSNR in dB after scaling each image from minimum to maximum."""
    image, target = ((a - a.min()) / np.ptp(a) for a in (image, target))
    return evaluate(image, target, data_range=1.0, fit="none").psnr


def oracle(
    source: np.ndarray, target: np.ndarray, start: str, data_range: float | None = None
) -> FidelityScores:
    """Return the scores of the deconvolution that comes nearest to the target."""
    backgrounds = (0.0, float(np.percentile(source, DARKEST)))
    tries = (
        tried
        for width, background in itertools.product(WIDTHS, backgrounds)
        for tried in iterations(source, target, width, background, start, data_range)
    )
    return max(tries, key=lambda scores: scores.psnr)


def iterations(
    source: np.ndarray,
    target: np.ndarray,
    width: float,
    background: float,
    start: str,
    data_range: float | None,
) -> Iterator[FidelityScores]:
    """Yield scores after more and more iterations, until they only get worse."""
    deconvolution = RichardsonLucy(
        spread(width),
        ITERATIONS[-1],
        background=background,
        start=start,
        kept=ITERATIONS,
    )
    best, declines = -math.inf, 0
    for report in deconvolution.steps(source[None]):
        if not isinstance(report, Snapshot):
            continue
        found = evaluate(report.result[0], target, data_range=data_range)
        yield found
        declines = 0 if found.psnr > best else declines + 1
        best = max(best, found.psnr)
        if declines == DECLINES:
            return


def spread(width: float) -> np.ndarray:
    """Return an Airy pattern in focus, of a full width at half maximum in pixels."""
    # 0.514 wavelength / NA at NA 1 and 500 nm is 257 nm.
    pixel_um = 0.257 / width
    side = 2 * int(np.ceil(2.5 * width)) + 1
    return point_spread_function(
        (side, side),
        (None, pixel_um, pixel_um),
        numerical_aperture=1.0,
        immersion_index=1.515,
        emission_nm=500.0,
    )


def plane(micrograph) -> np.ndarray:
    view = AxesView(micrograph.pixels, micrograph.axes, "YX")
    return view[(slice(None), slice(None))].astype(np.float64)


def row(name: str, values: list[dict[str, float]]) -> dict:
    """Return medians over images, and the worst gain."""
    result = {key: round(median(v[key] for v in values), 4) for key in values[0]}
    gains = [v["result_psnr"] - v["source_psnr"] for v in values]
    return {
        "data": name,
        "n": len(values),
        **result,
        "gain": round(median(gains), 2),
        "worst_gain": round(min(gains), 2),
        "over_deconvolved": round(median(over("deconvolved_psnr", values)), 2),
        "over_smoothed": round(median(over("smoothed_psnr", values)), 2),
    }


def over(other: str, values: list[dict[str, float]]) -> list[float]:
    return [v["result_psnr"] - v[other] for v in values]


def as_markdown(rows: list[dict]) -> str:
    lines = [
        (
            "| data | n | input | Richardson-Lucy, oracle "
            "| from a flat start, oracle | result | gain (worst) "
            "| over Richardson-Lucy | over the flat start | unfitted gain |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        cells = [
            r["data"],
            str(r["n"]),
            *(
                f"{r[f'{who}_psnr']:.2f} dB, {r[f'{who}_ssim']:.3f}"
                for who in ("source", "deconvolved", "smoothed", "result")
            ),
            f"{r['gain']:+.2f} ({r['worst_gain']:+.2f}) dB",
            f"{r['over_deconvolved']:+.2f} dB",
            f"{r['over_smoothed']:+.2f} dB",
            f"{r['unfitted']:+.2f} dB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
