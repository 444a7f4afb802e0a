"""`demo`: the main job on a bundled sample, in napari or into a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph

SAMPLE = "lines"
FOLDER = Path("napari-gan-enhance-demo")

NUMERICAL_APERTURE, IMMERSION_INDEX, EMISSION_NM = 1.4, 1.515, 520.0
"""The sample's file states its voxel size only. Assumed are a usual oil objective and
green light."""

ITERATIONS = 10

WINDOW = (1500, 950)
"""Width and height in screen pixels: three images and two docks side by side."""

LINE = ((75.0, 20.0), (75.0, 130.0))
"""Across all lines of the pattern; start and end as (Y, X) in pixels."""


def demo(
    headless: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the results into DIR and open no window."
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results of an earlier demo."),
    ] = False,
) -> None:
    """Enhance and deconvolve the bundled sample and show both beside it.

    Without a display the three images and a comparison picture are written into DIR
    (by default napari-gan-enhance-demo).
    """
    import tempfile

    from napari_gan_enhance.cli._console import message

    message(
        f"Sample {SAMPLE!r}: its file does not state the optics; assumed are NA "
        f"{NUMERICAL_APERTURE}, index {IMMERSION_INDEX}, {EMISSION_NM:.0f} nm."
    )
    if headless is not None or not has_display():
        folder = headless or FOLDER
        for path in write_demo(folder, overwrite=overwrite):
            message(f"Wrote {path}")
        return
    with tempfile.TemporaryDirectory(prefix="napari-gan-enhance-") as temporary:
        show(write_demo(Path(temporary), overwrite=True)[:3])


def has_display() -> bool:
    """Return whether a window can be opened."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def write_demo(folder: Path, *, overwrite: bool) -> list[Path]:
    """Write raw, enhanced and deconvolved as OME-TIFF, and a comparison picture.

    Returns
    -------
    list of Path
        In that order.
    """
    from napari_gan_enhance.cli._console import run_job
    from napari_gan_enhance.io.atomic import atomic_file, output_errors
    from napari_gan_enhance.io.write import check_output, write_micrograph
    from napari_gan_enhance.metrics.picture import comparison_figure

    names = ("raw", "enhanced", "deconvolved")
    paths = [folder / f"{name}.ome.tif" for name in names]
    picture = folder / "comparison.png"
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        check_output(path, overwrite=overwrite)
    images = results()
    for path, micrograph in zip(paths, images, strict=True):
        run_job(write_micrograph(path, micrograph, overwrite=overwrite))
    figure = comparison_figure(dict(zip(names, images, strict=True)), LINE)
    with atomic_file(picture, overwrite=overwrite) as unfinished:
        figure.savefig(unfinished, dpi=110)
    return [*paths, picture]


def results() -> tuple[Micrograph, Micrograph, Micrograph]:
    """Return raw, enhanced and deconvolved."""
    from napari_gan_enhance.assets.samples import sample_path
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.cli._console import run_job
    from napari_gan_enhance.io.read import read_micrograph
    from napari_gan_enhance.models.enhance import enhance
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.optics.deconvolve import deconvolve
    from napari_gan_enhance.optics.settings import DeconvolveSettings

    raw = read_micrograph(sample_path(SAMPLE))
    settings = EnhanceSettings()
    enhanced = run_job(enhance(raw, load_generator(DEFAULT_MODEL), settings))
    optics = DeconvolveSettings(
        iterations=ITERATIONS,
        numerical_aperture=NUMERICAL_APERTURE,
        immersion_index=IMMERSION_INDEX,
        emission_nm=(EMISSION_NM,),
    )
    deconvolved = run_job(deconvolve(raw, optics))
    return raw, enhanced, deconvolved


def show(paths: list[Path]) -> None:
    """Open napari with the images side by side and a line profile over them."""
    import napari

    from napari_gan_enhance.viewer.demonstration import show_results

    viewer = napari.Viewer(title="napari-gan-enhance: demo")
    viewer.window.resize(*WINDOW)
    for dock in ("Enhance", "Line profile"):
        viewer.window.add_plugin_dock_widget("napari-gan-enhance", dock)
    files = {path.name.removesuffix(".ome.tif"): path for path in paths}
    show_results(viewer, files, LINE)
    napari.run()
