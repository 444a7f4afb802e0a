"""One run as a job: what it announces, what it makes, and in which order."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.errors import CheckpointError, OutputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer import jobs
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.jobs import run
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultStarted,
    RunRequest,
    spare_threads,
)
from napari_gan_enhance.viewer.targets import RoundedArray

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.progress import Progress

OPTICS = {
    "numerical_aperture": 0.8,
    "immersion_index": 1.0,
    "emission_nm": (520.0,),
    "voxel_size_um": (None, 0.2, 0.2),
}

FLOAT32_ROUNDING = 1e-3
"""Two sums of the same numbers in another order, on a scale of about 100."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch

    from napari_gan_enhance.checkpoints.native import save_checkpoint
    from napari_gan_enhance.models.registry import build_network, spec_of
    from napari_gan_enhance.models.spec import ModelCard

    torch.manual_seed(1)
    config = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 1}
    network = build_network("residual-unet", config)
    path: Path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    spec, card = spec_of("residual-unet", config), ModelCard(name="tiny")
    return str(save_checkpoint(path, network.state_dict(), spec, card))


@pytest.fixture
def micrograph(rng: np.random.Generator) -> Micrograph:
    pixels = rng.poisson(100, (40, 56)).astype(np.uint16)
    return Micrograph(pixels, "YX", VoxelSize(None, 0.2, 0.2), name="cells")


def reports(request: RunRequest) -> list[Progress]:
    found: list[Progress] = []
    drain(run(request), found.append)
    return found


def details(found: list[Progress], kind: type) -> list[object]:
    return [p.detail for p in found if isinstance(p.detail, kind)]


def test_both_results_are_announced_filled_and_finished(
    micrograph: Micrograph, checkpoint: str
) -> None:
    choices = EnhanceChoices(model=checkpoint, iterations=3, **OPTICS)
    found = reports(RunRequest(micrograph, choices))
    started = details(found, ResultStarted)
    assert [s.label for s in started] == ["enhanced: tiny", "deconvolved: RL 3"]
    for result in started:
        assert result.pixels.shape == (40, 56)
        assert result.pixels.dtype == np.float32
        assert np.isfinite(result.pixels).all()
    finished = details(found, ResultFinished)
    assert [f.kind for f in finished] == ["enhanced", "deconvolved"]
    assert [
        f.micrograph.pixels is s.pixels for f, s in zip(finished, started, strict=True)
    ]


def test_result_is_announced_before_its_first_tile_and_transparent(
    micrograph: Micrograph, checkpoint: str
) -> None:
    job = run(RunRequest(micrograph, EnhanceChoices(model=checkpoint)))
    started = next(p.detail for p in job if isinstance(p.detail, ResultStarted))
    assert np.isnan(started.pixels).all()
    job.close()


def test_richardson_lucy_is_left_out_where_not_chosen(
    micrograph: Micrograph, checkpoint: str
) -> None:
    choices = EnhanceChoices(model=checkpoint, deconvolve=False)
    kinds = [
        f.kind
        for f in details(reports(RunRequest(micrograph, choices)), ResultFinished)
    ]
    assert kinds == ["enhanced"]


def test_region_is_part_of_the_whole(micrograph: Micrograph, checkpoint: str) -> None:
    choices = EnhanceChoices(model=checkpoint, deconvolve=False)
    region = {"Y": slice(8, 24), "X": slice(16, 48)}
    (part,) = details(reports(RunRequest(micrograph, choices, region)), ResultStarted)
    (whole,) = details(reports(RunRequest(micrograph, choices)), ResultStarted)
    assert dict(part.region) == region
    np.testing.assert_allclose(
        part.pixels, whole.pixels[8:24, 16:48], atol=FLOAT32_ROUNDING
    )


def test_rgb_result_is_rounded_to_its_dtype(
    checkpoint: str, rng: np.random.Generator
) -> None:
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.models.enhance import enhance
    from napari_gan_enhance.models.settings import EnhanceSettings

    pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
    source = Micrograph(pixels, "YXS")
    choices = EnhanceChoices(model=checkpoint, deconvolve=False)
    (started,) = details(reports(RunRequest(source, choices)), ResultStarted)
    exact = drain(enhance(source, load_generator(checkpoint), EnhanceSettings()))
    assert started.pixels.dtype == np.uint8
    error = started.pixels - np.clip(exact.pixels, 0, 255)
    assert np.abs(error).max() <= 0.5 + FLOAT32_ROUNDING


def test_lazy_source_is_read_only_near_the_region(checkpoint: str) -> None:
    reads: list[tuple[slice, ...]] = []

    class Watched:
        shape, dtype = (6, 4096, 4096), np.dtype(np.uint8)

        def __getitem__(self, index: tuple[object, ...]) -> np.ndarray:
            planes, rows, _ = index
            if isinstance(planes, int):  # a window; intensities are sampled in stacks
                reads.append(index)
            columns = (np.arange(index[2].start, index[2].stop) % 256).astype(np.uint8)
            plane = np.broadcast_to(columns, (rows.stop - rows.start, len(columns)))
            return plane if isinstance(planes, int) else plane[None]

    choices = EnhanceChoices(model=checkpoint, deconvolve=False)
    region = {"Z": slice(4, 5), "Y": slice(96, 112), "X": slice(96, 128)}
    found = reports(RunRequest(Micrograph(Watched(), "ZYX"), choices, region))
    assert details(found, ResultStarted)[0].pixels.shape == (1, 16, 32)
    # The halo of two levels reaches far less than 64 pixels around the region.
    assert {index[0] for index in reads} == {4}
    assert all(i[1].stop <= 176 and i[2].stop <= 192 for i in reads)


def test_unknown_model_is_our_error(micrograph: Micrograph) -> None:
    choices = EnhanceChoices(model="no-such-model")
    with pytest.raises(CheckpointError, match="no-such-model"):
        reports(RunRequest(micrograph, choices))


def test_visible_plane_comes_first(checkpoint: str, rng: np.random.Generator) -> None:
    pixels = rng.poisson(100, (3, 4, 32, 32)).astype(np.uint16)
    request = RunRequest(
        Micrograph(pixels, "TZYX"), EnhanceChoices(model=checkpoint, deconvolve=False)
    )
    request.follower.look_at(
        {"T": slice(1, 2), "Z": slice(2, 3), "Y": slice(0, 32), "X": slice(0, 32)}
    )
    written = [p.detail for p in reports(request) if hasattr(p.detail, "slices")]
    first = written[0].slices
    assert (first["T"], first["Z"]) == (slice(1, 2), slice(2, 3))
    assert len(written) == 12


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (8, 7)])
def test_one_core_is_left_to_the_window(cores: int | None, threads: int) -> None:
    assert spare_threads(cores) == threads


def test_full_disk_under_a_large_result_is_explained(
    micrograph: Micrograph, checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(RoundedArray):
        def __setitem__(self, index: object, values: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    target = FullDisk(np.zeros(micrograph.shape, np.uint16))
    monkeypatch.setattr(jobs, "new_target", lambda *_: target)
    choices = EnhanceChoices(model=checkpoint, deconvolve=False)
    with pytest.raises(OutputError, match=r"intermediate result .* free some space"):
        reports(RunRequest(micrograph, choices))
