"""One run of the Deconvolve dock as a job: what it announces, keeps and makes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.region import WrittenSnapshot
from napari_gan_enhance.viewer import deconvolution, targets
from napari_gan_enhance.viewer.choices import DeconvolveChoices
from napari_gan_enhance.viewer.deconvolution import NO_ROOM, run_deconvolution
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultStarted,
    RunRequest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.progress import Progress

CHOICES = DeconvolveChoices(
    numerical_aperture=0.8,
    immersion_index=1.0,
    emission_nm=(520.0,),
    voxel_size_um=(None, 0.2, 0.2),
    iterations=5,
)


@pytest.fixture
def micrograph(rng: np.random.Generator) -> Micrograph:
    pixels = rng.poisson(100, (40, 56)).astype(np.uint16)
    return Micrograph(pixels, "YX", VoxelSize(None, 0.2, 0.2), name="cells")


def reports(
    micrograph: Micrograph,
    choices: DeconvolveChoices = CHOICES,
    psf: Micrograph | None = None,
    region: dict[str, slice] | None = None,
) -> list[Progress]:
    found: list[Progress] = []
    request = RunRequest(micrograph, choices, region)
    drain(run_deconvolution(request, psf), found.append)
    return found


def details(found: list[Progress]) -> list[object]:
    return [p.detail for p in found if p.detail is not None]


def test_result_starts_with_the_first_iteration_and_fills(
    micrograph: Micrograph,
) -> None:
    told = details(reports(micrograph))
    started, finished = told[0], told[-1]
    assert isinstance(started, ResultStarted)
    assert isinstance(finished, ResultFinished)
    assert started.label == "deconvolved: RL 1"
    kept = started.iterations
    assert kept.numbers == (1, 2, 3, 5)
    ready = [d.index for d in told if isinstance(d, WrittenSnapshot)]
    assert ready == [0, 1, 2, 3]
    assert finished.micrograph.pixels is kept.pixels(3)
    assert np.isfinite(kept.history).all()
    np.testing.assert_array_equal(kept.history[3], kept.final)


def test_nothing_is_kept_where_not_wanted(micrograph: Micrograph) -> None:
    choices = CHOICES.model_copy(update={"keeps_iterations": False})
    started = details(reports(micrograph, choices))[0]
    assert (started.label, started.iterations) == ("deconvolved: RL 5", None)


def test_result_is_kept_alone_where_there_is_no_room(
    micrograph: Micrograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deconvolution, "fits", lambda shape: shape[0] < 4)
    found = reports(micrograph)
    assert NO_ROOM in [p.note for p in found]
    assert details(found)[0].iterations is None
    few = CHOICES.model_copy(update={"iterations": 3})  # 1, 2 and 3 fit
    assert details(reports(micrograph, few))[0].iterations is not None


def test_iterations_on_disk_are_read_where_they_are_looked_at(
    micrograph: Micrograph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_memory = details(reports(micrograph))[0].iterations
    monkeypatch.setattr(deconvolution, "fits", lambda _: True)
    monkeypatch.setattr(targets, "FREE_SHARE", 0)
    monkeypatch.setattr(targets, "gettempdir", lambda: str(tmp_path))
    started = details(reports(micrograph))[0]
    first = started.iterations.pixels(0)
    assert not isinstance(first, np.ndarray)
    assert (first.shape, first.ndim, first.dtype) == ((40, 56), 2, np.float32)
    np.testing.assert_array_equal(first[3:9, 7], in_memory.pixels(0)[3:9, 7])
    np.testing.assert_array_equal(first[2], in_memory.pixels(0)[2])
    assert len(list(tmp_path.iterdir())) == 2  # the result and its history
    del started
    gc.collect()
    assert len(list(tmp_path.iterdir())) == 1  # `first` is part of the history
    del first
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_region_is_worked_on_alone(micrograph: Micrograph) -> None:
    region = {"Y": slice(8, 24), "X": slice(16, 48)}
    started = details(reports(micrograph, region=region))[0]
    assert dict(started.region) == region
    assert started.iterations.history.shape == (4, 16, 32)


def test_psf_in_a_layer_is_the_psf_in_a_file(
    micrograph: Micrograph, tmp_path: Path
) -> None:
    from napari_gan_enhance.io.write import write_micrograph

    y, x = np.mgrid[-6:7, -6:7]
    pixels = np.exp(-(y**2 + x**2) / 8).astype(np.float32)
    psf = Micrograph(pixels, "YX", VoxelSize(None, 0.2, 0.2), name="a/b: psf")
    path = drain(write_micrograph(tmp_path / "psf.ome.tif", psf))
    of_file = {"psf": "file", "psf_path": str(path), "numerical_aperture": None}
    of_layer = {"psf": "layer", "numerical_aperture": None}
    results = [
        details(reports(micrograph, CHOICES.model_copy(update=update), psf))[-1]
        for update in (of_file, of_layer)
    ]
    np.testing.assert_array_equal(*(r.micrograph.pixels for r in results))
    used = results[1].micrograph.provenance["settings"]["psf_path"]
    assert used == "a_b_ psf.ome.tif"


def test_background_is_subtracted_first(micrograph: Micrograph) -> None:
    offset = micrograph.with_pixels(micrograph.pixels + 50)
    choices = CHOICES.model_copy(update={"background": 50.0})
    plain = details(reports(micrograph))[-1].micrograph.pixels
    freed = details(reports(offset, choices))[-1].micrograph.pixels
    np.testing.assert_allclose(freed, plain, rtol=1e-5)  # rounding of float32
