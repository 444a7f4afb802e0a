"""A NIQE model comes back from its file as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.comparison.niqe_file import SharpModel, load_niqe, save_niqe
from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.metrics.niqe import FEATURES, NiqeModel

if TYPE_CHECKING:
    from pathlib import Path


def test_model_comes_back_bit_for_bit(tmp_path: Path, rng) -> None:
    model = NiqeModel(rng.random(FEATURES), rng.random((FEATURES, FEATURES)), 40)
    path = save_niqe(tmp_path / "m.json", SharpModel(model, ("a", "b")))
    found = load_niqe(path)
    np.testing.assert_array_equal(found.model.mean, model.mean)
    np.testing.assert_array_equal(found.model.covariance, model.covariance)
    assert (found.model.blocks, found.images) == (40, ("a", "b"))


@pytest.mark.parametrize("change", [{"format": "x"}, {"mean": [1.0]}, {"blocks": None}])
def test_other_files_are_refused(tmp_path: Path, rng, change) -> None:
    model = NiqeModel(rng.random(FEATURES), rng.random((FEATURES, FEATURES)), 40)
    path = save_niqe(tmp_path / "m.json", SharpModel(model, ()))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileFormatError, match=r"'m\.json' holds no NIQE model"):
        load_niqe(path)


def test_file_that_nests_too_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text("[" * 100_000)
    with pytest.raises(FileFormatError, match=r"'m\.json' holds no NIQE model"):
        load_niqe(path)
