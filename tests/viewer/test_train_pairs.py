"""Where pairs of a training in the window are kept, and how long."""

from __future__ import annotations

import errno
import gc
import shutil
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError, OutputError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.train_pairs import TrainPairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray

SIDE = 64
"""Pixels of one patch."""


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def pairs() -> Iterator[TrainPairs]:
    found = TrainPairs()
    yield found
    found.close()


def images(
    viewer: ViewerModel, rng: np.random.Generator, name: str, *planes: int
) -> tuple[Image, Image]:
    """Show a new field, and the same three times as bright, as source and target."""
    pixels = gaussian_filter(
        rng.standard_normal((*planes, SIDE, SIDE)), 2, axes=(-2, -1)
    )
    return (
        viewer.add_image(pixels, name=name),
        viewer.add_image(3 * pixels, name=f"{name} target"),
    )


def fields(pairs: TrainPairs) -> list[str]:
    return [row.field for row in pairs.rows()]


def refused(
    pairs: TrainPairs, viewer: ViewerModel, source: Image, target: Image
) -> str:
    """Return why two layers are no pair."""
    with pytest.raises(InputError) as caught:
        drain(pairs.add_layers(viewer, source, target))
    return str(caught.value)


def test_names_of_fields_are_free_before_anything_is_cut(
    viewer: ViewerModel, pairs: TrainPairs, rng: np.random.Generator
) -> None:
    for name in ("cell_01", "cell 01", "Cell: 01", "cell-01-1", "img: DAPI"):
        drain(pairs.add_layers(viewer, *images(viewer, rng, name)))
    # Upper and lower case are one file on many disks.
    assert fields(pairs) == [
        "cell-01",
        "cell-01-1",
        "Cell-01-2",
        "cell-01-1-1",
        "img-DAPI",
    ]


def test_an_image_is_in_one_pair(
    viewer: ViewerModel, pairs: TrainPairs, rng: np.random.Generator, tmp_path: Path
) -> None:
    source, target = images(viewer, rng, "one")
    drain(pairs.add_layers(viewer, source, target))
    reason = refused(pairs, viewer, source, target)
    assert reason.startswith("Layer 'one' is in pair 'one' already - ")
    source.affine = np.array([[1, 0, 2], [0, 1, 0], [0, 0, 1]])
    assert refused(pairs, viewer, source, target) == reason
    opened_again = viewer.add_image(source.data.copy(), name="again")
    assert "Layer 'again' is in pair 'one'" in refused(
        pairs, viewer, opened_again, target
    )
    other, _ = images(viewer, rng, "other")
    assert "Layer 'one target' is in" in refused(pairs, viewer, other, target)
    assert fields(pairs) == ["one"]
    drain(pairs.save(tmp_path / "mine"))
    assert refused(pairs, viewer, source, target) == reason
    pairs.remove(pairs.rows()[0])
    source.affine = np.eye(3)
    drain(pairs.add_layers(viewer, source, target))
    with pytest.raises(InputError, match=r"'mine' is in pair 'one' already"):
        pairs.open(tmp_path / "mine")
    pairs.remove(pairs.rows()[0])
    pairs.open(tmp_path / "mine")
    assert len(pairs.rows()) == 1


def test_other_planes_of_a_stack_are_the_same_image(
    viewer: ViewerModel, pairs: TrainPairs, rng: np.random.Generator
) -> None:
    source, _ = images(viewer, rng, "stack", 5)
    lazy: NDArray[np.float64] = da.from_array(source.data)
    source.data = lazy
    for shown in (1, 3):
        target = viewer.add_image(source.data[shown] * 2, name=f"plane {shown}")
        viewer.dims.set_point(0, shown)
        if shown == 1:
            drain(pairs.add_layers(viewer, source, target))
        else:
            assert "Layer 'stack' is in" in refused(pairs, viewer, source, target)


def folder_of(pairs: TrainPairs) -> Path:
    return pairs.new_output("finetune").parent


def with_a_folder(pairs: TrainPairs, folder: Path) -> TrainPairs:
    (folder / "source").mkdir(parents=True)
    (folder / "target").mkdir()
    pairs.open(folder)
    return pairs


def test_files_go_with_the_list_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    pairs = with_a_folder(TrainPairs(), tmp_path / "mine")
    kept = folder_of(pairs)
    assert kept.is_dir()
    del pairs
    gc.collect()
    assert not kept.exists()
    assert (tmp_path / "mine" / "source").is_dir()  # the user's files stay
    assert [w for w in recwarn if w.category is ResourceWarning] == []


def test_files_stay_until_the_job_that_needs_them_ends(tmp_path: Path) -> None:
    pairs = with_a_folder(TrainPairs(), tmp_path / "mine")
    kept = folder_of(pairs)

    def job() -> Iterator[None]:
        yield
        assert kept.is_dir()

    lent = pairs.lent_to(job())
    next(lent)
    pairs.close()
    assert kept.is_dir()
    assert list(lent) == []
    assert not kept.exists()


def test_saving_that_fails_leaves_the_folder_empty_and_the_pairs_here(
    pairs: TrainPairs,
    viewer: ViewerModel,
    rng: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain(pairs.add_layers(viewer, *images(viewer, rng, "cell")))
    copy, room = shutil.copyfile, ["one file"]

    def full(*args: object, **options: object) -> object:
        if not room:
            raise OSError(errno.ENOSPC, "")
        room.pop()
        return copy(*args, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(OutputError, match="free some space"):
            drain(pairs.save(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert fields(pairs) == ["cell"]
    drain(pairs.save(tmp_path))
    assert len(list(tmp_path.glob("*/*.tif"))) == 2


def test_a_dark_channel_is_not_the_same_image(
    viewer: ViewerModel, pairs: TrainPairs, rng: np.random.Generator
) -> None:
    """A detector that is off gives one image for all fields."""
    for name in ("one", "two"):
        layers = images(viewer, rng, name)
        for layer in layers:
            layer.data = np.stack([layer.data, np.zeros_like(layer.data)])
            layer.axis_labels = ("c", "y", "x")
        drain(pairs.add_layers(viewer, *layers))
    assert fields(pairs) == ["one", "two"]
    assert "Layer 'two' is in" in refused(pairs, viewer, *layers)
