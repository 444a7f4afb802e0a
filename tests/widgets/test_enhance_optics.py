"""What the form says of the optics reaches a generator that wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.widgets._marks import Mark

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.widgets.enhance import EnhanceDock

WAIT_MS = 20_000
"""Longer than any run here takes on a busy machine."""

WIDTH_PX = 3.341
"""0.514 * 0.520 µm / 0.8 / 0.1 µm."""


@pytest.fixture(scope="module")
def told_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator with random weights that takes the width of the PSF."""
    import torch

    from napari_gan_enhance.checkpoints.native import save_checkpoint
    from napari_gan_enhance.models.registry import build_network, spec_of
    from napari_gan_enhance.models.spec import ModelCard

    torch.manual_seed(2)
    config = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 1}
    config |= {"takes_psf_width": True}
    network = build_network("residual-unet", config)
    path = tmp_path_factory.mktemp("models") / "told.safetensors"
    spec, card = spec_of("residual-unet", config), ModelCard(name="told")
    return save_checkpoint(path, network.state_dict(), spec, card)


@pytest.fixture
def told_dock(dock: EnhanceDock, told_checkpoint: Path) -> EnhanceDock:
    dock.controls.model.choose(str(told_checkpoint))
    return dock


def type_in(dock: EnhanceDock, name: str, text: str) -> None:
    field = dock.controls.optics.fields[name]
    field.setText(text)
    field.textEdited.emit(text)


def shown_fields(dock: EnhanceDock) -> set[str]:
    fields = dock.controls.optics.fields
    return {name for name, field in fields.items() if field.isVisibleTo(dock)}


def enhanced(dock: EnhanceDock, viewer: Viewer, qtbot: QtBot) -> Micrograph:
    with qtbot.waitSignal(dock.panel.runner.idle, timeout=WAIT_MS):
        dock.panel.button.click()
    kept: Micrograph = viewer.layers[-1].metadata["napari_gan_enhance"]
    return kept


def test_typed_optics_reach_the_generator(
    told_dock: EnhanceDock, viewer: Viewer, cells: Image, qtbot: QtBot
) -> None:
    untold = enhanced(told_dock, viewer, qtbot)
    type_in(told_dock, "numerical_aperture", "0.8")
    type_in(told_dock, "emission_nm.0", "520")
    told = enhanced(told_dock, viewer, qtbot)
    assert untold.provenance["psf_width_px"] == [None]
    assert told.provenance["psf_width_px"] == [pytest.approx(WIDTH_PX, rel=1e-3)]
    assert not np.array_equal(told.pixels, untold.pixels)
    assert told.microscope.numerical_aperture == 0.8
    assert told.channels[0].emission_nm == 520


def test_typed_optics_count_more_than_those_of_the_file(
    told_dock: EnhanceDock, viewer: Viewer, qtbot: QtBot
) -> None:
    kept = Micrograph(
        np.arange(64 * 64, dtype=np.uint16).reshape(64, 64),
        "YX",
        VoxelSize(None, 0.1, 0.1),
        channels=(Channel("GFP", 600.0),),
        microscope=Microscope(None, 0.4, 1.0),
    )
    viewer.add_image(
        kept.pixels,
        scale=(0.1, 0.1),
        units="micrometer",
        metadata={"napari_gan_enhance": kept},
    )
    type_in(told_dock, "numerical_aperture", "1.3")  # the index of the file is 1
    result = enhanced(told_dock, viewer, qtbot)
    width = 0.514 * 0.6 / 1.3 / 0.1  # µm / µm
    assert result.provenance["psf_width_px"] == [pytest.approx(width, rel=1e-3)]


def test_optics_are_shown_where_something_uses_them(
    dock: EnhanceDock, told_checkpoint: Path, checkpoint: Path, viewer: Viewer
) -> None:
    lateral = {"numerical_aperture", "emission_nm.0", "voxel_size_um.y"}
    lateral |= {"voxel_size_um.x"}
    axial = {"immersion_index", "voxel_size_um.z"}
    assert shown_fields(dock) == set()
    dock.controls.model.choose(str(told_checkpoint))
    assert shown_fields(dock) == lateral
    dock.controls.deconvolve.setChecked(True)
    assert shown_fields(dock) == lateral | axial
    dock.controls.deconvolve.setChecked(False)
    viewer.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True)
    assert shown_fields(dock) == set()  # three colors have no one width
    dock.controls.model.choose(str(checkpoint))
    assert shown_fields(dock) == set()


def test_missing_optics_are_asked_for_and_not_demanded(told_dock: EnhanceDock) -> None:
    aperture = told_dock.controls.optics.fields["numerical_aperture"]
    assert Mark.CHECK.value in aperture.styleSheet()
    assert "type them in, or the model has to do" in told_dock.controls.reason.text()
    assert told_dock.panel.button.isEnabled()
    type_in(told_dock, "numerical_aperture", "3")
    assert Mark.WRONG.value in aperture.styleSheet()
    assert not told_dock.panel.button.isEnabled()
    type_in(told_dock, "numerical_aperture", "abc")
    assert "leave it empty" in told_dock.controls.reason.text()
