"""What reading gives: pixels as another library decodes them, metadata as written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.io import read as reading
from napari_gan_enhance.io.read import (
    describe,
    read_all,
    read_micrograph,
    read_single_image,
)
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality

if TYPE_CHECKING:
    from pathlib import Path

OME_OPTICS = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Instrument ID="Instrument:0">
<Objective ID="Objective:0" LensNA="0.5"/><Objective ID="Objective:1" LensNA="1.3"/>
</Instrument>
<Image ID="Image:0"><InstrumentRef ID="Instrument:0"/>
<ObjectiveSettings ID="Objective:1" RefractiveIndex="{index}"/>
<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="4" SizeY="3" SizeZ="1"
 SizeC="2" SizeT="1" PhysicalSizeX="65" PhysicalSizeXUnit="nm" PhysicalSizeY="0.000065"
 PhysicalSizeYUnit="mm" TimeIncrement="500" TimeIncrementUnit="ms">
<Channel ID="Channel:0" Name="DAPI" EmissionWavelength="461" Color="65535"
 AcquisitionMode="WideField"/>
<Channel ID="Channel:1" ExcitationWavelength="0.488" ExcitationWavelengthUnit="µm"
 AcquisitionMode="WideField"/>
<TiffData IFD="0" PlaneCount="2"/></Pixels></Image></OME>"""


def test_ome_optics_are_read_in_our_units(tmp_path: Path) -> None:
    path = _ome_file(tmp_path, OME_OPTICS.format(index=1.515))
    micrograph = read_micrograph(path)
    assert micrograph.voxel_size_um == pytest.approx((None, 0.065, 0.065))
    assert micrograph.time_step_s == pytest.approx(0.5)
    assert micrograph.microscope == Microscope(Modality.WIDE_FIELD, 1.3, 1.515)
    # OME packs colors as RGBA: 65535 = 0x0000ffff is opaque blue.
    assert micrograph.channels == (
        Channel("DAPI", 461.0, None, "#0000ff"),
        Channel("", None, 488.0, None),
    )


IN_NM = 'PhysicalSizeXUnit="nm"'


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (IN_NM, f'{IN_NM} PhysicalSizeZ="0"'),
        (IN_NM, f'{IN_NM} PhysicalSizeZ="NaN"'),
        (IN_NM, f'{IN_NM} PhysicalSizeZ=""'),
        (IN_NM, f'{IN_NM} PhysicalSizeZ="1" PhysicalSizeZUnit="furlong"'),
        ('LensNA="0.5"', 'LensNA=""'),
        ('LensNA="0.5"', 'LensNA="0.5" NominalMagnification="forty"'),
        ('Name="DAPI"', 'Name="DAPI" ExcitationWavelength="0"'),
        ('0.488" ExcitationWavelengthUnit="µm"', '488"'),
        ('WavelengthUnit="µm"', 'WavelengthUnit="μm"'),
        ("<Pixels", "<AcquisitionDate>in May</AcquisitionDate><Pixels"),
        (IN_NM, f'{IN_NM} PhysicalSizeZ="0" BigEndian="x" SignificantBits=""'),
    ],
)
def test_one_wrong_value_does_not_cost_the_others(
    tmp_path: Path, right: str, wrong: str
) -> None:
    """Microscopes write distances of 0, empty apertures, dates in their own words."""
    xml = OME_OPTICS.format(index=1.515)
    assert right in xml
    path = _ome_file(tmp_path, xml.replace(right, wrong))
    micrograph = read_micrograph(path)
    assert micrograph.voxel_size_um == pytest.approx((None, 0.065, 0.065))
    assert micrograph.time_step_s == pytest.approx(0.5)
    assert micrograph.microscope == Microscope(Modality.WIDE_FIELD, 1.3, 1.515)
    assert [c.emission_nm for c in micrograph.channels] == [461.0, None]
    assert micrograph.channels[1].excitation_nm == pytest.approx(488)


def test_letters_of_a_name_stay_as_they_are(tmp_path: Path) -> None:
    """Only in a unit the Greek letter is taken for the micro sign."""
    xml = OME_OPTICS.format(index=1.515).replace("DAPI", "5 μm beads")
    xml = xml.replace('WavelengthUnit="µm"', 'WavelengthUnit="μm"')
    channels = read_micrograph(_ome_file(tmp_path, xml)).channels
    assert channels[0].name == "5 μm beads"
    assert channels[1].excitation_nm == pytest.approx(488)


def test_size_in_an_unknown_unit_is_not_known(tmp_path: Path) -> None:
    """The schema would take it for micrometres."""
    xml = OME_OPTICS.format(index=1.515).replace(IN_NM, 'PhysicalSizeXUnit="furlong"')
    size = read_micrograph(_ome_file(tmp_path, xml)).voxel_size_um
    assert (size.y, size.x) == (pytest.approx(0.065), None)


def test_index_below_the_aperture_is_left_out(tmp_path: Path) -> None:
    """Programs write the index of the mounting medium into this place."""
    path = _ome_file(tmp_path, OME_OPTICS.format(index=1.0))
    assert read_micrograph(path).microscope == Microscope(
        Modality.WIDE_FIELD, 1.3, None
    )


def test_missing_metadata_stay_missing(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, np.zeros((5, 6), "u1"), metadata=None)
    micrograph = read_micrograph(path)
    assert micrograph.voxel_size_um == VoxelSize(None, None, None)
    assert micrograph.time_step_s is None
    assert micrograph.channels == (Channel(),)
    assert micrograph.microscope == Microscope()
    assert micrograph.name == "plain"


@dataclass(frozen=True)
class Resolution:
    """A resolution tag and the pixel size that it proves."""

    name: str
    per_unit: float
    unit: str
    size_um: float | None


@pytest.mark.parametrize(
    "case",
    [
        Resolution("screen", 72, "INCH", None),
        Resolution("scanner", 1200, "INCH", None),
        Resolution("no unit", 1 / 0.1, "NONE", None),
        Resolution("camera", 1e4 / 0.1, "CENTIMETER", 0.1),
        Resolution("macro", 25400 / 6.5, "INCH", 6.5),
    ],
    ids=lambda case: case.name,
)
def test_resolution_tags_count_only_where_credible(
    tmp_path: Path, case: Resolution
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        np.zeros((5, 6), "u1"),
        metadata=None,
        resolution=(case.per_unit, case.per_unit),
        resolutionunit=case.unit,
    )
    expected = None if case.size_um is None else pytest.approx(case.size_um)
    assert read_micrograph(path).voxel_size_um.x == expected


@pytest.mark.parametrize(
    ("unit", "factor"), [("um", 1), ("nm", 1e-3), ("mm", None), ("pixel", None)]
)
def test_imagej_hyperstack(
    tmp_path: Path, rng: np.random.Generator, unit: str, factor: float | None
) -> None:
    pixels = rng.integers(0, 9, (2, 3, 2, 8, 7), dtype="u2")
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        pixels,
        imagej=True,
        resolution=(1 / 65.0, 1 / 65.0),
        metadata={"axes": "TZCYX", "unit": unit, "spacing": 250.0, "finterval": 1.5},
    )
    micrograph = read_micrograph(path)
    assert micrograph.axes == "TZCYX"
    np.testing.assert_array_equal(micrograph.pixels, pixels)
    # 65 mm cannot be a pixel of a microscope.
    expected = (
        (None,) * 3 if factor is None else (250 * factor, 65 * factor, 65 * factor)
    )
    assert tuple(micrograph.voxel_size_um) == pytest.approx(expected)
    assert micrograph.time_step_s == 1.5


def test_stk_planes_and_calibration(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 999, (3, 4, 5), dtype="<u2")
    path = tmp_path / "meta.stk"
    path.write_bytes(_stk(pixels, z_um=0.25, xy_um=0.1))
    micrograph = read_micrograph(path)
    assert micrograph.axes == "ZYX"
    np.testing.assert_array_equal(micrograph.pixels, pixels)
    assert tuple(micrograph.voxel_size_um) == pytest.approx((0.25, 0.1, 0.1))
    assert micrograph.microscope == Microscope(None, 1.2, 1.33)


def test_lsm_sizes_in_meters_and_no_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "zeiss.lsm"
    pixels = np.arange(30, dtype="u1").reshape(5, 6)
    _write_lsm(path, pixels, (0.4e-6, 0.08e-6, 0.07e-6))
    micrographs = read_all(path)
    assert len(micrographs) == 1
    np.testing.assert_array_equal(micrographs[0].pixels, pixels)
    sizes = tuple(micrographs[0].voxel_size_um)
    assert sizes == pytest.approx((0.4, 0.08, 0.07))


def test_ome_over_several_files(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 9, (2, 4, 5), dtype="u1")
    first = _write_set(tmp_path, pixels)
    micrograph = read_micrograph(first)
    assert micrograph.axes == "ZYX"
    np.testing.assert_array_equal(micrograph.pixels, pixels)


def test_missing_file_of_a_set_is_an_error_not_zeros(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    first = _write_set(tmp_path, rng.integers(0, 9, (2, 4, 5), dtype="u1"))
    (tmp_path / "z1.ome.tif").unlink()
    with pytest.raises(FileFormatError, match=r"1 of 2 planes of 'z0\.ome\.tif'"):
        read_micrograph(first)


def test_alpha_is_dropped_and_color_kept(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 256, (8, 9, 4), dtype="u1")
    path = tmp_path / "rgba.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=["unassalpha"])
    micrograph = read_micrograph(path)
    assert micrograph.axes == "YXS"
    np.testing.assert_array_equal(micrograph.pixels, pixels[..., :3])


def test_samples_that_are_no_color_are_channels(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 256, (5, 8, 9), dtype="u1")
    path = tmp_path / "five.tif"
    tifffile.imwrite(
        path, pixels, photometric="minisblack", planarconfig="separate", metadata=None
    )
    assert read_micrograph(path).axes == "CYX"


@pytest.mark.parametrize(("channels", "axes"), [(1, "YXC"), (3, "CYXZ")])
def test_gray_samples_beside_a_channel_axis_of_one_are_channels(
    tmp_path: Path, channels: int, axes: str
) -> None:
    path = tmp_path / "two.tif"
    tifffile.imwrite(
        path, np.zeros((channels, 8, 9, 2), "u2"), photometric="minisblack",
        planarconfig="contig", metadata={"axes": "CYXS"},
    )  # fmt: skip
    assert read_micrograph(path).axes == axes


def test_palette_becomes_color(tmp_path: Path, rng: np.random.Generator) -> None:
    indices = rng.integers(0, 256, (6, 7), dtype="u1")
    colors = rng.integers(0, 256, (3, 256), dtype="u2")
    path = tmp_path / "palette.tif"
    tifffile.imwrite(path, indices, photometric="palette", colormap=colors * 257)
    micrograph = read_micrograph(path)
    assert micrograph.axes == "YXS"
    np.testing.assert_array_equal(micrograph.pixels, colors.T[indices].astype("u1"))


def test_white_is_zero_is_inverted(tmp_path: Path) -> None:
    path = tmp_path / "white.tif"
    stored = np.array([[0, 1], [254, 255]], "u1")
    tifffile.imwrite(path, stored, photometric="miniswhite")
    np.testing.assert_array_equal(read_micrograph(path).pixels, [[255, 254], [1, 0]])


def test_unexplained_axis_is_z(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as file:
        for _ in range(3):
            file.write(np.zeros((4, 5), "u1"), metadata=None, contiguous=False)
    assert read_micrograph(path).axes == "ZYX"


@pytest.mark.parametrize("compression", [None, "zlib"], ids=["mapped", "decoded"])
def test_lazy_reading_gives_every_region(
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    compression: str | None,
) -> None:
    monkeypatch.setattr(reading, "EAGER_BYTES", 0)
    pixels = rng.integers(0, 999, (2, 4, 70, 50), dtype="u2").astype(">u2")
    path = tmp_path / "lazy.tif"
    tifffile.imwrite(
        path,
        pixels,
        byteorder=">",
        photometric="minisblack",
        compression=compression,
        metadata={"axes": "TCYX"},
    )
    lazy = read_micrograph(path).pixels
    assert not isinstance(lazy, np.ndarray)
    assert lazy.dtype == np.dtype("=u2")
    for index in (np.s_[1], np.s_[-1, 2, 3:60:7, ...], np.s_[..., 40:60], np.s_[:, 0]):
        np.testing.assert_array_equal(lazy[index], pixels[index])


def test_series_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((4, 5), "u1"))
        file.write(np.ones((6, 7), "f4"))
    assert [m.shape for m in read_all(path)] == [(4, 5), (6, 7)]
    assert read_micrograph(path, series=1).shape == (6, 7)
    with pytest.raises(InputError, match="it holds 2, counted from 0"):
        read_micrograph(path, series=2)
    with pytest.raises(InputError, match=r"'two\.tif' holds 2 images"):
        read_single_image(path)


def test_zarr_of_the_other_byte_order_becomes_native(tmp_path: Path) -> None:
    path = tmp_path / "old.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    array = group.create_array("0", shape=(2, 3), dtype=">u2", chunks=(2, 3))
    array[:] = [[1, 2, 3], [4, 5, 600]]
    axes = [{"name": name, "type": "space"} for name in "yx"]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}
    ]
    pixels = read_micrograph(path).pixels
    assert pixels.dtype.isnative
    np.testing.assert_array_equal(pixels, [[1, 2, 3], [4, 5, 600]])


def test_describe_decodes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.tif"
    tifffile.imwrite(path, np.zeros((64, 64), "u1"), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\xff" * 8
    path.write_bytes(content)
    facts = describe(path)
    assert facts["format"] == "TIFF"
    assert facts["images"][0]["shape"] == [64, 64]
    assert facts["images"][0]["voxel_size_um"] == {"z": None, "y": None, "x": None}
    with pytest.raises(FileFormatError, match=r"broken\.tif"):
        read_micrograph(path)


def _ome_file(folder: Path, xml: str) -> Path:
    path = folder / "optics.ome.tif"
    planes = np.zeros((2, 3, 4), "u1")
    with tifffile.TiffWriter(path) as file:
        file.write(planes[0], description=xml.encode(), metadata=None)
        file.write(planes[1], metadata=None)
    return path


def _write_set(folder: Path, planes: np.ndarray[Any, Any]) -> Path:
    """Write one plane to each file of a set, as the OME-TIFF specification shows."""
    parts = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(len(planes))
    )
    for z, plane in enumerate(planes):
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{z}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYZCT" Type="uint8" SizeX="5" SizeY="4" SizeZ="2" '
            f'SizeC="1" SizeT="1"><Channel ID="Channel:0"/>{parts}'
            "</Pixels></Image></OME>"
        )
        tifffile.imwrite(
            folder / f"z{z}.ome.tif", plane, description=xml, metadata=None
        )
    return folder / "z0.ome.tif"


def _stk(planes: np.ndarray[Any, Any], *, z_um: float, xy_um: float) -> bytes:
    """Return a MetaMorph stack: one directory for all planes, two private tags.

    MetaMorph Stack (STK) Image File Format, tags 33628 (UIC1) and 33629 (UIC2).
    """
    depth, height, width = planes.shape
    text = b'<prop id="_MagNA_" value="1.2"/><prop id="_MagRI_" value="1.33"/>\0'
    data, thousand = planes.tobytes(), 1000
    at_text = 8 + len(data)
    at_unit = at_text + len(text)
    unit = struct.pack("<I", 3) + b"um\0"
    at_size = at_unit + len(unit)
    size = struct.pack("<II", round(xy_um * thousand), thousand)
    at_uic1 = at_size + len(size)
    # 4 XCalibration, 5 YCalibration, 6 CalibrationUnits: id, offset of the value
    uic1 = struct.pack("<6I", 4, at_size, 5, at_size, 6, at_unit)
    at_uic2 = at_uic1 + len(uic1)
    uic2 = struct.pack("<6I", round(z_um * thousand), thousand, 0, 0, 0, 0) * depth
    at_ifd = at_uic2 + len(uic2)
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, len(text), at_text),
        (273, 4, 1, 8),
        (278, 3, 1, height),
        (279, 4, 1, height * width * 2),
        (33628, 4, 3, at_uic1),
        (33629, 5, depth, at_uic2),
    ]
    ifd = struct.pack("<H", len(tags))
    ifd += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    header = b"II*\0" + struct.pack("<I", at_ifd)
    return header + data + text + unit + size + uic1 + uic2 + ifd


def _write_lsm(
    path: Path, pixels: np.ndarray[Any, Any], sizes_m: tuple[float, float, float]
) -> None:
    """Write an image and its thumbnail with the Zeiss tag 34412 of LSM 3.2."""
    height, width = pixels.shape
    z, y, x = sizes_m
    info = struct.pack(
        "<Ii8i6d2H",
        67127628,
        92,
        width,
        height,
        1,
        1,
        1,
        1,
        0,
        0,
        x,
        y,
        z,
        0,
        0,
        0,
        0,
        0,
    )
    tag = (34412, 1, len(info), info, True)
    with tifffile.TiffWriter(path, byteorder="<") as file:
        file.write(pixels, extratags=[tag], metadata=None)
        file.write(pixels[::2, ::2], subfiletype=1, metadata=None)


def test_an_image_stays_when_its_file_is_saved_anew(tmp_path: Path) -> None:
    path = tmp_path / "cell.tif"
    tifffile.imwrite(path, np.full((9, 8), 7, np.uint16))  # not coded: could be mapped
    image = read_micrograph(path)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert (np.asarray(image.pixels) == 7).all()


def test_lookup_table_of_imagej_is_no_color(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    red = np.zeros((3, 256), np.uint16)
    red[0] = np.arange(256) * 257
    description = "ImageJ=1.53f\nimages=1\n"
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        photometric="palette",
        colormap=red,
        description=description,
        metadata=None,
    )
    image = read_micrograph(tmp_path / "a.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(np.asarray(image.pixels[:, :]), pixels)
