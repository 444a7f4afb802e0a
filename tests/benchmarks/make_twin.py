"""Write the simulated twin of the seed paper: pairs of wide-field and confocal images.

    python tests/benchmarks/make_twin.py OUT [--train 40] [--test 12] [--seed 0]

One folder for each of six microscopes (`twin/microscopes.py`), the first that of the
paper, with `train` and `test`, each with `source` and `target`, as `train` takes them:

    OUT/seed-40x-1.30/train/source/f000_tubulin.tif

Wide-field cells of 13 planes, one in focus, noisy; confocal, the same plane without
noise. Each field of view has its own cells, in three images: nuclei, actin, tubulin. No
field stands on two sides, and no two microscopes share one: a microscope that OUT holds
already is not drawn again with another number of fields. OME-TIFF with pixel size,
aperture and emission; `twin.json` says how each image was made.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from twin.microscopes import MICROSCOPES, SAMPLING, TwinMicroscope, confocal, wide_field
from twin.objects import Field, draw, lay_out

from napari_gan_enhance import __version__
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality
from napari_gan_enhance.optics.transfer import transfer
from napari_gan_enhance.progress import drain

if TYPE_CHECKING:
    from napari_gan_enhance.optics.formation import FormationSettings

STRUCTURES = ("nuclei", "actin", "tubulin")

NAMES = [microscope.name for microscope in MICROSCOPES]

PLANES = 13

PLANE_UM = 0.45

FOCUS = {"nuclei": (3, 7), "actin": (0, 2), "tubulin": (1, 5)}
"""First and last plane that may be in focus: where the structure is."""

CROP = 24
"""Camera pixels drawn around the picture, so that light comes in from there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=40, help="fields to learn from")
    parser.add_argument("--test", type=int, default=12, help="fields to score on")
    parser.add_argument("--size", type=int, default=256, help="pixels along a side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--microscopes", nargs="*", choices=NAMES, default=NAMES, metavar="NAME"
    )
    options = parser.parse_args()
    for name in options.microscopes:
        if (options.out / name).exists():
            parser.error(f"{options.out} holds {name} already: choose another folder")
    record = known_images(options.out / "twin.json", options.seed, options.size)
    for number, microscope in enumerate(MICROSCOPES):
        if microscope.name not in options.microscopes:
            continue
        for channel, structure in enumerate(STRUCTURES):
            for index in range(options.train + options.test):
                side = "train" if index < options.train else "test"
                record.append(
                    write_pair(
                        options.out / microscope.name / side,
                        microscope,
                        channel,
                        index,
                        seed=(options.seed, number, index),
                        size=options.size,
                    )
                )
            transfer.cache_clear()
            sys.stderr.write(f"{microscope.name} {structure}\n")
    made = {
        "made_by": f"make_twin.py, napari-gan-enhance {__version__}",
        "seed": options.seed,
        "size": options.size,
        "microscopes": [asdict(m) for m in MICROSCOPES],
        "images": record,
    }
    (options.out / "twin.json").write_text(json.dumps(made, indent=1), "utf-8")


def known_images(path: Path, seed: int, size: int) -> list[dict[str, object]]:
    """Return how the images of other microscopes in the folder were made."""
    if not path.exists():
        return []
    made = json.loads(path.read_text("utf-8"))
    if (made["seed"], made["size"]) != (seed, size):
        sys.exit(f"{path} has seed {made['seed']} and size {made['size']}")
    return made["images"]


def write_pair(
    folder: Path,
    microscope: TwinMicroscope,
    channel: int,
    index: int,
    *,
    seed: tuple[int, ...],
    size: int,
) -> dict[str, object]:
    """Draw one structure of a field, image it twice, and write both images."""
    structure = STRUCTURES[channel]
    source, target, facts = make_pair(microscope, channel, seed=seed, size=size)
    name = f"f{index:03d}_{structure}.tif"
    emission_nm = microscope.emission_nm[channel]
    for side, pixels, modality, aperture in (
        ("source", source, Modality.WIDE_FIELD, microscope.aperture),
        ("target", target, Modality.CONFOCAL, microscope.confocal_aperture),
    ):
        micrograph = Micrograph(
            pixels,
            "YX",
            VoxelSize(None, microscope.pixel_um, microscope.pixel_um),
            channels=(Channel(structure, emission_nm),),
            microscope=Microscope(modality, aperture, microscope.index),
            provenance={"operation": "simulated", "seed": list(seed), **facts},
        )
        path = folder / side / name
        path.parent.mkdir(parents=True, exist_ok=True)
        drain(write_micrograph(path, micrograph, overwrite=True))
    return {"microscope": microscope.name, "side": folder.name, "name": name, **facts}


def make_pair(
    microscope: TwinMicroscope, channel: int, *, seed: tuple[int, ...], size: int
) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    """Return wide-field image, confocal image, and how they were made."""
    scene = draw_scene(microscope, channel, seed=seed, size=size)
    source = wide_field(scene.volume, scene.formation, scene.focus, CROP, scene.rng)
    target = target_of(scene, microscope, channel)
    return source, target, {"focus": scene.focus, "photons": scene.formation.photons}


def target_of(scene: Scene, microscope: TwinMicroscope, channel: int) -> np.ndarray:
    """Return the confocal image."""
    emission_nm = microscope.emission_nm[channel]
    return confocal(scene.volume, microscope, emission_nm, PLANE_UM, scene.focus, CROP)


@dataclass(frozen=True, slots=True)
class Scene:
    """One structure of a field, the plane in focus, and how it is recorded."""

    volume: np.ndarray
    focus: int
    formation: FormationSettings
    rng: np.random.Generator


def draw_scene(
    microscope: TwinMicroscope, channel: int, *, seed: tuple[int, ...], size: int
) -> Scene:
    """Draw what is in front of the objective, as `seed` says."""
    structure = STRUCTURES[channel]
    cells_rng, rng = (
        np.random.default_rng(seed),
        np.random.default_rng((*seed, channel)),
    )
    fine = microscope.pixel_um / SAMPLING
    side = (size + 2 * CROP) * SAMPLING
    field = Field((PLANES, side, side), (PLANE_UM, fine, fine))
    # The cells of a field are the same in its three images.
    volume = draw(structure, field, lay_out(field, cells_rng), rng)
    low, high = FOCUS[structure]
    focus = int(rng.integers(low, high + 1))
    formation = microscope.formation(microscope.emission_nm[channel], PLANE_UM, rng)
    return Scene(volume, focus, formation, rng)


if __name__ == "__main__":
    main()
