"""Fine-tune on few pairs of a microscope that the generator never saw, and score it.

    python tests/benchmarks/make_twin.py TWIN
    python tests/benchmarks/make_twin.py LEARN --train 10 --test 0 --size 512 --seed 1
    python tests/benchmarks/few_pairs.py TWIN --learn LEARN [--model NAME|FILE]
    python tests/benchmarks/few_pairs.py --real DATA [--model NAME|FILE] [--steps N]

On the twin: 1, 3 and 10 pairs of each microscope, drawn by three seeds from the `train`
of LEARN, and all of its `test` in TWIN to score on; data range 1. A pair is what "Add
pair" cuts from two aligned layers: one field of view in its three channels. On real
pairs: of several fields, each is
left out once; a single field is cut, with a band between its parts that belongs to
none. There the data range is the reference's 3rd to 99.8th percentile, and the best
Richardson-Lucy of an oracle (`scoring.py`) stands beside. The recipe is `finetune`;
`--steps` says how far it goes, as time would mean something else on each machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from scoring import oracle, plane

from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.pair_set import add_to_pair_set
from napari_gan_enhance.registration.pairing import cut_aligned
from napari_gan_enhance.registration.transform import Transform
from napari_gan_enhance.training.pairs import Pair, find_pairs
from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.recipes import recipe_named
from napari_gan_enhance.training.run import TrainingJob, run_training

PAIRS = (1, 3, 10)
"""How many, if nothing else is asked for."""

SEEDS = 3

SEEN = "seed-40x-1.30"
"""The twin's first microscope, which others are compared with, is no stranger."""

TEST_SHARE = 0.3
"""Of the width of a single field."""

FIELD = r"^f\d+"
"""What the images of one field in the twin have in common."""

GUARD = 48
"""Pixels between its parts, so that no structure lies on both sides."""

REAL = ("hilo_section", "mgan_widefield_sim", "sfsrm_widefield_storm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--learn", type=Path, help="twin to fine-tune on")
    parser.add_argument("--model", default="widefield-to-confocal")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", nargs="*", help="these microscopes or data sets")
    options = parser.parse_args()
    for case in (real_cases if options.real else twin_cases)(options):
        sys.stdout.write(json.dumps(case) + "\n")
        sys.stdout.flush()


def twin_cases(options: argparse.Namespace):
    """Yield one row for each microscope and number of pairs."""
    zero = load_generator(options.model, device="cpu")
    for folder in sorted(options.data.iterdir()):
        if not (folder / "test").is_dir() or folder.name == SEEN:
            continue
        if options.only and folder.name not in options.only:
            continue
        learn, test = (
            find_pairs(side / "source", side / "target", FIELD)
            for side in (options.learn / folder.name / "train", folder / "test")
        )
        fields = sorted({pair.field for pair in learn})
        inputs = [psnr(plane_of(p.source), p, 1.0) for p in test]
        before = [psnr(enhanced(p, zero), p, 1.0) for p in test]
        for count in options.pairs:
            gains = []
            for seed in range(options.seeds):
                chosen = np.random.default_rng(seed).permutation(fields)[:count]
                pairs = [pair for pair in learn if pair.field in chosen]
                tuned = fine_tuned(pairs, options, seed)
                after = [psnr(enhanced(p, tuned), p, 1.0) for p in test]
                gains.append(median(differences(after, before)))
            yield {
                "microscope": folder.name,
                "pairs": count,
                "zero-shot over input (dB)": rounded(
                    median(differences(before, inputs))
                ),
                "worst zero-shot": rounded(min(differences(before, inputs))),
                "fine-tuned over zero-shot (dB)": [rounded(g) for g in gains],
            }


def real_cases(options: argparse.Namespace):
    """Yield one row for each data set of real pairs."""
    zero = load_generator(options.model, device="cpu")
    for name in options.only or REAL:
        folder = options.data / name
        pairs = find_pairs(folder / "source", folder / "target", "")
        with tempfile.TemporaryDirectory() as scratch:
            rounds = (
                [(without(pairs, left), [left]) for left in pairs]
                if len(pairs) > 1
                else [cut(pairs[0], Path(scratch))]
            )
            rows = [
                real_scores(learn, test, zero, options)
                for learn, tests in rounds
                for test in tests
            ]
        yield {
            "data": name,
            "n": len(rows),
            **{key: rounded(median(r[key] for r in rows)) for key in rows[0]},
        }


def real_scores(
    learn: list[Pair], test: Pair, zero, options: argparse.Namespace
) -> dict[str, float]:
    """Return PSNR in dB of everything that can be had from one source."""
    target = plane_of(test.target)
    tuned = fine_tuned(learn, options, seed=0)
    best = max(
        oracle(plane_of(test.source), target, start).psnr for start in ("image", "flat")
    )
    return {
        "input": psnr(plane_of(test.source), test),
        "Richardson-Lucy, oracle": best,
        "zero-shot": psnr(enhanced(test, zero), test),
        "fine-tuned": psnr(enhanced(test, tuned), test),
    }


def fine_tuned(pairs: list[Pair], options: argparse.Namespace, seed: int):
    """Return the generator that `finetune` makes of a few pairs."""
    recipe = recipe_named("finetune").model_dump()
    recipe |= {"steps": options.steps, "seed": seed}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pairs"
        for field in sorted({pair.field for pair in pairs}):
            add_pair(folder, field, [p for p in pairs if p.field == field])
        output = Path(scratch) / "tuned.safetensors"
        job = TrainingJob(
            [(folder / "source", folder / "target")],
            Recipe.model_validate(recipe),
            output,
            start=options.model,
            device="cpu",
            card={"name": "tuned"},
        )
        drain(run_training(job))
        return load_generator(output, device="cpu")


def add_pair(folder: Path, field: str, channels: list[Pair]) -> None:
    """Do what "Add pair" does with the channels of a field that lies in place."""
    source, target = (
        together([getattr(pair, side) for pair in channels])
        for side in ("source", "target")
    )
    in_place = Transform(np.eye(3), "rigid", None, "automatic", {})
    cut = drain(cut_aligned(source, target, in_place))
    drain(add_to_pair_set(folder, field, cut, like=source, provenance={}))


def together(paths: list[Path]) -> Micrograph:
    """Return single-channel images of one field as one image."""
    images = [read_micrograph(path) for path in paths]
    return Micrograph(
        np.stack([plane(image) for image in images]),
        "CYX",
        images[0].voxel_size_um,
        channels=tuple(image.channels[0] for image in images if image.channels),
        microscope=images[0].microscope,
    )


def without(pairs: list[Pair], left: Pair) -> list[Pair]:
    return [p for p in pairs if p is not left]


def cut(pair: Pair, folder: Path) -> tuple[list[Pair], list[Pair]]:
    """Cut one field into a part to learn from and one to score on."""
    width = plane_of(pair.source).shape[1]
    edge = round(width * (1 - TEST_SHARE))
    parts = {"learn": slice(0, edge - GUARD), "test": slice(edge, width)}
    sides = []
    for name, columns in parts.items():
        paths = []
        for path in (pair.source, pair.target):
            micrograph = read_micrograph(path)
            part = micrograph.with_pixels(plane_of(path)[:, columns].astype("float32"))
            paths.append(folder / name / path.parent.name / path.name)
            paths[-1].parent.mkdir(parents=True)
            drain(write_micrograph(paths[-1], part))
        sides.append([Pair(paths[0], paths[1], pair.data_set, pair.field)])
    return sides[0], sides[1]


def enhanced(pair: Pair, generator) -> np.ndarray:
    micrograph = read_micrograph(pair.source)
    return plane(drain(enhance(micrograph, generator, EnhanceSettings())))


def plane_of(path: Path) -> np.ndarray:
    return plane(read_micrograph(path))


def psnr(image: np.ndarray, pair: Pair, data_range: float | None = None) -> float:
    return evaluate(image, plane_of(pair.target), data_range=data_range).psnr


def differences(after: list[float], before: list[float]) -> list[float]:
    return [a - b for a, b in zip(after, before, strict=True)]


def rounded(value: float) -> float:
    return round(value, 2)


if __name__ == "__main__":
    main()
