"""Does the expected error find the pixels that are wrong? Fit it, and score it.

    python tests/benchmarks/make_twin.py TWIN --train 6 --test 3
    napari-gan-enhance simulate -o FIT --fields 60 --seed 501
    napari-gan-enhance simulate -o HERE --fields 30 --seed 502
    python tests/benchmarks/trust.py fit FIT --model NAME
    python tests/benchmarks/trust.py score HERE TWIN/*/test --model NAME
    python tests/benchmarks/trust.py cost HERE --model NAME --most 5

`fit` prints the coefficients of `trust/calibration.py`. `score` prints a table, one row
for each folder of pairs: AUROC for the 5 % of pixels with the largest error of each
image, median over the images, of the expected error, of its parts and of plain output
brightness; the same within ten strata of equally many pixels of like brightness; and
the median ratio of expected to real error. Coefficients are fitted on another folder
than any that is scored: other seeds, other microscopes, other objects.

`cost` prints what the maps take beside the result, which counts as one forward pass, in
processor time.

The error is that against the confocal image, which is brought to the intensities of the
result by a straight line.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.trust.assess import assess
from napari_gan_enhance.trust.calibration import (
    FAST,
    FULL,
    expected_error,
    features,
)
from napari_gan_enhance.trust.measure import measure_plane
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.settings import TrustSettings

WORST = 0.05

STRATA = 10

SAMPLED = 6000
"""Pixels of each image that coefficients are fitted to."""

LEAST_ERROR = 1e-4
"""Of the range; smaller ones are rounding."""


@dataclass
class Case:
    """One image: its truth, its result, its maps and features."""

    error: np.ndarray
    brightness: np.ndarray
    scores: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    span: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("fit", "score", "cost"))
    parser.add_argument("folders", type=Path, nargs="+", help="with source and target")
    parser.add_argument("--model", default="widefield-to-confocal")
    parser.add_argument("--most", type=int, default=10**6, help="images of a folder")
    options = parser.parse_args()
    generator = load_generator(options.model, device="cpu")
    if options.what == "cost":
        paths = images(options.folders[0], options.most)
        fast, full = np.median([cost(path, generator) for path in paths], 0)
        write(["fast", f"{fast:.1f}", "full", f"{full:.1f}"])
        return
    groups = {
        folder: [case(path, generator) for path in images(folder, options.most)]
        for folder in options.folders
    }
    if options.what == "fit":
        fit([c for cases in groups.values() for c in cases])
    else:
        table(groups)


def images(folder: Path, most: int) -> list[Path]:
    return sorted((folder / "source").glob("*.tif"))[:most]


def case(path: Path, generator) -> Case:
    """Enhance an image, make its maps and compare with the truth."""
    raw = read_micrograph(path)
    truth = plane(read_micrograph(path.parents[1] / "target" / path.name))
    result = drain(enhance(raw, generator, EnhanceSettings()))
    full = drain(assess(raw, result, generator, TrustSettings(passes=8)))
    shown = plane(result)
    found = measure_plane(raw, result, {}, TrustSettings())
    spread = plane(full.disagreement)
    seen = features_of(plane(raw), shown, found.fit, spread)
    scores = {
        "full": plane(full.expected_error),
        "fast": expected_error(found.fit, {n: seen[n] for n in FAST}),
        "disagreement": spread,
        "re-blur": np.abs(plane(full.reblur_z)),
        "evidence": plane(full.evidence),
        "brightness": shown,
    }
    return Case(
        error=np.abs(shown - fitted(truth, shown)),
        brightness=shown,
        scores=scores,
        features=seen,
        span=found.fit.span,
    )


def cost(path: Path, generator) -> tuple[float, float]:
    """Return what the fast and the full maps take, in forward passes."""
    raw = read_micrograph(path)
    result, alone = timed(enhance(raw, generator, EnhanceSettings()))
    taken = [
        timed(assess(raw, result, generator, TrustSettings(passes=passes)))[1]
        for passes in (0, 8)
    ]
    return 1 + taken[0] / alone, 1 + taken[1] / alone


def timed(job) -> tuple[object, float]:
    """Return a job's result and the processor time it took."""
    start = time.process_time()
    result = drain(job)
    return result, time.process_time() - start


def features_of(raw, shown, fit, spread) -> dict[str, np.ndarray]:
    operator = TrustOperator(fit)
    z = operator.scores(raw, shown)
    deviation = operator.noise_deviation(raw)
    return features(fit, shown, deviation, z, spread)


def fitted(truth: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Bring the truth to the intensities of the result."""
    slope, offset = np.polyfit(truth.ravel(), shown.ravel(), 1)
    return slope * truth + offset


def plane(micrograph) -> np.ndarray:
    return np.asarray(micrograph.pixels[...], np.float64).squeeze()


def fit(cases: list[Case]) -> None:
    """Print coefficients: their ratios by rank, then the scale by absolute error.

    Ratios come from a logistic regression of "among the worst of its image" on the
    features, each less its mean over the image; scale and constant from a regression of
    the error with logarithmic link and a deviation in proportion to it (gamma).
    """
    for name, coefficients in (("FAST", FAST), ("FULL", FULL)):
        names = [n for n in coefficients if n != "constant"]
        ratios = by_rank(cases, names)
        found = by_size(cases, names, ratios)
        lines = ",\n".join(f'    "{n}": {v:.3f}' for n, v in found.items())
        sys.stdout.write(f"{name} = {{\n{lines},\n}}\n")


def sampled(c: Case) -> np.ndarray:
    count = min(SAMPLED, c.error.size)
    return np.random.default_rng(0).choice(c.error.size, count, replace=False)


def by_rank(cases: list[Case], names: list[str], ridge: float = 1e-3) -> np.ndarray:
    rows, labels, weights = [], [], []
    for c in cases:
        at = sampled(c)
        columns = np.stack([c.features[n].ravel()[at] for n in names], 1)
        error = c.error.ravel()[at]
        worst = error >= np.quantile(error, 1 - WORST)
        rows.append(columns - columns.mean(0))
        labels.append(worst)
        weights.append(np.where(worst, 0.5 / worst.sum(), 0.5 / (~worst).sum()))
    x, y, w = (np.concatenate(part) for part in (rows, labels, weights))
    scale = x.std(0)
    x = np.c_[x / scale, np.ones(len(x))]
    b = np.zeros(x.shape[1])
    for _ in range(15):  # Newton's method
        p = 1 / (1 + np.exp(-x @ b))
        curvature = (x * (w * p * (1 - p))[:, None]).T @ x
        gradient = x.T @ (w * (y - p)) - ridge * b
        b += np.linalg.solve(curvature + ridge * np.eye(len(b)), gradient)
    return b[:-1] / scale


def by_size(
    cases: list[Case], names: list[str], ratios: np.ndarray
) -> dict[str, float]:
    """Return coefficients of log(error / range) in the given ratios."""
    score, error = [], []
    for c in cases:
        at = sampled(c)
        columns = np.stack([c.features[n].ravel()[at] for n in names], 1)
        score.append(columns @ ratios)
        error.append(np.maximum(c.error.ravel()[at] / c.span, LEAST_ERROR))
    x, y = np.concatenate(score), np.concatenate(error)
    x = np.c_[np.ones(len(x)), x]
    b = np.array([np.log(y.mean()), 0.0])
    for _ in range(25):  # iteratively reweighted; weights are 1 for this link
        mean = np.exp(x @ b)
        b = b + np.linalg.lstsq(x, (y - mean) / mean, rcond=None)[0]
    found = {"constant": float(b[0])}
    return found | dict(zip(names, (b[1] * ratios).tolist(), strict=True))


def auroc(score: np.ndarray, worst: np.ndarray) -> float:
    """Return how often a wrong pixel has a higher score than another."""
    ranks, n = rankdata(score), int(worst.sum())
    return float((ranks[worst].sum() - n * (n + 1) / 2) / (n * (len(ranks) - n)))


def within_strata(c: Case, score: np.ndarray) -> float:
    order, found = np.argsort(c.brightness.ravel()), []
    for group in np.array_split(order, STRATA):
        error = c.error.ravel()[group]
        worst = error > np.quantile(error, 1 - WORST)
        found.append(auroc(score.ravel()[group], worst))
    return float(np.mean(found))


def over_all(c: Case, score: np.ndarray) -> float:
    error = c.error.ravel()
    return auroc(score.ravel(), error > np.quantile(error, 1 - WORST))


def table(groups: dict[Path, list[Case]]) -> None:
    names = list(next(iter(groups.values()))[0].scores)
    for title, measure in (("all pixels", over_all), ("within strata", within_strata)):
        write(["AUROC, " + title, "images", *names])
        write(["---"] * (len(names) + 2))
        for folder, cases in groups.items():
            cells = [
                f"{np.median([measure(c, c.scores[n]) for c in cases]):.3f}"
                for n in names
            ]
            write([label(folder), str(len(cases)), *cells])
        sys.stdout.write("\n")
    write(["images", "expected over real error, median"])
    write(["---"] * 2)
    for folder, cases in groups.items():
        ratio = np.median([c.scores["full"].mean() / c.error.mean() for c in cases])
        write([label(folder), f"{ratio:.2f}"])


def label(folder: Path) -> str:
    return folder.parent.name if folder.name in ("train", "test") else folder.name


def write(cells: list[str]) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
