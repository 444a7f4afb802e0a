"""Make the pictures of the documentation by driving the real viewer.

    xvfb-run -s "-screen 0 1600x1000x24" python docs/make_screenshots.py

Writes into docs/images: the Enhance dock before a run, during it, the comparison, and
the line profile, on the bundled sample with the bundled model; and the same of the
Deconvolve dock; the Metrics dock on a sample with less light; then an alignment and a
training on a simulated field.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtWidgets import QApplication, QWidget

from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.simulation import SimulationSettings, simulate
from napari_gan_enhance.viewer.compare import put_side_by_side
from napari_gan_enhance.viewer.profile_lines import add_line, line_layer
from napari_gan_enhance.viewer.viewport import camera_of, grid_of
from napari_gan_enhance.widgets.align import AlignDock
from napari_gan_enhance.widgets.compare import CompareDock
from napari_gan_enhance.widgets.deconvolve import DeconvolveDock
from napari_gan_enhance.widgets.enhance import EnhanceDock
from napari_gan_enhance.widgets.line_profile import LineProfileDock
from napari_gan_enhance.widgets.metrics import MetricsDock
from napari_gan_enhance.widgets.train import TrainDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image

IMAGES = Path(__file__).parent / "images"
WINDOW = (1600, 1000)
LONGEST_S = 300

OPTICS = {
    "numerical_aperture": "1.4",
    "immersion_index": "1.515",
    "emission_nm.0": "520",
}
"""The sample's file does not state them: assumed as in the demo."""

LINE_PX = ((75.0, 20.0), (75.0, 130.0))
"""Across the pattern, (Y, X)."""


ITERATIONS = 100
"""More than the sample bears: the slider shows where noise begins to grow."""

FIELD = SimulationSettings(
    fields=1,
    size=640,
    numerical_aperture=(1.2, 1.2),
    emission_nm=(520, 520),
    pixel_um=(0.1, 0.1),
    photons=(100, 100),
    seed=8,
)
"""What the training is shown on: one field of one microscope."""

PHOTONS = 30
"""In the brightest pixel of the image with less light."""

PLANTED_PX = (60, 40, 120)
"""Row, first and last column of the filament that is drawn into a result."""

PLANTED_SHARE = 0.25
"""Its brightness, of the range of the result; its width follows."""

PLANTED_SIGMA_PX = 1.3

TRUST_MAP = " [trust: beyond the evidence]"
VIEWED_PX = (90, 80)
ZOOM = 4
"""Screen pixels for each pixel of the image."""

ACROSS_PX = ((40, 80), (80, 80))
PROFILE_WIDTH_PX = 7

MISPLACED = {"rotate": 2.0, "translate": (1.8, -1.2)}
"""Degrees and µm: as two microscopes would have it."""

MINUTES = 1.0


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + LONGEST_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the viewer did not get there")
        QApplication.processEvents()
        time.sleep(0.005)


def settle(seconds: float = 0.5) -> None:
    """Let the window draw everything that is due."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end)


def save(viewer: napari.Viewer, folder: Path, name: str) -> None:
    """Write a picture of the whole window."""
    settle()
    viewer.window.screenshot(
        str(folder / f"{name}.png"), canvas_only=False, flash=False
    )


def open_sample(viewer: napari.Viewer) -> EnhanceDock:
    """Open the sample with the Enhance dock beside it."""
    (layer,) = viewer.open_sample("napari-gan-enhance", "lines")
    layer.name = "lines"
    viewer.dims.set_current_step(0, layer.data.shape[0] // 2)
    viewer.reset_view()
    with tempfile.TemporaryDirectory() as folder:
        dock = EnhanceDock(viewer, Path(folder) / "settings.json")
    viewer.window.add_dock_widget(dock, name="Enhance", area="right")
    return dock


def type_in(dock: EnhanceDock | DeconvolveDock, values: dict[str, str]) -> None:
    """Type into the optics form as a user would."""
    for name, text in values.items():
        field = dock.controls.optics.fields[name]
        field.setText(text)
        field.textEdited.emit(text)


def deconvolve_pictures(folder: Path) -> None:
    """Make the pictures of the Deconvolve dock."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    (layer,) = viewer.open_sample("napari-gan-enhance", "lines")
    layer.name = "lines"
    viewer.dims.set_current_step(0, layer.data.shape[0] // 2)
    viewer.reset_view()
    with tempfile.TemporaryDirectory() as settings:
        dock = DeconvolveDock(viewer, Path(settings) / "settings.json")
    viewer.window.add_dock_widget(dock, name="Deconvolve", area="right")
    save(viewer, folder, "deconvolve-missing")
    type_in(dock, OPTICS)
    dock.controls.iterations.set_value(ITERATIONS)
    wait_until(lambda: not dock.preview.is_waiting)
    save(viewer, folder, "deconvolve-psf")
    dock.panel.button.click()
    wait_until(lambda: dock.iterations.isVisible())
    wait_until(lambda: dock.iterations.slider.maximum() >= 6)
    save(viewer, folder, "deconvolve-run")
    wait_until(lambda: not dock.panel.runner.is_running)
    dock.iterations.slider.setValue(6)  # 15 iterations
    dock.panel.compare.click()
    save(viewer, folder, "deconvolve-compare")
    viewer.close()


def enhance_pictures(folder: Path) -> None:
    """Make the pictures of the Enhance and the Line profile dock."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    dock = open_sample(viewer)
    save(viewer, folder, "dock-missing")
    type_in(dock, OPTICS)
    save(viewer, folder, "dock")
    dock.panel.button.click()
    wait_until(lambda: dock.panel.progress.bar.value() >= 2)
    save(viewer, folder, "run")
    wait_until(lambda: not dock.panel.runner.is_running)
    dock.panel.compare.click()
    save(viewer, folder, "compare")
    profile = LineProfileDock(viewer)
    viewer.window.add_dock_widget(profile, name="Line profile", area="bottom")
    add_line(viewer)
    pixel_um = viewer.layers["lines"].scale[-1]
    line_layer(viewer).data = [[[n * pixel_um for n in end] for end in LINE_PX]]
    line_layer(viewer).visible = False  # it would take a cell of the grid
    save(viewer, folder, "line-profile")
    viewer.close()


def open_less_light(viewer: napari.Viewer) -> Image:
    """Open a sample, and add what a camera would have seen in less light."""
    (truth,) = viewer.open_sample("napari-gan-enhance", "intestine")
    truth.name = "intestine"
    counts = truth.data * (PHOTONS / truth.data.max())
    dim = np.random.default_rng(0).poisson(counts).astype(np.uint16)
    place = {"scale": truth.scale, "units": truth.units}
    return viewer.add_image(dim, name="less light", **place)


def enhance_alone(viewer: napari.Viewer, layer: Image) -> tuple[EnhanceDock, QWidget]:
    """Enhance a layer; return the dock, and its frame in the window."""
    dock = EnhanceDock(viewer)
    frame = viewer.window.add_dock_widget(dock, name="Enhance", area="right")
    dock.controls.layer.choose(layer)
    dock.controls.deconvolve.setChecked(False)
    dock.panel.button.click()
    wait_until(lambda: not dock.panel.runner.is_running)
    return dock, frame


def metrics_pictures(folder: Path) -> None:
    """Make the picture of the Metrics dock: a sample, with less light, enhanced."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NAPARI_GAN_ENHANCE_CONFIG"] = scratch
        _, frame = enhance_alone(viewer, open_less_light(viewer))
        viewer.window.remove_dock_widget(frame)
        dock = MetricsDock(viewer)
        viewer.window.add_dock_widget(dock, name="Metrics", area="bottom")
        dock.form.against.reference.choose(viewer.layers["intestine"])
        dock.form.maps.click()
        wait_until(lambda: not dock.runner.is_running)
        put_side_by_side(viewer, list(viewer.layers))
        grid_of(viewer).shape = (2, 4)
        viewer.reset_view()
        save(viewer, folder, "metrics")
    viewer.close()


def plant(layer: Image) -> None:
    """Draw a filament into a result that is not in the image it was made of."""
    pixels = layer.data
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    middle = PLANTED_PX[0] + 6 * np.sin((x - PLANTED_PX[1]) / 12)
    ends = np.clip(x - PLANTED_PX[1], 0, 5) * np.clip(PLANTED_PX[2] - x, 0, 5) / 25
    bright = PLANTED_SHARE * np.ptp(np.percentile(pixels, (1, 99)))
    profile = np.exp(-((y - middle) ** 2) / (2 * PLANTED_SIGMA_PX**2))
    pixels += (bright * ends * profile).astype(pixels.dtype)
    layer.refresh()


def believe_pictures(folder: Path) -> None:
    """Make the pictures of the tutorial on belief: a result with an invented part."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NAPARI_GAN_ENHANCE_CONFIG"] = scratch
        raw = open_less_light(viewer)
        enhance, frame = enhance_alone(viewer, raw)
        result = viewer.layers[-1]
        plant(result)
        viewer.layers.selection.active = result
        enhance.trust.button.click()
        wait_until(lambda: not enhance.trust.runner.is_running)
        maps = viewer.layers[result.name.partition(" [")[0] + TRUST_MAP]
        viewer.layers.selection.active = result
        save(viewer, folder, "believe-trust")
        viewer.window.remove_dock_widget(frame)
        look_closer(viewer, raw, result, maps, folder)
    viewer.close()


def look_closer(
    viewer: napari.Viewer, raw: Image, result: Image, evidence: Image, folder: Path
) -> None:
    """Make the pictures of the Compare and the Line profile dock."""
    for layer in viewer.layers:
        layer.visible = layer in (raw, result)
    pixel_um = raw.scale[-1]
    zoom_to(viewer, VIEWED_PX, pixel_um)
    compare = CompareDock(viewer)
    frame = viewer.window.add_dock_widget(compare, name="Compare", area="right")
    compare.pair.choose(raw, result)
    compare.linked.click()
    compare.modes.swipe.click()
    zoom_to(viewer, VIEWED_PX, pixel_um)
    save(viewer, folder, "believe-swipe")
    compare.pair.choose(raw, evidence)
    compare.linked.click()
    save(viewer, folder, "believe-evidence")
    compare.pair.choose(raw, result)
    compare.difference.click()
    wait_until(lambda: not compare.runner.is_running)
    save(viewer, folder, "believe-difference")
    viewer.layers.pop()
    viewer.window.remove_dock_widget(frame)
    profile = LineProfileDock(viewer)
    viewer.window.add_dock_widget(profile, name="Line profile", area="bottom")
    profile.options.width_box.setValue(PROFILE_WIDTH_PX * pixel_um)
    add_line(viewer, np.array(ACROSS_PX) * pixel_um)
    zoom_to(viewer, VIEWED_PX, pixel_um)
    save(viewer, folder, "believe-profile")


def zoom_to(viewer: napari.Viewer, middle_px: tuple[int, int], pixel_um: float) -> None:
    """Show the surroundings of a pixel."""
    settle()
    camera = camera_of(viewer)
    camera.center = (0, *(n * pixel_um for n in middle_px))
    camera.zoom = ZOOM / pixel_um


def open_misaligned(viewer: napari.Viewer, folder: Path) -> None:
    """Add a wide-field image and its target, which lies elsewhere."""
    drain(simulate(folder / "field", FIELD))
    for side, name in (("source", "wide-field"), ("target", "confocal")):
        (path,) = (folder / "field" / side).glob("*.tif")
        (layer,) = viewer.open(str(path), plugin="napari-gan-enhance")
        layer.name, layer.colormap = name, "gray"
    for setting, value in MISPLACED.items():
        setattr(viewer.layers["confocal"], setting, value)
    viewer.reset_view()


def train_pictures(folder: Path) -> None:
    """Make the pictures of the tutorial on training."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NAPARI_GAN_ENHANCE_CONFIG"] = scratch
        os.environ["NAPARI_GAN_ENHANCE_MODELS"] = scratch
        open_misaligned(viewer, Path(scratch))
        align = AlignDock(viewer)
        frame = viewer.window.add_dock_widget(align, name="Align", area="right")
        align.form.overlay.click()
        save(viewer, folder, "align-before")
        align.form.start.click()
        wait_until(lambda: not align.runner.is_running)
        save(viewer, folder, "align-after")
        align.form.overlay.click()
        viewer.window.remove_dock_widget(frame)
        train_and_use(viewer, folder)
    viewer.close()


def train_and_use(viewer: napari.Viewer, folder: Path) -> None:
    """Make a pair, train on it, enhance with the result."""
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train", area="right")
    dock.panel.pairs.add.click()
    wait_until(lambda: not dock.panel.pairs.runner.is_running)
    # The other one was trained on such fields, and has nothing to learn from it.
    dock.panel.form.model.choose("widefield-denoise")
    dock.panel.form.minutes.setValue(MINUTES)
    save(viewer, folder, "train-pair")
    dock.panel.start.click()
    looks = dock.panel.plot
    wait_until(lambda: len(looks.points("psnr")) >= 4 or not dock.runner.is_running)
    save(viewer, folder, "train-run")
    wait_until(lambda: not dock.runner.is_running)
    dock.panel.strip.use.click()
    enhance = viewer.window.dock_widgets["Enhance (napari-gan-enhance)"]
    enhance.controls.deconvolve.setChecked(False)
    enhance.panel.button.click()
    wait_until(lambda: not enhance.panel.runner.is_running)
    enhance.panel.compare.click()
    save(viewer, folder, "train-use")


def main(folder: Path) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    enhance_pictures(folder)
    deconvolve_pictures(folder)
    metrics_pictures(folder)
    believe_pictures(folder)
    train_pictures(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
