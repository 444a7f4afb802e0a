"""Measure whether the verdict before a run foresees a bad result.

    python tests/benchmarks/make_twin.py TWIN --train 16 --test 3
    python tests/benchmarks/suitability.py TWIN --model FILE

A generator trained on one simulated microscope (`--home`) is given images of that one
and of five others, as recorded and spoilt in the ways that users spoil images. The loss
is how far the PSNR of a result (affine fit, the reference's 3rd to 99.8th percentile as
its range) stays below

- what was to be expected: the median of the same structure, as recorded at home; or
- "own": the same image as recorded, for the spoilt ones.

Before, `trust.training_statistics.record_statistics` must have been run on the
checkpoint. The verdict sees the image, its metadata and the card only. Figures are the
area under the receiver operating characteristic of its weight for losses of 3 dB and
more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.optics.deconvolve import deconvolve
from napari_gan_enhance.optics.settings import DeconvolveSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.trust.spoiling import (
    curved,
    dimmed,
    grained,
    resampled,
    saturated,
    smoothed,
    stretched,
)
from napari_gan_enhance.trust.suitability import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_gan_enhance.micrograph.micrograph import Micrograph

LOSS_DB = 3.0


@dataclass(frozen=True)
class Case:
    """One image: where it is from, what was done to it, and what became of it."""

    microscope: str
    name: str
    spoilt: str
    psnr: float
    level: str
    weight: float
    reason: str

    @property
    def structure(self) -> str:
        return self.name.rpartition("_")[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("twin", type=Path)
    parser.add_argument("--model", default="widefield-to-confocal")
    parser.add_argument("--home", default="seed-40x-1.30")
    parser.add_argument("--fields", type=int, default=3, help="of each microscope")
    options = parser.parse_args()
    generator = load_generator(options.model, device="cpu", precision="fast")
    cases = []
    for folder in sorted(p for p in options.twin.iterdir() if p.is_dir()):
        for path in sorted((folder / "test" / "source").glob("*.tif")):
            if int(path.stem[1:4]) < options.fields:
                cases += cases_of(path, folder.name, generator)
        sys.stderr.write(f"{folder.name} {len(cases)}\n")
    sys.stdout.write(as_markdown(cases, options.home))


def cases_of(path: Path, microscope: str, generator) -> list[Case]:
    raw = read_micrograph(path)
    raw = replace(raw, pixels=np.asarray(raw.pixels), provenance={})
    target = read_micrograph(path.parents[1] / "target" / path.name)
    reference = np.asarray(target.pixels, np.float64)
    cases = []
    for spoilt, pixels, sharp in spoilt_images(raw, reference):
        seen = raw.with_pixels(pixels)
        verdict = judge(seen, generator.spec, generator.card)
        result = drain(enhance(seen, generator, EnhanceSettings())).pixels
        psnr = evaluate(result, sharp, fit="affine").psnr
        reason = (verdict.reasons or ("",))[0]
        cases.append(
            Case(
                microscope,
                path.stem,
                spoilt,
                psnr,
                verdict.level,
                verdict.weight,
                reason,
            )
        )
    return cases


Change = Callable[[np.ndarray], np.ndarray]

RESAMPLED: dict[str, float] = {
    "pixels 2 times larger than said": 0.5,
    "pixels 2 times smaller than said": 2,
    "pixels 4 times smaller than said": 4,
}

SPOILT: dict[str, Change] = {
    "as recorded": lambda p: p,
    "1 % saturated": partial(saturated, share=0.01),
    "10 % saturated": partial(saturated, share=0.1),
    "stretched to 8 bit": stretched,
    "gamma 0.5": partial(curved, gamma=0.5),
    "gamma 2": partial(curved, gamma=2),
    "smoothed, sigma 3": partial(smoothed, sigma=3),
    "grain of 5 %": lambda p: grained(p, 0.05, np.random.default_rng(0), 1.0),
    "grain of 20 %": lambda p: grained(p, 0.2, np.random.default_rng(0), 1.0),
    "a tenth of the light": lambda p: dimmed(p, 0.1, np.random.default_rng(0)),
}

DECONVOLVED = "deconvolved, 30 iterations"
"""Not among what costs are learned from."""


def spoilt_images(
    raw: Micrograph, sharp: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, change in SPOILT.items():
        yield name, change(np.asarray(raw.pixels)), sharp
    for name, by in RESAMPLED.items():
        yield name, resampled(np.asarray(raw.pixels), by), resampled(sharp, by)
    settings = DeconvolveSettings(iterations=30, device="cpu")
    yield DECONVOLVED, np.asarray(drain(deconvolve(raw, settings)).pixels), sharp


def auroc(weights: np.ndarray, is_bad: np.ndarray) -> float:
    """Return the area under the curve; ties count half."""
    bad, good = int(is_bad.sum()), int((~is_bad).sum())
    if not bad or not good:
        return float("nan")
    ranks = rankdata(weights)[is_bad].sum()
    return float((ranks - bad * (bad + 1) / 2) / (bad * good))


def as_markdown(cases: list[Case], home: str) -> str:
    clean = {(c.microscope, c.name): c.psnr for c in cases if c.spoilt == "as recorded"}
    expected = {
        s: median(p for (m, n), p in clean.items() if m == home and n.endswith(s))
        for s in {c.structure for c in cases}
    }
    loss = np.array([expected[c.structure] - c.psnr for c in cases])
    own = np.array([clean[c.microscope, c.name] - c.psnr for c in cases])
    weight = np.array([c.weight for c in cases])
    at_home = np.array([c.microscope == home for c in cases])
    whole = np.array([c.spoilt == "as recorded" for c in cases])
    groups = {
        "all": np.ones(len(cases), bool),
        "at home, as recorded and spoilt": at_home,
        "all microscopes, as recorded": whole,
    }
    lines = ["| images | n | loss >= 3 dB | AUROC | own loss >= 3 dB | AUROC |"]
    lines.append("|---|---|---|---|---|---|")
    for name, chosen in groups.items():
        bad, bad_own = loss[chosen] >= LOSS_DB, own[chosen] >= LOSS_DB
        areas = [auroc(weight[chosen], b) for b in (bad, bad_own)]
        lines.append(
            f"| {name} | {chosen.sum()} | {bad.sum()} | {areas[0]:.3f} "
            f"| {bad_own.sum()} | {areas[1]:.3f} |"
        )
    lines += ["", "| spoilt | microscopes | n | loss | own loss | >= 3 dB (own) "]
    lines[-1] += "| good | doubtful | unfit |"
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for place, is_there in (("home", at_home), ("others", ~at_home)):
        for spoilt in (*SPOILT, *RESAMPLED, DECONVOLVED):
            chosen = is_there & np.array([c.spoilt == spoilt for c in cases])
            if not chosen.any():
                continue
            levels = [c.level for c, k in zip(cases, chosen, strict=True) if k]
            bad, bad_own = (v[chosen] >= LOSS_DB for v in (loss, own))
            usual = [np.median(values[chosen]) for values in (loss, own)]
            lines.append(
                f"| {spoilt} | {place} | {chosen.sum()} "
                f"| {usual[0]:+.1f} dB | {usual[1]:+.1f} dB "
                f"| {bad.sum()} ({bad_own.sum()}) | {levels.count('good')} "
                f"| {levels.count('doubtful')} | {levels.count('unfit')} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
