"""`psf`: compute a point spread function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_gan_enhance.cli._numbers import parse_shape, parse_voxel_size

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph

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
    Literal["exact", "born-wolf", "gibson-lanni"],
    typer.Option(
        help="Defocus: exact; paraxial as in Born and Wolf; or exact with the "
        "spherical aberration of a point below the cover slip."
    ),
]
Depth = Annotated[
    float | None,
    typer.Option(help="Depth below the cover slip in µm, for gibson-lanni."),
]
SampleIndex = Annotated[
    float | None,
    typer.Option(help="Refractive index of the sample, needed with a depth."),
]
Excitation = Annotated[
    float | None,
    typer.Option(
        help="Wavelength of the laser in nanometres: a confocal PSF, not a wide-field "
        "one."
    ),
]
Pinhole = Annotated[
    float | None,
    typer.Option(
        help="Diameter of the pinhole in Airy units, for a confocal PSF.  [default: 1]"
    ),
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
    depth_um: Depth = None,
    sample_index: SampleIndex = None,
    excitation_nm: Excitation = None,
    pinhole_airy: Pinhole = None,
    point: Point = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Compute the point spread function of a microscope.

    Wide-field, or with --excitation-nm confocal. Scalar, without apodization; float32,
    sum 1, its peak at the center.
    """
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.io.write import check_output, write_micrograph

    voxel, sizes = parse_voxel_size(voxel_size_um), parse_shape(shape)
    if pinhole_airy is not None and excitation_nm is None:
        raise typer.BadParameter("--pinhole-airy needs --excitation-nm.")
    check_output(output, overwrite=overwrite)
    optics: dict[str, Any] = {
        "numerical_aperture": numerical_aperture,
        "immersion_index": immersion_index,
        "emission_nm": emission_nm,
        "model": model,
        "depth_um": depth_um,
        "sample_index": sample_index,
    }
    if excitation_nm is not None:
        optics["excitation_nm"] = excitation_nm
        optics["pinhole_airy"] = 1.0 if pinhole_airy is None else pinhole_airy
    result = _computed(sizes, voxel, optics, integrate=not point)
    run_job(write_micrograph(output, result, overwrite=overwrite))
    if as_json:
        made = {k: v for k, v in result.provenance.items() if k != "version"}
        print_json({"output": str(output), "shape": list(result.shape), **made})
    else:
        message(f"Wrote {output} (float32).")


def _computed(
    shape: tuple[int, ...],
    voxel: tuple[float | None, float, float],
    optics: dict[str, Any],
    *,
    integrate: bool,
) -> Micrograph:
    from napari_gan_enhance import __version__
    from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
    from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality
    from napari_gan_enhance.optics.psf import point_spread_function
    from napari_gan_enhance.optics.psf_confocal import confocal_point_spread_function

    is_confocal = "excitation_nm" in optics
    compute = confocal_point_spread_function if is_confocal else point_spread_function
    pixels = compute(shape, voxel, integrate=integrate, **optics)
    given = ("depth_um", "sample_index", "pinhole_airy")
    return Micrograph(
        pixels,
        "ZYX"[-pixels.ndim :],
        VoxelSize(*voxel),
        channels=(Channel("", optics["emission_nm"], optics.get("excitation_nm")),),
        microscope=Microscope(
            Modality.CONFOCAL if is_confocal else Modality.WIDE_FIELD,
            optics["numerical_aperture"],
            optics["immersion_index"],
        ),
        name="psf",
        provenance={
            "operation": "psf",
            "model": optics["model"],
            "integrated": integrate,
            **{k: optics[k] for k in given if optics.get(k) is not None},
            "version": __version__,
        },
    )
