"""The PSF as it is described before a run."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.choices import DeconvolveChoices
from napari_gan_enhance.viewer.deconvolution import deconvolve_settings
from napari_gan_enhance.viewer.psf_preview import PsfQuestion, preview_psf

CHOICES = DeconvolveChoices(
    numerical_aperture=0.8,
    immersion_index=1.0,
    emission_nm=(None, 520.0),
    voxel_size_um=(0.4, 0.1, 0.2),
)
STACK = Micrograph(np.zeros((9, 64, 64), np.uint8), "ZYX")
PLANE = Micrograph(np.zeros((64, 64), np.uint8), "YX")


def test_pictures_are_cut_through_the_peak_and_sized_by_the_voxel() -> None:
    preview = drain(preview_psf(PsfQuestion.of(STACK, CHOICES)))
    depth, height, width = (
        preview.xz.shape[0],
        *preview.xy.shape,
    )
    assert preview.xz.shape[1] == width
    assert preview.size_um == pytest.approx((0.4 * depth, 0.1 * height, 0.2 * width))
    for picture in (preview.xy, preview.xz):
        middle = tuple(n // 2 for n in picture.shape)
        assert picture[middle] == picture.max() == 1
        assert picture.min() >= 0


def test_plane_has_no_axial_picture() -> None:
    preview = drain(preview_psf(PsfQuestion.of(PLANE, CHOICES)))
    assert preview.xz is None
    assert "z" not in preview.text


def test_warning_names_what_is_too_coarse() -> None:
    # 520 nm / (4 x 0.8) = 0.1625 µm: x is coarser, y is not
    preview = drain(preview_psf(PsfQuestion.of(PLANE, CHOICES)))
    assert preview.warning.count("at most 0.163 µm") == 1
    fine = CHOICES.model_copy(update={"voxel_size_um": (0.4, 0.1, 0.1)})
    assert drain(preview_psf(PsfQuestion.of(PLANE, fine))).warning == ""


def test_deep_focus_widens_the_psf() -> None:
    choices = CHOICES.model_copy(
        update={
            "numerical_aperture": 1.3,
            "immersion_index": 1.515,
            "model": "gibson-lanni",
            "depth_um": 20.0,
            "sample_index": 1.33,
            "voxel_size_um": (0.3, 0.1, 0.1),
        }
    )
    deep = Micrograph(np.zeros((33, 32, 32), np.uint8), "ZYX")
    shallow = choices.model_copy(update={"depth_um": 0.0})
    axial = [
        float(drain(preview_psf(PsfQuestion.of(deep, c))).text.split()[6])
        for c in (shallow, choices)
    ]
    assert axial[1] > axial[0]


def test_what_was_typed_for_another_model_does_not_matter() -> None:
    """Its fields are hidden, and keep what they hold."""
    typed = CHOICES.model_copy(update={"depth_um": 20.0, "sample_index": 1.33})
    without, with_it = (
        drain(preview_psf(PsfQuestion.of(PLANE, c))) for c in (CHOICES, typed)
    )
    assert with_it.text == without.text
    settings = deconvolve_settings(typed, None)
    assert (settings.depth_um, settings.sample_index) == (None, None)
    deep = typed.model_copy(update={"model": "gibson-lanni"})
    settings = deconvolve_settings(deep, None)
    assert (settings.depth_um, settings.sample_index) == (20.0, 1.33)


def test_only_what_matters_to_the_psf_makes_another_question() -> None:
    asked = PsfQuestion.of(STACK, CHOICES)
    same = CHOICES.model_copy(update={"iterations": 3, "background": 1.0})
    other = CHOICES.model_copy(update={"model": "born-wolf"})
    assert asked.is_same(PsfQuestion.of(STACK, same))
    assert not asked.is_same(PsfQuestion.of(STACK, other))
    assert not asked.is_same(PsfQuestion.of(PLANE, CHOICES))
    assert not asked.is_same(PsfQuestion.of(STACK, CHOICES, PLANE))
    assert not asked.is_same(None)


def test_unusable_layer_is_refused() -> None:
    choices = CHOICES.model_copy(update={"psf": "layer"})
    with pytest.raises(InputError, match="layer"):
        drain(preview_psf(PsfQuestion.of(PLANE, choices, PLANE)))
