"""What is wrong with the settings of a run, found before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.viewer.optics_values import OpticsValues, optics_chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.choices import EnhanceChoices, RunChoices
    from napari_gan_enhance.viewer.model_choice import ModelChoice

OWN_VALUE = "Marked values are not in the file: they are your own."

RGB_SAMPLES = (3, 4)
"""Samples that napari shows as one RGB layer."""

WITHOUT_OPTICS = "switch Richardson-Lucy off"
"""What can be done in the Enhance dock where the optics are not known."""

NOT_OF_THE_WIDTH = ("immersion_index", "voxel_size_um.z", "voxel_size_um.y")
"""What the lateral width of the PSF in pixels does not depend on."""

NAMES = {
    "numerical_aperture": "the numerical aperture",
    "immersion_index": "the immersion index",
    "emission_nm": "the emission wavelength",
    "voxel_size_um": "the pixel size",
    "voxel_size_um.z": "the distance between planes",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the user should know of a setting.

    Parameters
    ----------
    field : str
        Name of the field, such as "emission_nm.0".
    reason : str
        One sentence.
    blocks : bool
        Whether no run can start with it.
    missing : str
        What the file does not say, for one sentence about all of it.
    """

    field: str
    reason: str
    blocks: bool = True
    missing: str = ""


def findings(
    choices: EnhanceChoices,
    micrograph: Micrograph | None,
    model: ModelChoice | None,
    in_file: OpticsValues | None,
) -> list[Finding]:
    """Return what is wrong or worth a look, the gravest first.

    Parameters
    ----------
    choices : EnhanceChoices
        What the controls hold.
    micrograph : Micrograph or None
        The chosen layer; None where there is none.
    model : ModelChoice or None
        The chosen model; None where there is none.
    in_file : OpticsValues or None
        What the file says of the optics.
    """
    if micrograph is None or in_file is None:
        return [Finding("layer", "Open or drop an image first.")]
    found = [*_model(model, micrograph)]
    if choices.deconvolve:
        found += optics_findings(choices, micrograph, in_file, WITHOUT_OPTICS)
    elif wants_psf_width(model, micrograph):
        found += _width_findings(choices, in_file)
    return sorted(found, key=lambda finding: not finding.blocks)


def missing_text(what: list[str], way_out: str) -> str:
    """Return one sentence about everything that the file does not say.

    Parameters
    ----------
    what : list of str
    way_out : str
        What can be done without it, such as "switch Richardson-Lucy off".
    """
    several = list(dict.fromkeys(what))
    them = "them" if len(several) > 1 else "it"
    return (
        f"The file does not say {', '.join(several)}, which Richardson-Lucy needs: "
        f"type {them} in or {way_out}."
    )


def wants_psf_width(model: ModelChoice | None, micrograph: Micrograph | None) -> bool:
    """Return whether a model takes the width of the PSF, and an image can have one."""
    takes = model is not None and model.spec is not None and model.spec.takes_psf_width
    return takes and (micrograph is None or not micrograph.is_rgb)


def optics_findings(
    choices: RunChoices, micrograph: Micrograph, in_file: OpticsValues, way_out: str
) -> Iterator[Finding]:
    """Return what is wrong with the optics of a computed PSF.

    Parameters
    ----------
    choices : RunChoices
    micrograph : Micrograph
    in_file : OpticsValues
        What the file says of the optics.
    way_out : str
        What can be done without them.
    """
    known = in_file.by_field()
    for name, value in optics_chosen(choices).by_field().items():
        if value is not None:
            reason = _impossible(name, value)
            if reason:
                yield Finding(name, reason)
            elif known.get(name) is None:
                yield Finding(name, OWN_VALUE, blocks=False)
        elif name != "voxel_size_um.z" or micrograph.size("Z") > 1:
            what = NAMES.get(name) or NAMES[name.partition(".")[0]]
            yield Finding(name, missing_text([what], way_out), missing=what)
    yield from _objective(choices)


def _width_findings(choices: RunChoices, in_file: OpticsValues) -> Iterator[Finding]:
    """Return what is wrong with, or missing of, the numbers that set the PSF's width.

    A model does without them, so that none is demanded.
    """
    known, values = in_file.by_field(), optics_chosen(choices).by_field()
    values = {name: v for name, v in values.items() if name not in NOT_OF_THE_WIDTH}
    missing = [NAMES[name.partition(".")[0]] for name, v in values.items() if v is None]
    for name, value in values.items():
        if value is None:
            yield Finding(name, _untold(missing), blocks=False)
        elif reason := _impossible(name, value):
            yield Finding(name, reason)
        elif known.get(name) is None:
            yield Finding(name, OWN_VALUE, blocks=False)


def _untold(missing: list[str]) -> str:
    what = list(dict.fromkeys(missing))
    it, them = ("it", "it") if len(what) == 1 else ("they", "them")
    return (
        f"The file does not say {', '.join(what)}: type {them} in, or the model has to "
        f"do without the width of the PSF that {it} would tell."
    )


def _model(model: ModelChoice | None, micrograph: Micrograph) -> Iterator[Finding]:
    if model is None:
        yield Finding("model", "No model is there: drop or browse for a checkpoint.")
        return
    if model.spec is None:
        yield Finding("model", model.error)
        return
    count, need = micrograph.size(micrograph.sample_axis), model.spec.in_channels
    if need not in (1, count):
        yield Finding(
            "model",
            f"Model {model.name!r} takes {need} channels but the layer has {count} - "
            "both must agree, or the model take one - choose another model.",
        )
    elif micrograph.is_rgb and need > 1 and model.spec.out_channels not in RGB_SAMPLES:
        yield Finding(
            "model",
            f"Model {model.name!r} makes {model.spec.out_channels} channels of an RGB "
            "image - a layer shows 3 or 4 of them - choose another model.",
        )


def _impossible(name: str, value: float) -> str:
    """Return why a number cannot be; empty if it can."""
    kind = name.partition(".")[0]
    try:
        if kind == "emission_nm":
            Channel(emission_nm=value)
        elif kind == "numerical_aperture":
            Microscope(numerical_aperture=value)
        elif kind == "immersion_index":
            Microscope(immersion_index=value)
        elif not 0 < value < float("inf"):
            return f"Voxel size {value:g} µm cannot be: it is a positive number."
    except InputError as error:
        return str(error)
    return ""


def _objective(choices: RunChoices) -> Iterator[Finding]:
    aperture, index = choices.numerical_aperture, choices.immersion_index
    if aperture is not None and index is not None and aperture >= index:
        yield Finding(
            "numerical_aperture",
            f"Numerical aperture {aperture:g} does not fit immersion index {index:g}: "
            "the aperture must be below the index.",
        )
