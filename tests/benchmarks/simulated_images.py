"""Images with a known truth, to judge how deconvolution stops by itself.

Each seed is another object under another microscope: filaments, tubes, puncta,
membranes, nuclei or a cell of the twin; one plane or a small stack; apertures from 0.5
to 1.45; peak photons from 20 to 10,000; with and without haze, background and offset; 8
to 16 bits. Nothing is fitted on the seeds that are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from twin.objects import STRUCTURES, Field, lay_out
from twin.objects import draw as draw_cells

from napari_gan_enhance.optics.formation import FormationSettings, form_image
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.transfer import FormationOptics, Haze
from napari_gan_enhance.training.objects import Grid, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 160
"""Camera pixels along an image; stacks have 96."""

STACK_SIDE, STACK_PLANES = 96, 16

CONTEXT = 16
"""Camera pixels drawn around the image, so that light comes in from there."""

KINDS = ("filaments", "tubes", "puncta", "membranes", "nuclei", *STRUCTURES)

MEDIA = ((0.9, 1.0), (1.15, 1.333), (2.0, 1.515))
"""Largest aperture and the index it goes with."""


@dataclass(frozen=True, slots=True)
class SimulatedImage:
    """An image, what it shows, and what is needed to deconvolve it.

    Parameters
    ----------
    image : ndarray, (Y, X) or (Z, Y, X)
        Gray levels.
    truth : ndarray, same shape
        The object in camera pixels.
    psf : ndarray, as many axes
    background : float
        Gray levels to subtract; 0 where the user does not know of the offset.
    settings : FormationSettings
    kind : str
    """

    image: NDArray[Any]
    truth: NDArray[np.float32]
    psf: NDArray[np.float32]
    background: float
    settings: FormationSettings
    kind: str


def simulated_image(
    seed: int, *, is_stack: bool = False, sampling: int = 1
) -> SimulatedImage:
    """Return the image of a seed.

    Drawn on the camera's grid, with `sampling` 1, the object is what a PSF integrated
    over the pixel assumes: emitters in the centers of pixels. Drawn finer, its binned
    truth is blurred by the pixel once more, and is not quite what the deconvolution
    looks for.
    """
    rng = np.random.default_rng((2024, seed))
    settings, is_offset_known = _settings(rng, is_stack, sampling)
    planes, side = (STACK_PLANES, STACK_SIDE) if is_stack else (1, SIDE)
    kind = str(rng.choice(KINDS))
    sharp = _object(kind, planes, side, settings, rng)
    inside = (slice(CONTEXT, -CONTEXT),) * 2
    image = form_image(sharp, settings, rng=rng)[:, *inside]
    truth = _binned(sharp, sampling)[:, *inside]
    optics = settings.optics
    voxel = (optics.plane_um, optics.pixel_um, optics.pixel_um)
    objective = {
        "numerical_aperture": optics.numerical_aperture,
        "immersion_index": optics.immersion_index,
        "emission_nm": optics.emission_nm,
    }
    image, truth = (image, truth) if is_stack else (image[0], truth[0])
    psf = point_spread_function(
        psf_shape(image.shape, voxel, **objective), voxel, **objective
    )
    background = settings.offset if is_offset_known else 0.0
    return SimulatedImage(image, truth, psf, background, settings, kind)


def _settings(
    rng: np.random.Generator, is_stack: bool, sampling: int
) -> tuple[FormationSettings, bool]:
    def between(low: float, high: float) -> float:
        return float(low * (high / low) ** rng.random())

    aperture = between(0.5, 1.45)
    emission_nm = rng.uniform(450, 650)
    nyquist_um = emission_nm / 4000 / aperture
    index = next(n for limit, n in MEDIA if aperture < limit)
    axial_um = 1e-3 * emission_nm / (index - np.sqrt(index**2 - aperture**2)) / 2
    photons = between(20, 10_000)
    bits = int(rng.choice([8, 12, 16]))
    offset = float(rng.choice([0, 10 if bits == 8 else 100]))
    # The brightest pixel lies between a third and all of the camera's range.
    room = (2**bits - 1 - offset) * between(0.3, 0.9)
    background = photons * (between(0.01, 0.3) if rng.random() < 0.7 else 0)
    haze = Haze(share=rng.uniform(0.05, 0.4), width_um=between(1, 5))
    settings = FormationSettings(
        optics=FormationOptics(
            numerical_aperture=aperture,
            immersion_index=index,
            emission_nm=emission_nm,
            pixel_um=nyquist_um * between(0.4, 1.6),
            plane_um=axial_um * between(0.5, 1.0),
        ),
        haze=haze if rng.random() < 0.4 and not is_stack else None,
        sampling=sampling,
        photons=photons,
        background=background,
        gain=min(room / (photons + background), 8.0),
        offset=offset,
        read_noise=float(rng.choice([0.0, between(0.5, 4)])),
        bits=bits,
    )
    return settings, bool(rng.random() < 0.6)


def _object(
    kind: str,
    planes: int,
    side: int,
    settings: FormationSettings,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    optics, sampling = settings.optics, settings.sampling
    fine = optics.pixel_um / sampling
    size = (side + 2 * CONTEXT) * sampling
    plane_um = optics.plane_um or 1.0
    if kind in STRUCTURES:
        field = Field(
            (planes, size, size), (plane_um if planes > 1 else 5.0, fine, fine)
        )
        volume = draw_cells(kind, field, lay_out(field, rng), rng)
    else:
        grid = Grid((planes, size, size), (plane_um, fine, fine))
        volume = draw(kind, grid, rng)
    middle = volume[:, size // 4 : -size // 4, size // 4 : -size // 4]
    if middle.max() > 0.05 * volume.max() > 0:
        return volume
    return _object(kind, planes, side, settings, rng)  # nothing was hit: draw again


def _binned(sharp: NDArray[np.float32], sampling: int) -> NDArray[np.float32]:
    planes, rows, columns = sharp.shape
    blocks = sharp.reshape(
        planes, rows // sampling, sampling, columns // sampling, sampling
    )
    return blocks.sum((2, 4))
