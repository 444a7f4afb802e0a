"""Where pairs of a training in the window are kept, and how long."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from napari_gan_enhance.viewer.train_pairs import TrainPairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


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
