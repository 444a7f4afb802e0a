"""What a data set says of itself: read whole or refused in one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.registration.pair_description import read_pair_set
from napari_gan_enhance.registration.pair_set import origin_of

if TYPE_CHECKING:
    from pathlib import Path

FILE = {"name": "a-z000-00.tif", "origin_px": [3, 4], "shape_px": [64, 128]}
PAIR = {"field": "a", "files": [FILE]}


def written(folder: Path, **changes: Any) -> Path:
    """Write a description: the documented keys that are used, some of them changed."""
    found = {
        "format": "napari-gan-enhance pairs",
        "version": 1,
        "pairs": [PAIR],
        **changes,
    }
    (folder / "pairs.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def without(entry: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def test_description_of_what_is_used_is_enough(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert origin_of(folder / "source" / "a-z000-00.tif") == (3, 4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pairs": [without(PAIR, "files")]}, r"pairs\.0\.files"),
        ({"pairs": [{**PAIR, "plane_shape_px": 100}]}, r"pairs\.0\.plane_shape_px"),
        ({"pairs": [{**PAIR, "field": 1}]}, r"pairs\.0\.field"),
        ({"pairs": [{**PAIR, "files": [without(FILE, "name")]}]}, r"files\.0\.name"),
        ({"pairs": [{**PAIR, "files": [{**FILE, "origin_px": [3]}]}]}, "origin_px"),
        ({"pairs": [{**PAIR, "files": [without(FILE, "shape_px")]}]}, "shape_px"),
        ({"pairs": [{**PAIR, "source_levels": {"percent": [0]}}]}, "source_levels"),
        ({"pairs": {}}, "pairs"),
        ({"field_pattern": 1}, "field_pattern"),
        ({"format": "another"}, "format"),
        ({"version": 2}, "version"),
    ],
)
def test_description_that_is_none_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    written(tmp_path, **changes)
    sentence = rf"^'pairs\.json' describes no data set \(.*{reason}.*\) - .* - .*\.$"
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_pair_set(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{", "", "[" * 100_000])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"^'pairs\.json' describes no data set"):
        read_pair_set(tmp_path)
