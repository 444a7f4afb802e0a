"""Take noise and haze away from the twin's images, exactly.

    python tests/benchmarks/twin_limits.py [--microscopes ...]

How much of what a wide-field image lacks is noise, haze, and blur. Each test image of
the twin (`make_twin.py`) is recorded again without noise; without haze, which is all
light that the confocal's section leaves out; and without either, so that only blur is
left. A program that is given the image alone cannot take them away like this. PSNR
against the confocal image as in `twin_scores.py`; what is printed are medians over
images, gains over the image as recorded. "Deconvolved" is the best Richardson-Lucy
that an oracle finds (`scoring.py`) for the noisy image without haze.
"""

from __future__ import annotations

import argparse
import json
import sys
from statistics import median

import numpy as np
from make_twin import CROP, NAMES, PLANE_UM, STRUCTURES, Scene, draw_scene, target_of
from scoring import oracle
from twin.microscopes import MICROSCOPES, TwinMicroscope, section

from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.optics.formation import expected_photons
from napari_gan_enhance.optics.transfer import transfer

SEED, SIZE = 0, 256
"""Of TWIN in the docs."""

TRAIN, TEST = {"seed-40x-1.30": 16}, 6
"""Fields of TWIN to learn from, 5 for the others, and to score on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--microscopes", nargs="*", choices=NAMES, default=NAMES, metavar="NAME"
    )
    options = parser.parse_args()
    for number, microscope in enumerate(MICROSCOPES):
        if microscope.name not in options.microscopes:
            continue
        first = TRAIN.get(microscope.name, 5)
        gains = []
        for channel in range(len(STRUCTURES)):
            for index in range(first, first + TEST):
                seed = (SEED, number, index)
                gains.append(gains_of(microscope, channel, seed))
            transfer.cache_clear()
        medians = {key: round(median(g[key] for g in gains), 2) for key in gains[0]}
        found = {"microscope": microscope.name, "n": len(gains), **medians}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def gains_of(
    microscope: TwinMicroscope, channel: int, seed: tuple[int, ...]
) -> dict[str, float]:
    """Return PSNR in dB over that of the image as recorded."""
    scene = draw_scene(microscope, channel, seed=seed, size=SIZE)
    target = target_of(scene, microscope, channel)
    emission_nm = microscope.emission_nm[channel]
    sharp = section(scene.volume, microscope, emission_nm, PLANE_UM, scene.focus)
    light, clear = photons(scene, sharp)
    recorded, grainy = (
        scene.formation.record(image, np.random.default_rng(seed))
        for image in (light, clear)
    )
    before = psnr(recorded, target)
    return {
        "without noise": psnr(light, target) - before,
        "without haze": psnr(grainy, target) - before,
        "without haze, deconvolved": (
            max(oracle(grainy, target, start, 1.0).psnr for start in ("image", "flat"))
            - before
        ),
        "without both": psnr(clear, target) - before,
    }


def photons(scene: Scene, sharp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected photons, and those of them that are of the section."""
    optics = scene.formation.model_copy(update={"photons": None, "background": 0})
    inside = (slice(CROP, -CROP),) * 2
    light = expected_photons(scene.volume, optics, focus=scene.focus)[inside]
    clear = expected_photons(
        sharp, optics.model_copy(update={"haze": None}), focus=scene.focus
    )[inside]
    clear *= 1 - scene.formation.haze.share  # the light that is not scattered
    scale = scene.formation.photons / light.max()
    background = scene.formation.background
    return scale * light + background, scale * clear + background


def psnr(image: np.ndarray, target: np.ndarray) -> float:
    return evaluate(image, target, data_range=1.0).psnr


if __name__ == "__main__":
    main()
