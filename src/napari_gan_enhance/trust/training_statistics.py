"""Write into a card what its generator was trained on, and what it cannot bear."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.metrics.input_statistics import InputStatistics, fit_statistics
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.told_optics import told_optics
from napari_gan_enhance.progress import Job, Progress, drain
from napari_gan_enhance.trust.sampled_planes import PLANE_FEATURES, sampled_planes
from napari_gan_enhance.trust.spoiling import spoilt
from napari_gan_enhance.trust.suitability import STATISTICS_KEY
from napari_gan_enhance.trust.suitability_rules import is_stretched, saturated_share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.models.spec import ModelSpec

USUAL_SHARE = 95
"""Percentile of the saturated shares that still counts as usual."""

EXAMPLES = 1000
"""Spoilt images that the model is run on: about three minutes on a processor."""

STAGE = "looking at training images"


def statistics_of(sources: Sequence[Path], spec: ModelSpec) -> Job[InputStatistics]:
    """Look at source images.

    Parameters
    ----------
    sources : sequence of Path
        Files that were trained on; eight or more.
    spec : ModelSpec
        Of the generator: what it scales intensities by.

    Yields
    ------
    Progress

    Returns
    -------
    InputStatistics
        Without losses; see `losses_of`.

    Raises
    ------
    InputError
        If there are fewer than eight images that are neither blank nor too small.
    FileFormatError
        If a file cannot be read.
    """
    rows: list[NDArray[np.float64]] = []
    sizes, widths = [], []
    saturated, stretched = [], []
    for number, path in enumerate(sources):
        micrograph = read_single_image(path)
        sizes.append(micrograph.voxel_size_um.x)
        widths.append(told_optics(micrograph).psf_width_px)
        for plane in sampled_planes(micrograph):
            features = plane.features(spec.low_percentile, spec.high_percentile)
            rows += [] if features is None else [features]
            saturated.append(saturated_share(plane.thinned()))
            stretched.append(is_stretched(plane.thinned()))
        yield Progress(number + 1, len(sources), STAGE)
    return fit_statistics(PLANE_FEATURES, np.array(rows)).model_copy(
        update={
            "voxel_size_range_um": _range(sizes),
            "psf_width_range_px": _range(widths),
            "saturated": float(np.percentile(saturated, USUAL_SHARE)),
            "stretched": float(np.mean(stretched)),
        }
    )


def losses_of(
    generator: Generator,
    pairs: Sequence[tuple[Path, Path]],
    usual: InputStatistics,
    *,
    examples: int = EXAMPLES,
) -> Job[InputStatistics]:
    """Spoil training images, enhance them, and learn what costs how much.

    A loss is how far the PSNR of a result (affine fit) is below that of the result of
    the same image as it was recorded.

    Parameters
    ----------
    generator : Generator
        Of one channel, that does not change the number of pixels.
    pairs : sequence of (source, target) Path
        Single planes.
    usual : InputStatistics
        What the sources look like.
    examples : int
        How often to enhance, divided among the pairs.

    Yields
    ------
    Progress

    Returns
    -------
    InputStatistics
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(pairs))[:examples]
    each = max(1, examples // len(pairs))
    rows, losses = [], []
    for number, index in enumerate(chosen):
        raw, sharp = (_plane(read_single_image(path)) for path in pairs[index])
        own = _psnr(generator, raw, sharp.pixels)
        rows.append(_known(raw, generator.spec, usual))
        losses.append(0.0)
        for _ in range(each):
            pixels, reference = spoilt(
                np.asarray(raw.pixels), np.asarray(sharp.pixels), rng
            )
            seen = raw.with_pixels(pixels)
            with contextlib.suppress(InputError):  # cut out of the dark, it is blank
                losses.append(own - _psnr(generator, seen, reference))
                rows.append(_known(seen, generator.spec, usual))
            yield Progress(number, len(chosen), "spoiling training images")
    return usual.with_losses(np.array(rows), np.array(losses))


def record_statistics(
    checkpoint: Path, pairs: Sequence[tuple[Path, Path]], *, examples: int = EXAMPLES
) -> Job[InputStatistics]:
    """Write into a checkpoint's card what its training images look like.

    And, for a model of one channel, what it costs where an image looks otherwise.

    Parameters
    ----------
    checkpoint : Path
        Is replaced; its weights stay as they are.
    pairs : sequence of (source, target) Path
        What it was trained on.
    examples : int
        As for `losses_of`; 0 leaves the losses out.

    Yields
    ------
    Progress

    Returns
    -------
    InputStatistics

    Raises
    ------
    GanEnhanceError
        If the checkpoint or an image cannot be read, or the checkpoint not written.
    """
    from safetensors.torch import load_file

    from napari_gan_enhance.checkpoints.header import read_header
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.checkpoints.native import save_checkpoint

    header = read_header(checkpoint)
    spec = header.spec
    found = yield from statistics_of([source for source, _ in pairs], spec)
    if spec.in_channels == spec.out_channels == spec.upscale == 1 and examples:
        generator = load_generator(checkpoint, device="cpu", precision="fast")
        found = yield from losses_of(generator, pairs, found, examples=examples)
    card = header.card.model_copy(
        update={STATISTICS_KEY: found.model_dump(mode="json")}
    )
    save_checkpoint(checkpoint, load_file(checkpoint), spec, card, overwrite=True)
    return found


def _plane(micrograph: Micrograph) -> Micrograph:
    """Return the first plane, in memory, and with no past."""
    view = AxesView(micrograph.pixels, micrograph.axes, "YX", _first(micrograph))
    pixels = view[(slice(None), slice(None))]
    channels = micrograph.channels[:1]
    return replace(
        micrograph, pixels=pixels, axes="YX", channels=channels, provenance={}
    )


def _first(micrograph: Micrograph) -> dict[str, int]:
    return dict.fromkeys(set(micrograph.axes) - set("YX"), 0)


def _known(
    micrograph: Micrograph, spec: ModelSpec, usual: InputStatistics
) -> NDArray[np.float64]:
    plane = sampled_planes(micrograph)[0]
    features = plane.features(spec.low_percentile, spec.high_percentile)
    if features is not None:
        features[-1] = np.nan  # the width, which spoiling leaves alone, says nothing
    return usual.ordered(PLANE_FEATURES, features)


def _psnr(generator: Generator, raw: Micrograph, sharp: Any) -> float:
    from napari_gan_enhance.models.enhance import enhance
    from napari_gan_enhance.models.settings import EnhanceSettings

    result = drain(enhance(raw, generator, EnhanceSettings()))
    return evaluate(np.asarray(result.pixels), sharp).psnr


def _range(values: list[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None
