"""Micro-Manager datasets: each stage position is an image of its own."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_gan_enhance import batch
from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.read import count_images, describe, read_all, read_micrograph
from napari_gan_enhance.io.tiff_set import files_of_set

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Places = list[tuple[int, int, int, int]]
"""Channel, slice, frame and position of each plane."""


def _write(path: Path, planes: NDArray[Any], places: Places, **sizes: int) -> None:
    """Write a file as "Micro-Manager File Formats" of its wiki describes it."""
    known = {"Channels": 1, "Slices": 1, "Frames": 1, "Positions": 1, **sizes}
    facts: dict[str, object] = {"MicroManagerVersion": "2.0.1", "Prefix": "run"}
    facts |= {"z-step_um": 0.5, "PixelSize_um": 0.1, **known}
    summary = json.dumps(facts).encode()
    summary += b" " * (len(summary) % 2)
    note = b'{"MajorVersion":0}\0'
    size, length = planes[0].nbytes, 2 + 13 * 12 + 4
    starts = [40 + len(summary) + i * (length + size) for i in range(len(planes))]
    at_ratio = starts[-1] + length + size
    at_note, at_index = at_ratio + 8, at_ratio + 8 + len(note)
    heads = (54773648, at_index, 483765892, 0, 99384722, 0, 2355492, len(summary))
    content = struct.pack("<2sHI8I", b"II", 42, starts[0], *heads) + summary
    y, x = planes[0].shape
    for start, following, plane in zip(starts, [*starts[1:], 0], planes, strict=True):
        entries = [(256, 4, x), (257, 4, y), (258, 3, 16), (259, 3, 1), (262, 3, 1)]
        entries += [(273, 4, start + length), (277, 3, 1), (278, 4, y), (279, 4, size)]
        entries += [(282, 5, at_ratio), (283, 5, at_ratio), (296, 3, 1)]
        tags = [(code, kind, 1, value) for code, kind, value in entries]
        tags.append((51123, 2, len(note), at_note))
        content += struct.pack("<H", len(tags))
        content += b"".join(struct.pack("<HHII", *tag) for tag in tags)
        content += struct.pack("<I", following) + plane.astype("<u2").tobytes()
    content += struct.pack("<II", 10, 1) + note
    content += struct.pack("<II", 3453623, len(planes))
    for place, start in zip(places, starts, strict=True):
        content += struct.pack("<5I", *place, start)
    path.write_bytes(content)


def _planes(count: int) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 4000, (count, 6, 8), dtype="u2")


def _folder_of_positions(folder: Path, planes: NDArray[Any]) -> list[Path]:
    """Write a file for each position, which is Micro-Manager's default."""
    paths = [folder / f"run_MMStack_Pos{i}.ome.tif" for i in range(len(planes))]
    for i, path in enumerate(paths):
        place = [(0, 0, 0, i)]
        _write(path, planes[i : i + 1], place, Positions=len(planes))
    return paths


def _same(pixels: Any, expected: NDArray[Any]) -> None:
    np.testing.assert_array_equal(np.asarray(pixels), expected)


def test_positions_of_a_file_are_images_not_planes_of_a_stack(tmp_path: Path) -> None:
    planes, path = _planes(6), tmp_path / "run_MMStack.ome.tif"
    places = [(0, z, 0, p) for p in range(3) for z in range(2)]
    _write(path, planes, places, Positions=3, Slices=2)
    images = read_all(path)
    assert [image.axes for image in images] == ["ZYX"] * 3
    assert [image.name for image in images] == [
        f"run_MMStack: position {p}" for p in range(3)
    ]
    for p, image in enumerate(images):
        _same(image.pixels, planes[2 * p : 2 * p + 2])
        assert image.voxel_size_um == (0.5, 0.1, 0.1)
    assert count_images(path) == len(describe(path)["images"]) == 3
    (task,) = batch.plan([path], tmp_path / "out")
    names = [each.output.name for each in batch.each_image(task)]
    assert names == [f"run_MMStack_s{p}.ome.tif" for p in range(3)]


def test_file_of_one_position_gives_that_position(tmp_path: Path) -> None:
    planes = _planes(3)
    paths = _folder_of_positions(tmp_path, planes)
    for path, plane in zip(paths, planes, strict=True):
        (image,) = read_all(path)
        assert image.axes == "YX"
        _same(image.pixels, plane)
        assert files_of_set(path) == {path}
    assert [task.source for task in batch.plan([tmp_path], tmp_path / "out")] == paths


def test_file_of_one_position_does_not_need_all_others(tmp_path: Path) -> None:
    planes = _planes(3)
    first, second, third = _folder_of_positions(tmp_path, planes)
    second.unlink()
    _same(read_micrograph(third).pixels, planes[2])
    _same(read_micrograph(first).pixels, planes[0])


def test_position_over_two_files_is_worked_on_once(tmp_path: Path) -> None:
    planes = _planes(3)
    alone, start, rest = (
        tmp_path / f"run_MMStack_{end}.ome.tif" for end in ("Pos0", "Pos1", "Pos1_1")
    )
    sizes = {"Positions": 2, "Frames": 2}
    _write(alone, planes[:2], [(0, 0, t, 0) for t in range(2)], **sizes)
    _write(start, planes[1:2], [(0, 0, 0, 1)], **sizes)
    _write(rest, planes[2:], [(0, 0, 1, 1)], **sizes)
    for path in (start, rest):
        (image,) = read_all(path)
        _same(image.pixels, planes[1:])
        assert files_of_set(path) == {start, rest}
    assert files_of_set(alone) == {alone}
    tasks = batch.plan([tmp_path], tmp_path / "out")
    assert [task.source for task in tasks] == [alone, start]


def test_position_of_which_a_plane_is_missing_is_refused(tmp_path: Path) -> None:
    planes = _planes(2)
    path, other = (tmp_path / f"run_MMStack_Pos{i}.ome.tif" for i in range(2))
    sizes = {"Positions": 2, "Slices": 2}
    _write(path, planes[:1], [(0, 0, 0, 0)], **sizes)
    _write(other, planes, [(0, z, 0, 1) for z in range(2)], **sizes)
    with pytest.raises(FileFormatError, match="1 of 2 planes"):
        read_micrograph(path)
    _same(read_micrograph(other).pixels, planes)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_positions_that_any_program_names_are_told_apart(
    tmp_path: Path, compression: str | None
) -> None:
    planes, path = _planes(6).reshape(2, 3, 6, 8), tmp_path / "shaped.tif"
    tifffile.imwrite(
        path, planes, metadata={"axes": "ZRYX"}, photometric="minisblack",
        compression=compression,
    )  # fmt: skip
    images = read_all(path)
    assert [image.axes for image in images] == ["ZYX"] * 3
    for p, image in enumerate(images):
        _same(image.pixels, planes[:, p])
