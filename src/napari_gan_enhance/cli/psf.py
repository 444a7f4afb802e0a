"""`psf`: compute a point spread function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_gan_enhance.cli._numbers import parse_shape, parse_voxel_size

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.micrograph.microscope import Channel, Microscope

Output = Annotated[
    Path, typer.Option("-o", "--output", help="Result (.ome.tif or .ome.zarr).")
]
Aperture = Annotated[float, typer.Option(help="Numerical aperture of the objective.")]
Index = Annotated[
    float, typer.Option(help="1.0 for air, 1.333 for water, 1.515 for oil.")
]
Wavelength = Annotated[float, typer.Option(help="Wavelength in nanometres.")]
VoxelText = Annotated[str, typer.Option(metavar="Z,Y,X", help="Voxel size in µm.")]
ShapeText = Annotated[str, typer.Option(metavar="Z,Y,X", help="Odd numbers of voxels.")]
Defocus = Annotated[
    Literal["exact", "born-wolf"],
    typer.Option(help="Defocus: exact, or paraxial as in Born and Wolf."),
]
Point = Annotated[
    bool, typer.Option("--point", help="Sample at voxel centers; do not integrate.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing result.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.")
]


def psf(
    output: Output,
    numerical_aperture: Aperture,
    immersion_index: Index,
    emission_nm: Wavelength,
    voxel_size_um: VoxelText,
    shape: ShapeText,
    model: Defocus = "exact",
    point: Point = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Compute the point spread function of a wide-field microscope.

    Scalar, without apodization; float32, sum 1, its peak at the center.
    """
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.io.write import check_output, write_micrograph
    from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality

    voxel, sizes = parse_voxel_size(voxel_size_um), parse_shape(shape)
    check_output(output, overwrite=overwrite)
    microscope = Microscope(Modality.WIDE_FIELD, numerical_aperture, immersion_index)
    channel = Channel(emission_nm=emission_nm)
    made = {"operation": "psf", "model": model, "integrated": not point}
    result = _computed(sizes, voxel, microscope, channel, made)
    run_job(write_micrograph(output, result, overwrite=overwrite))
    if as_json:
        print_json({"output": str(output), "shape": list(result.shape), **made})
    else:
        message(f"Wrote {output} (float32).")


def _computed(
    shape: tuple[int, ...],
    voxel: tuple[float | None, float, float],
    microscope: Microscope,
    channel: Channel,
    made: dict[str, Any],
) -> Micrograph:
    from napari_gan_enhance import __version__
    from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
    from napari_gan_enhance.optics.psf import point_spread_function

    pixels = point_spread_function(
        shape,
        voxel,
        numerical_aperture=microscope.numerical_aperture or 0,
        immersion_index=microscope.immersion_index or 0,
        emission_nm=channel.emission_nm or 0,
        model=made["model"],
        integrate=made["integrated"],
    )
    return Micrograph(
        pixels,
        "ZYX"[-pixels.ndim :],
        VoxelSize(*voxel),
        channels=(channel,),
        microscope=microscope,
        name="psf",
        provenance={**made, "version": __version__},
    )
