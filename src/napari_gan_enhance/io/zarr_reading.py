"""Read OME-Zarr 0.4 and 0.5 as Micrographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.axes import AxisPlan
from napari_gan_enhance.io.boundary import decoding
from napari_gan_enhance.io.file_metadata import (
    FileMetadata,
    channel,
    duration_s,
    length_um,
    microscope,
    modality,
    positive,
)
from napari_gan_enhance.io.lazy import LazyPixels, OpenFile, file_stem, native
from napari_gan_enhance.io.limits import check_chunk
from napari_gan_enhance.io.zarr_writing import OWN_KEY
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.micrograph.microscope import Channel


def open_zarr(path: Path) -> list[Micrograph]:
    """Open every image of an OME-Zarr folder, full resolution only.

    Parameters
    ----------
    path : Path
        A multiscale image, or several as bioformats2raw writes them.

    Returns
    -------
    list of Micrograph
        Not empty; pixels are decoded when they are read.

    Raises
    ------
    FileFormatError
        If the folder holds no such image, or a damaged one.
    """
    import zarr

    with decoding(path):
        root = zarr.open_group(path, mode="r")
        groups = [root]
        if "multiscales" not in _ome(root):
            names = sorted((n for n in root.group_keys() if n.isdigit()), key=int)
            groups = [root[n] for n in names if "multiscales" in _ome(root[n])]
        if not groups:
            raise FileFormatError(
                f"{path.name!r} holds no OME-Zarr image - a multiscale image is needed "
                "- choose the folder of one image (of a plate: one field)."
            )
        return [_micrograph(group, path) for group in groups]


def _ome(group: Any) -> dict[str, Any]:
    """Return the OME metadata: version 0.5 has it under "ome", 0.4 at the top."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome", attributes)
    return inner if isinstance(inner, dict) else {}


def _micrograph(group: Any, path: Path) -> Micrograph:
    import zarr

    multiscale = _ome(group)["multiscales"][0]
    array = group[multiscale["datasets"][0]["path"]]
    if not isinstance(array, zarr.Array) or 0 in array.shape:
        raise FileFormatError(
            f"{path.name!r} holds no pixels where its metadata say so - full "
            "resolution is needed - copy the folder again from where it came."
        )
    check_chunk(array.chunks, array.dtype.itemsize, path)
    own = group.attrs.get(OWN_KEY, {})
    axes = "".join(_letter(axis) for axis in multiscale["axes"])
    if "S" in own.get("axes", "") and "S" not in axes:
        axes = axes.replace("C", "S")
    pixels = LazyPixels(
        array,
        AxisPlan(axes, tuple(slice(0, n) for n in array.shape)),
        path,
        OpenFile(lambda: None),
        convert=native,
    )
    metadata = _own(own) if own else _described(group, multiscale)
    size = dict(zip(axes, array.shape, strict=True)).get("C", 1)
    channels = metadata.channels
    return Micrograph(
        pixels,
        axes,
        metadata.voxel_size_um,
        metadata.time_step_s,
        channels if len(channels) == size else (),
        metadata.microscope,
        _name(group, path),
        metadata.provenance,
    )


def _letter(axis: dict[str, str] | str) -> str:
    name = axis if isinstance(axis, str) else axis["name"]
    return name.upper()


def _name(group: Any, path: Path) -> str:
    stem = file_stem(path)
    return f"{stem}: {group.basename}" if group.basename else stem


def _described(group: Any, multiscale: dict[str, Any]) -> FileMetadata:
    """Return what OME-Zarr itself says; a scale without a unit is no size."""
    scale = _scale(multiscale)
    units = [a.get("unit") if isinstance(a, dict) else None for a in multiscale["axes"]]
    letters = [_letter(axis) for axis in multiscale["axes"]]
    known = dict(zip(letters, zip(scale, units, strict=True), strict=True))
    nothing = (None, None)
    rendering = _ome(group).get("omero") or group.attrs.get("omero") or {}
    return FileMetadata(
        VoxelSize(*(length_um(*known.get(a, nothing)) for a in "ZYX")),
        duration_s(*known.get("T", nothing)),
        tuple(_channel(each) for each in rendering.get("channels", [])),
    )


def _scale(multiscale: dict[str, Any]) -> list[float]:
    """Return units per pixel of level 0, both transformations multiplied."""
    scale = [1.0] * len(multiscale["axes"])
    for part in (multiscale["datasets"][0], multiscale):
        for each in part.get("coordinateTransformations", []):
            if each.get("type") == "scale":
                scale = [a * b for a, b in zip(scale, each["scale"], strict=True)]
    return scale


def _channel(rendering: dict[str, Any]) -> Channel:
    color = rendering.get("color")
    shown = f"#{color.lower()}" if isinstance(color, str) else None
    return channel(rendering.get("label"), color=shown)


def _own(own: dict[str, Any]) -> FileMetadata:
    """Return what this package wrote beside the OME metadata."""
    return FileMetadata(
        VoxelSize(*(positive(size) for size in own["voxel_size_um"])),
        positive(own["time_step_s"]),
        tuple(
            channel(
                c["name"],
                emission_nm=c["emission_nm"],
                excitation_nm=c["excitation_nm"],
                color=c["color"],
            )
            for c in own["channels"]
        ),
        microscope(
            modality(own["modality"]), own["numerical_aperture"], own["immersion_index"]
        ),
        own["provenance"],
    )
