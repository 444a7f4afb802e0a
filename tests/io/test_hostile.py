"""Damaged and hostile files give one sentence with their name, and no more memory."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io import read as reading
from napari_gan_enhance.io.read import describe, read_all, read_micrograph
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NONE, DEFLATE = 1, 8


def _tiff(
    side: int,
    compression: int,
    data: bytes = b"x",
    *,
    tile: int = 0,
    loop: bool = False,
) -> bytes:
    """Return a TIFF of one 8-bit image that claims to be `side` pixels square."""
    at_data, at_ifd = 8, 8 + len(data) + len(data) % 2
    pieces = [(322, 4, tile), (323, 4, tile), (324, 4, at_data), (325, 4, len(data))]
    strips = [(273, 4, at_data), (278, 4, side), (279, 4, len(data))]
    tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, compression)]
    tags += [(262, 3, 1), (277, 3, 1), *(pieces if tile else strips)]
    ifd = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", code, kind, 1, value) for code, kind, value in sorted(tags)
    )
    ifd += struct.pack("<I", at_ifd if loop else 0)
    return b"II*\0" + struct.pack("<I", at_ifd) + data.ljust(at_ifd - 8, b"\0") + ifd


def _zeros(size: int) -> bytes:
    """Return `size` zeros, deflated."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    parts = [packer.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, packer.flush()])


BOMB = _zeros(2**30)  # 1 MB

OME_XML = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="I:0">'
    '<Pixels ID="P:0" DimensionOrder="XYZCT" Type="uint8" SizeX="4" SizeY="4" '
    'SizeZ="{z}" SizeC="1" SizeT="1"><TiffData/></Pixels></Image></OME>'
)


def _ome(z: int) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        pixels = np.zeros((4, 4), "u1")
        tifffile.imwrite(path, pixels, description=OME_XML.format(z=z), metadata=None)

    return write


def _cut(share: float, compression: str | None) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        tifffile.imwrite(path, np.arange(4096, dtype="u2"), compression=compression)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write


def _ours_cut(path: Path) -> None:
    drain(write_micrograph(path, Micrograph(np.zeros((9, 9), "u1"), "YX")))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _imagej(*, in_one: bool = False) -> bytes:
    """Return a stack as ImageJ writes it: a directory, all planes, other directories.

    Above 4 GB, which is `in_one`, there are no others.
    """
    buffer, stack = io.BytesIO(), np.ones((10, 64, 64), "u2")
    tifffile.imwrite(
        buffer, stack, imagej=True, byteorder="<", metadata={"axes": "ZYX"}
    )
    content = bytearray(buffer.getvalue())
    if in_one:
        (at,) = struct.unpack_from("<I", content, 4)
        (tags,) = struct.unpack_from("<H", content, at)
        (end,) = struct.unpack_from("<I", content, at + 2 + 12 * tags)
        struct.pack_into("<I", content, at + 2 + 12 * tags, 0)
        del content[end:]
    return bytes(content)


def _libtiff() -> bytes:
    """Return a stack as libtiff writes it: each plane, and its directory behind it."""
    content, link, size = bytearray(b"II*\0\0\0\0\0"), 4, 64 * 64
    for _ in range(10):
        start = len(content)
        content += bytes([7]) * size
        struct.pack_into("<I", content, link, len(content))
        tags = [(256, 64), (257, 64), (258, 8), (259, NONE), (262, 1)]
        tags += [(273, start), (277, 1), (278, 64), (279, size)]
        content += struct.pack("<H", len(tags))
        content += b"".join(struct.pack("<HHII", code, 4, 1, v) for code, v in tags)
        link = len(content)
        content += bytes(4)
    return bytes(content)


STACKS = {
    "ImageJ": _imagej(),
    "ImageJ above 4 GB": _imagej(in_one=True),
    "libtiff": _libtiff(),
}


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "empty": (_bytes(b""), "is empty"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "text": (_bytes(b"hello, world\n" * 9), "cannot be decoded"),
    "header only": (_bytes(b"II*\0\x08\0\0\0"), "cannot be decoded"),
    "link": (lambda path: path.symlink_to("/nowhere/a.tif"), "No such file"),
    "pipe": (os.mkfifo, "no regular file"),
    "claims 2^31 deflated": (_bytes(_tiff(2**31 - 1, DEFLATE)), "unpack to"),
    "claims 2^31 raw": (_bytes(_tiff(2**31 - 1, NONE)), "greater than file size"),
    "claims 2^31 in tiles": (_bytes(_tiff(2**31 - 1, DEFLATE, tile=256)), "cut short"),
    "1 GB in one strip": (_bytes(_tiff(2**15, DEFLATE, BOMB)), "unpack to 1024 MiB"),
    "1 GB in a small tile": (
        _bytes(_tiff(64, DEFLATE, BOMB, tile=64)),
        "cannot be decoded",
    ),
    "circle": (_bytes(_tiff(1, NONE, loop=True)), "in a circle"),
    "no pixels": (_bytes(_tiff(0, NONE)), "without pixels|cannot be decoded"),
    "2^31 planes": (_ome(2**31 - 1), "claims 2147483647 planes"),
    "absent planes": (_ome(3), "2 of 3 planes"),
    "raw, cut": (_cut(0.7, None), "cut short|cannot be decoded"),
    "deflated, cut": (_cut(0.7, "zlib"), "cut short|cannot be decoded"),
    "ours, cut": (_ours_cut, "cut short"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_file_gives_one_sentence_with_its_name(
    tmp_path: Path, case: str
) -> None:
    write, match = HOSTILE[case]
    path = tmp_path / "hostile.tif"
    write(path)
    with pytest.raises(FileFormatError, match=match) as caught:
        read_all(path)
    message = str(caught.value)
    assert "hostile.tif" in message
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize("share", [0.21, 0.61, 0.95, 0.999])
@pytest.mark.parametrize("stack", STACKS)
def test_stack_that_was_broken_off_is_not_taken_for_a_smaller_one(
    tmp_path: Path, stack: str, share: float
) -> None:
    whole, path = STACKS[stack], tmp_path / "stack.tif"
    path.write_bytes(whole)
    assert read_micrograph(path).shape == (10, 64, 64)
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FileFormatError, match=r"'stack\.tif' is cut short"):
        read_micrograph(path)


def test_plane_saved_again_with_the_description_of_its_stack_opens(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plane.tif"
    text = "ImageJ=1.54f\nimages=10\nslices=10\n"
    tifffile.imwrite(path, np.ones((64, 64), "u2"), description=text, metadata=None)
    assert read_micrograph(path).shape == (64, 64)


def test_what_is_large_but_tiled_opens_without_being_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    tiles = [_zeros(2**20)] * 1024  # 32768 squared in tiles of 1024
    tifffile.imwrite(
        path, iter(tiles), shape=(2**15,) * 2, dtype="u1", tile=(1024,) * 2,
        compression="zlib", metadata=None,
    )  # fmt: skip
    assert path.stat().st_size < 2 * 2**20
    pixels: Any = read_micrograph(path).pixels
    assert pixels.nbytes == 2**30
    assert not pixels[30000:30010, 5:15].any()


def test_damage_is_met_when_its_region_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EAGER_BYTES", 0)
    path = tmp_path / "spoiled.tif"
    tifffile.imwrite(
        path, np.zeros((64, 64), "u1"), tile=(32, 32), compression="zlib", metadata=None
    )
    with tifffile.TiffFile(path) as file:
        last = file.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[last : last + 4] = b"\xff" * 4
    path.write_bytes(content)
    pixels = read_micrograph(path).pixels
    assert not pixels[:32, :32].any()
    with pytest.raises(FileFormatError, match=r"'spoiled\.tif' cannot be decoded"):
        pixels[40:50, 40:50]


def test_unreadable_file_gives_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.tif"
    path.touch()

    # Permission bits do not stop root, so the answer of the system is given instead.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(FileFormatError, match=r"'secret\.tif'.*Permission denied"):
        read_micrograph(path)


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_raises_nothing_else(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "fuzzed.ome.tif"
    pixels = rng.integers(0, 99, (2, 20, 20), dtype="u2")
    tifffile.imwrite(path, pixels, compression="zlib", metadata={"axes": "ZYX"})
    content = bytearray(path.read_bytes())
    for at in rng.integers(0, len(content), 6):
        content[at] = rng.integers(0, 256)
    path.write_bytes(content[: rng.integers(len(content) // 2, 2 * len(content))])
    with contextlib.suppress(FileFormatError):
        describe(path)
        read_all(path)


def test_folder_that_is_no_image_gives_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "plate.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text("{")
    with pytest.raises(FileFormatError, match=r"plate\.zarr"):
        read_all(folder)
    (folder / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    with pytest.raises(FileFormatError, match=r"'plate\.zarr' holds no OME-Zarr"):
        read_all(folder)
