"""Are objects found that were invented or deleted? Plant them, and look.

    python tests/benchmarks/trust_planted.py TWIN/*/test [--objects 2000] --model NAME

Spots and filaments are planted where the result of an image is left as it is: invented
ones are added to the result, which its input does not show; deleted ones are added to
the input, with photon noise, as if the result had missed them. Seen through the
wide-field microscope, an object is as bright as `contrast` deviations of the noise of
the input where it lies: 1 is local noise contrast.

The score of an object is the largest re-blur score of the right sign near its place.
Printed are, for each contrast, kind and shape: AUROC of objects against as many empty
places of the same images, how many objects stand out above a threshold of 5
deviations, and how many false alarms a megapixel of unchanged result gives at that
threshold: connected regions above it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, label
from scipy.stats import rankdata

from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.trust.measure import measure_plane
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.plane import DEVIATION
from napari_gan_enhance.trust.settings import TrustSettings

THRESHOLD = 5.0
"""Deviations: by chance one pixel in 3.5 million, of either sign."""

CONTRASTS = (1.0, 2.0, 4.0)

PITCH = 32
"""Pixels between the places of two objects: they do not touch."""

NEAR = 5
"""Pixels from its place within which an object is looked for."""

FILAMENT = 16
"""Length in pixels."""


@dataclass
class Field:
    """A pair, and what its maps are made with."""

    raw: np.ndarray
    result: np.ndarray
    operator: TrustOperator
    width: float
    gain: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="with source")
    parser.add_argument("--model", default="widefield-to-confocal")
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--most", type=int, default=10**6, help="images of a folder")
    options = parser.parse_args()
    generator = load_generator(options.model, device="cpu")
    paths = [
        path
        for folder in options.folders
        for path in sorted((folder / "source").glob("*.tif"))[: options.most]
    ]
    fields = [load(path, generator) for path in paths]
    alarms = [false_alarms(field) for field in fields]
    write(["contrast", "what", "shape", "objects", "AUROC", f"above {THRESHOLD:g}"])
    write(["---"] * 6)
    for contrast in CONTRASTS:
        for what in ("invented", "deleted"):
            for shape in ("spot", "filament"):
                row(fields, contrast, what, shape, options.objects // 4)
    sys.stdout.write(
        f"\nFalse alarms per megapixel of unchanged results: median "
        f"{np.median(alarms):.1f}, mean {np.mean(alarms):.1f}, {len(fields)} images.\n"
    )


def row(fields: list[Field], contrast, what, shape, count: int) -> None:
    planted, empty = [], []
    rounds = 0
    while len(planted) < count:
        for number, field in enumerate(fields):
            rng = np.random.default_rng([rounds, number, int(10 * contrast)])
            found = scores(field, contrast, what, shape, rng)
            planted += found[0]
            empty += found[1]
            if len(planted) >= count:
                break
        rounds += 1
    planted, empty = np.array(planted[:count]), np.array(empty[:count])
    ranks = rankdata(np.r_[planted, empty])[:count]
    auroc = (ranks.sum() - count * (count + 1) / 2) / count**2
    share = f"{100 * np.mean(planted > THRESHOLD):.0f} %"
    write([f"{contrast:g}", what, shape, str(count), f"{auroc:.3f}", share])


def load(path: Path, generator) -> Field:
    raw = read_micrograph(path)
    result = drain(enhance(raw, generator, EnhanceSettings()))
    fit = measure_plane(raw, result, {}, TrustSettings()).fit
    planes = (np.asarray(m.pixels[...], np.float64).squeeze() for m in (raw, result))
    return Field(*planes, TrustOperator(fit), fit.width_px, fit.noise.gain)


def scores(field, contrast, what, shape, rng) -> tuple[list[float], list[float]]:
    """Plant objects on every second place of a grid; return scores of both halves."""
    sharp = np.zeros_like(field.raw)
    places, is_planted = grid(field, rng)
    for (y, x), here in zip(places, is_planted, strict=True):
        if here:
            draw(sharp, y, x, shape, rng)
    sigma = DEVIATION * field.width
    # Two thirds of the PSF: what a confocal shows; both see the same light.
    object_ = gaussian_filter(sharp, 0.67 * sigma)
    shown = gaussian_filter(sharp, sigma)
    height = contrast * field.operator.noise_deviation(field.raw)
    factor = np.zeros_like(sharp)
    for (y, x), here in zip(places, is_planted, strict=True):
        if here:
            box = around(y, x)
            factor[box] = height[y, x] / shown[box].max()
    raw, result = field.raw, field.result
    if what == "invented":
        result = result + factor * object_
        sign = -1
    else:
        photons = factor * shown / field.gain
        raw = raw + field.gain * rng.poisson(photons)
        sign = 1
    z = sign * field.operator.scores(raw, result)
    values = [float(z[around(y, x, NEAR)].max()) for y, x in places]
    planted = [v for v, here in zip(values, is_planted, strict=True) if here]
    return planted, [v for v, here in zip(values, is_planted, strict=True) if not here]


def grid(field, rng) -> tuple[list[tuple[int, int]], np.ndarray]:
    starts = range(PITCH // 2, min(field.raw.shape) - PITCH // 2 + 1, PITCH)
    places = [(y, x) for y in starts for x in starts]
    return places, rng.permutation(np.arange(len(places)) % 2 == 0)


def around(y: int, x: int, reach: int = PITCH // 2) -> tuple[slice, slice]:
    return slice(y - reach, y + reach), slice(x - reach, x + reach)


def draw(sharp, y: int, x: int, shape: str, rng) -> None:
    if shape == "spot":
        sharp[y, x] = 1
        return
    angle = rng.uniform(0, np.pi)
    steps = np.linspace(-FILAMENT / 2, FILAMENT / 2, 4 * FILAMENT)
    rows = np.rint(y + steps * np.sin(angle)).astype(int)
    columns = np.rint(x + steps * np.cos(angle)).astype(int)
    sharp[rows, columns] = 1


def false_alarms(field) -> float:
    z = np.abs(field.operator.scores(field.raw, field.result))
    return label(z > THRESHOLD)[1] / z.size * 1e6


def write(cells: list[str]) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
