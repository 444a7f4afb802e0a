"""Six microscopes of the simulated twin; the first is that of the seed paper.

Panek et al. (arXiv 2403.18026): wide-field 40x / 1.30 oil, confocal 40x / 1.4 oil,
pixels of 159 nm, emission at 461, 520 and 565 nm. The others differ in what differs
between laboratories: objective, medium, pixel, dyes, stray light, exposure, camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.optics.formation import FormationSettings, expected_photons
from napari_gan_enhance.optics.sectioning import confocal_transfer
from napari_gan_enhance.optics.transfer import FormationOptics, Haze, Transfer

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLING = 4
"""Voxels of the object along a camera pixel."""

STOKES_NM = 35.0
"""Excitation lies so far below emission: usual for the dyes of these colors."""

CONFOCAL_PLANES = 4
"""Planes on each side of the focus that a confocal still sees: 2 µm away less than a
hundredth of the light passes."""


@dataclass(frozen=True, slots=True)
class TwinMicroscope:
    """A wide-field microscope, and the confocal that shows the same field sharply.

    Parameters
    ----------
    name : str
    aperture, index : float
        Of the wide-field objective.
    pixel_um : float, µm
    emission_nm : (nuclei, actin, tubulin), nanometres
    confocal_aperture : float
        Same immersion.
    photons : (low, high)
        Expected photons of the brightest pixel; drawn evenly on a log scale.
    background : float
        Photons.
    haze : (share, width in µm)
        Light from beyond the drawn cells and scattered in the microscope.
    gain, offset, read_noise, bits
        As for `FormationSettings`.
    """

    name: str
    aperture: float
    index: float
    pixel_um: float
    emission_nm: tuple[float, float, float]
    confocal_aperture: float
    photons: tuple[float, float]
    background: float
    haze: tuple[float, float]
    gain: float
    offset: float
    read_noise: float
    bits: int

    def optics(self, emission_nm: float, plane_um: float) -> FormationOptics:
        return FormationOptics(
            numerical_aperture=self.aperture,
            immersion_index=self.index,
            emission_nm=emission_nm,
            pixel_um=self.pixel_um,
            plane_um=plane_um,
        )

    def formation(
        self, emission_nm: float, plane_um: float, rng: np.random.Generator
    ) -> FormationSettings:
        """Return the settings of one exposure."""
        low, high = self.photons
        return FormationSettings(
            optics=self.optics(emission_nm, plane_um),
            haze=Haze(share=self.haze[0], width_um=self.haze[1]),
            sampling=SAMPLING,
            photons=low * (high / low) ** rng.random(),
            background=self.background,
            gain=self.gain,
            offset=self.offset,
            read_noise=self.read_noise,
            bits=self.bits,
        )


SEED_NM = (461.0, 520.0, 565.0)

MICROSCOPES = (
    TwinMicroscope("seed-40x-1.30", 1.30, 1.515, 0.159, SEED_NM, 1.40,
                   (150, 600), 8, (0.15, 3.0), 2.0, 100, 1.6, 16),
    TwinMicroscope("air-20x-0.75", 0.75, 1.0, 0.325, (447.0, 525.0, 600.0), 0.80,
                   (200, 1000), 15, (0.10, 6.0), 0.46, 100, 1.2, 12),
    TwinMicroscope("oil-63x-1.40", 1.40, 1.515, 0.103, (460.0, 519.0, 603.0), 1.40,
                   (60, 250), 5, (0.20, 2.5), 4.0, 200, 2.5, 16),
    TwinMicroscope("oil-100x-1.45", 1.45, 1.515, 0.065, (461.0, 510.0, 670.0), 1.45,
                   (30, 150), 3, (0.10, 2.0), 1.0, 100, 1.6, 16),
    TwinMicroscope("water-40x-1.15", 1.15, 1.333, 0.1625, (455.0, 530.0, 590.0), 1.15,
                   (300, 2000), 40, (0.35, 4.0), 0.25, 30, 6.0, 12),
    TwinMicroscope("silicone-60x-1.30", 1.30, 1.406, 0.108, (461.0, 520.0, 617.0), 1.30,
                   (15, 60), 2, (0.15, 3.0), 3.0, 10, 0.8, 8),
)  # fmt: skip


def wide_field(
    volume: NDArray[np.float32],
    settings: FormationSettings,
    focus: int,
    crop: int,
    rng: np.random.Generator,
) -> NDArray[np.generic]:
    """Return the image of a plane; `crop` camera pixels of context are cut off."""
    inside = (slice(crop, -crop),) * 2
    # The budget is that of the brightest pixel in the picture, not around it.
    light = expected_photons(
        volume,
        settings.model_copy(update={"photons": None, "background": 0}),
        focus=focus,
    )[inside]
    light = light / light.max() * settings.photons + settings.background
    return settings.record(light.astype(np.float32), rng)


def confocal(
    volume: NDArray[np.float32],
    microscope: TwinMicroscope,
    emission_nm: float,
    plane_um: float,
    focus: int,
    crop: int,
) -> NDArray[np.float32]:
    """Return what a confocal shows of a plane without noise, brightest pixel 1."""
    first = max(0, focus - CONFOCAL_PLANES)
    planes = volume[first : focus + CONFOCAL_PLANES + 1]
    shown = _confocal_transfer(
        _confocal_optics(microscope, emission_nm, plane_um), planes.shape[1:]
    )
    light = shown.blur(planes, focus - first)[0]
    rows, columns = (n // SAMPLING for n in light.shape)
    light = light.reshape(rows, SAMPLING, columns, SAMPLING).mean((1, 3))
    light = light[crop:-crop, crop:-crop]
    return light / light.max()


def section(
    volume: NDArray[np.float32],
    microscope: TwinMicroscope,
    emission_nm: float,
    plane_um: float,
    focus: int,
) -> NDArray[np.float32]:
    """Return the planes, each as bright as a confocal shows it: its optical section."""
    shown = _confocal_transfer(
        _confocal_optics(microscope, emission_nm, plane_um), volume.shape[1:]
    )
    passed = np.zeros(len(volume), np.float32)
    for z in range(len(volume)):
        if abs(z - focus) <= CONFOCAL_PLANES:
            passed[z] = shown.functions[abs(z - focus), 0, 0].real  # of even light
    return volume * passed[:, None, None]


def _confocal_optics(
    microscope: TwinMicroscope, emission_nm: float, plane_um: float
) -> FormationOptics:
    return microscope.optics(emission_nm, plane_um).model_copy(
        update={"numerical_aperture": microscope.confocal_aperture}
    )


@lru_cache(1)
def _confocal_transfer(optics: FormationOptics, shape: tuple[int, int]) -> Transfer:
    return confocal_transfer(
        optics,
        excitation_nm=optics.emission_nm - STOKES_NM,
        pinhole_airy=0,
        sampling=SAMPLING,
        depth=CONFOCAL_PLANES,
        shape=shape,
    )
