"""What the dock finds wrong before a run."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.models.spec import ModelSpec
from napari_gan_enhance.viewer.checks import Finding, findings
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.model_choice import ModelChoice
from napari_gan_enhance.viewer.optics_values import optics_in_file

OPTICS = EnhanceChoices(
    numerical_aperture=1.2,
    immersion_index=1.333,
    emission_nm=(520.0,),
    voxel_size_um=(None, 0.1, 0.1),
)


def model(inputs: int = 1, outputs: int = 1) -> ModelChoice:
    spec = ModelSpec(
        architecture="residual-unet",
        config={},
        in_channels=inputs,
        out_channels=outputs,
        halo=0,
    )
    return ModelChoice("m", "m", "", spec)


def found(
    micrograph: Micrograph, choice: ModelChoice, choices: EnhanceChoices = OPTICS
) -> list[Finding]:
    return findings(choices, micrograph, choice, optics_in_file(micrograph))


def test_stack_without_a_distance_between_planes_blocks() -> None:
    stack = Micrograph(np.zeros((3, 8, 8)), "ZYX", VoxelSize(None, 0.1, 0.1))
    first = found(stack, model())[0]
    assert (first.field, first.blocks) == ("voxel_size_um.z", True)
    assert "the distance between planes" in first.reason


@pytest.mark.parametrize("axes", ["YX", "TYX"])
def test_planes_need_no_distance(axes: str) -> None:
    pixels = np.zeros((3, 8, 8)[-len(axes) :])
    plane = Micrograph(pixels, axes, VoxelSize(None, 0.1, 0.1))
    assert not any(finding.blocks for finding in found(plane, model()))


@pytest.mark.parametrize(("outputs", "blocks"), [(1, True), (2, True), (3, False)])
def test_color_must_stay_color_to_be_shown(outputs: int, blocks: bool) -> None:
    color = Micrograph(np.zeros((8, 8, 3)), "YXS")
    shown = found(color, model(3, outputs), EnhanceChoices(deconvolve=False))
    assert any(f.field == "model" and f.blocks for f in shown) == blocks
