"""Simulate pairs: what a wide-field microscope makes of sharp objects.

Each field is a new object under another microscope. The target of a drawn object is
what a confocal microscope of the same aperture shows of the plane in focus, its pinhole
nearly closed: the thinnest section that one can take, and here without noise. That of a
sharp image is the image, which a microscope has blurred once already.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_gan_enhance import __version__
from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.atomic import atomic_file, output_errors
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality
from napari_gan_enhance.models.told_optics import FWHM
from napari_gan_enhance.optics.formation import FormationSettings, form_image
from napari_gan_enhance.optics.sectioning import confocal_transfer
from napari_gan_enhance.optics.transfer import FormationOptics, Haze, transfer
from napari_gan_enhance.progress import Job, Progress, drain
from napari_gan_enhance.training.objects import Grid, between, draw_mixture
from napari_gan_enhance.training.sharp_images import SharpImage, load_sharp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Range: TypeAlias = tuple[float, float]

# Beyond these lies no light microscope: numbers run out of range, and a pixel size that
# was meant in nanometres draws for hours.
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
PixelSize = Annotated[float, Field(ge=1e-3, le=10)]
Thickness = Annotated[float, Field(ge=1e-3, le=100)]

SAMPLING = 2
"""Object pixels along a camera pixel: what is drawn is finer than what is seen."""

DEPTHS = 15
"""Planes of a drawn object; the more light is in one, the more often it is in focus.
Even the thickest has some within the section of a good objective."""

PSF_PX = (0.8, 4.5)
"""Widths of the PSF in pixels between which cameras are matched to objectives: finer
pixels are rarely used, and coarser than 1 loses what the objective resolves, as weak
objectives on usual cameras do."""

IMMERSIONS = ((0.9, 1.0), (1.15, 1.333), (math.inf, 1.515))
"""Largest aperture of a usual objective, and the index it is made for."""

STOKES_NM = 35.0
"""The laser lies so far below the emission: usual for the dyes of these colors."""

GAIN = (0.5, 4.0)
"""Gray levels for one photoelectron; less where there are too many of them."""

OFFSET, BITS, FILLED = 100.0, 16, 0.9
"""Gray level of darkness, and how much of the range above it the brightest pixel may
take: photons scatter, and none may be cut off."""

MANIFEST = "simulation.json"

DRAWN = "drawn"

FIELD_PATTERN = r"^drawn_\d+|^.+(?=_\d{4,}$)"
"""A drawn object is a field of view; all crops of one sharp image are one."""


class SimulationSettings(BaseModel):
    """Which microscopes to simulate.

    Apertures are drawn evenly, everything else evenly on a log scale.

    Parameters
    ----------
    fields : int
        Pairs to make.
    size : int, pixels
        Side of an image.
    numerical_aperture : (low, high)
    emission_nm : (low, high), nanometres
    pixel_um : (low, high), µm, 0.001 to 10
        Of these, one that suits the objective, if any does.
    thickness_um : (low, high), µm, 0.001 to 100
        Of the drawn objects; what is out of focus is haze.
    photons : (low, high), up to 1e9
        Expected photons of the brightest pixel.
    background : (low, high)
        Even background as a share of `photons`.
    haze : (low, high)
        Share of light from far outside the focus.
    read_noise : (low, high), electrons
    sharp_share : float, 0 to 1
        Share of the fields made from sharp images, where there are any; the others
        are drawn.
    seed : int

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: int = Field(400, ge=1)
    size: int = Field(256, ge=64, le=2048)
    numerical_aperture: Range = (0.5, 1.45)
    emission_nm: Range = (450.0, 680.0)
    pixel_um: tuple[PixelSize, PixelSize] = (0.04, 0.35)
    thickness_um: tuple[Thickness, Thickness] = (1.5, 8.0)
    photons: tuple[Positive, Positive] = (12.0, 3000.0)
    background: tuple[Positive, Positive] = (0.02, 0.5)
    haze: tuple[Positive, Positive] = (0.03, 0.6)
    read_noise: tuple[Positive, Positive] = (0.5, 3.0)
    sharp_share: float = Field(0.25, ge=0, le=1)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        """Refuse now what no microscope can have, not when a field happens on it."""
        for aperture in self.numerical_aperture:
            Microscope(None, aperture, IMMERSIONS[-1][1])
        for emission_nm in self.emission_nm:
            Channel(emission_nm=emission_nm)
        return self


def simulated_pattern(folder: Path) -> str:
    """Return which part of a file's name is its field, if a folder is simulated."""
    return FIELD_PATTERN if (folder / MANIFEST).exists() else ""


def simulate(
    output: Path, settings: SimulationSettings, sharp: Sequence[Path] = ()
) -> Job[Path]:
    """Write a folder of simulated pairs that `train` takes as it is.

    Parameters
    ----------
    output : Path
        New folder; gets `source`, `target` and `simulation.json`.
    settings : SimulationSettings
    sharp : sequence of Path
        Sharp images to use as objects beside the drawn ones: low noise, in focus, one
        plane. They are binned two by two, so that they are sharper than the camera
        gave them.

    Yields
    ------
    Progress

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the folder holds something already, or cannot be written.
    FileFormatError
        If a sharp image cannot be read.
    InputError
        If it is no single plane of one channel.
    """
    _check_new(output)
    images = [load_sharp(path) for path in sharp]
    with output_errors(output):
        for side in ("source", "target"):
            (output / side).mkdir(parents=True, exist_ok=True)
    # At once: with it, crops of one image stay together in a set that is broken off.
    _describe(output, settings, [])
    record = []
    for number in range(settings.fields):
        seed = [settings.seed, number]
        rng = np.random.default_rng(seed)
        use_sharp = bool(images) and rng.random() < settings.sharp_share
        image = images[rng.integers(len(images))] if use_sharp else None
        source, target, facts = _field(settings, rng, image)
        name = f"{_made_of(image)}_{number:04d}.tif"
        drain(write_micrograph(output / "source" / name, source))
        drain(write_micrograph(output / "target" / name, target))
        transfer.cache_clear()  # no two fields have one microscope
        record.append({"name": name, "seed": seed, **facts})
        yield Progress(number + 1, settings.fields, "simulating")
    _describe(output, settings, record)
    return output


def _check_new(output: Path) -> None:
    """Refuse what is no place for a new folder, or not empty."""
    with output_errors(output):
        if output.exists() and any(output.iterdir()):
            raise OutputError(
                f"{output.name!r} holds files already - simulated pairs need a folder "
                "of their own - choose a new one."
            )


def _describe(
    output: Path, settings: SimulationSettings, record: Sequence[dict[str, Any]]
) -> None:
    content = {
        "made_by": f"napari-gan-enhance {__version__}, simulate",
        "settings": settings.model_dump(mode="json"),
        "pairs": record,
    }
    with atomic_file(output / MANIFEST, overwrite=True) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _made_of(image: SharpImage | None) -> str:
    """Return the first part of a file's name, the same for all crops of an image."""
    if image is None:
        return DRAWN
    stem = image.path.stem
    return f"{stem}-image" if stem == DRAWN else stem


def _field(
    settings: SimulationSettings,
    rng: np.random.Generator,
    image: SharpImage | None,
) -> tuple[Micrograph, Micrograph, dict[str, Any]]:
    formation = _formation(settings, rng, flat=image is not None)
    optics = formation.optics
    side = settings.size * SAMPLING
    if image is not None:
        planes, focus = image.crop(side, rng)[np.newaxis], 0
        target = planes[0]
    else:
        planes, focus, target = _specimen(optics, side, rng)
    source = form_image(planes, formation, focus=focus, rng=rng)
    sharp = target.reshape(settings.size, SAMPLING, settings.size, SAMPLING)
    facts = {
        "object": DRAWN if image is None else str(image.path),
        "formation": formation.model_dump(mode="json", exclude={"seed"}),
        "focus": focus,
    }
    return (
        _micrograph(source, optics, Modality.WIDE_FIELD),
        _micrograph(
            sharp.mean((1, 3)).astype(np.float32),
            optics,
            Modality.CONFOCAL if image is None else None,  # what took it is not known
        ),
        facts,
    )


def _specimen(
    optics: FormationOptics, side: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], int, NDArray[np.float32]]:
    """Draw planes; return them, which is in focus, and its confocal section."""
    pixel = optics.pixel_um / SAMPLING
    grid = Grid((DEPTHS, side, side), (optics.plane_um or 0, pixel, pixel))
    planes = draw_mixture(grid, rng)
    while not planes.any():  # a membrane may lie around a small field
        planes = draw_mixture(grid, rng)
    light = planes.sum((1, 2), dtype=np.float64)
    focus = int(rng.choice(DEPTHS, p=light / light.sum()))
    shown = confocal_transfer(
        optics,
        excitation_nm=optics.emission_nm - STOKES_NM,
        pinhole_airy=0,
        sampling=SAMPLING,
        depth=DEPTHS - 1,
        shape=(side, side),
    )
    return planes, focus, shown.blur(planes, focus)[0]


def _formation(
    settings: SimulationSettings, rng: np.random.Generator, *, flat: bool
) -> FormationSettings:
    """Draw a microscope; without depth in the object more haze stands for it."""
    aperture = float(rng.uniform(*settings.numerical_aperture))
    emission_nm = between(rng, *settings.emission_nm)
    width_um = FWHM * 1e-3 * emission_nm / aperture
    photons = between(rng, *settings.photons)
    thickness = between(rng, *settings.thickness_um)
    pixel_um = between(rng, *_suitable(settings.pixel_um, width_um))
    haze = between(rng, *settings.haze)
    background = photons * between(rng, *settings.background)
    brightest = FILLED * (2**BITS - 1 - OFFSET)
    return FormationSettings(
        optics=FormationOptics(
            numerical_aperture=aperture,
            immersion_index=next(n for limit, n in IMMERSIONS if aperture < limit),
            emission_nm=emission_nm,
            pixel_um=pixel_um,
            plane_um=None if flat else thickness / DEPTHS,
        ),
        haze=Haze(
            share=haze,
            width_um=max(1.0, thickness),
            kind="defocus" if flat else "gaussian",
        ),
        sampling=SAMPLING,
        photons=photons,
        background=background,
        gain=min(between(rng, *GAIN), brightest / (photons + background)),
        offset=OFFSET,
        read_noise=between(rng, *settings.read_noise),
        bits=BITS,
    )


def _suitable(pixel_um: Range, psf_um: float) -> Range:
    """Return the pixel sizes that suit a PSF, or all if none does."""
    low = max(pixel_um[0], psf_um / PSF_PX[1])
    high = min(pixel_um[1], psf_um / PSF_PX[0])
    return (low, high) if low <= high else pixel_um


def _micrograph(
    pixels: NDArray[Any], optics: FormationOptics, modality: Modality | None
) -> Micrograph:
    return Micrograph(
        pixels,
        "YX",
        VoxelSize(None, optics.pixel_um, optics.pixel_um),
        channels=(Channel(emission_nm=optics.emission_nm),),
        microscope=Microscope(
            modality, optics.numerical_aperture, optics.immersion_index
        ),
    )
