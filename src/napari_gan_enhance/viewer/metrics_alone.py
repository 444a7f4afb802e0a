"""Measure layers without a reference, as one job: resolution and NIQE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.metrics.unreferenced import (
    fit_niqe_model,
    measure_niqe,
    measure_resolution,
)
from napari_gan_enhance.viewer.metrics_against import named
from napari_gan_enhance.viewer.metrics_layers import (
    PlacedLayer,
    pair_layers,
    placed_layer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.comparison.niqe_file import SharpModel
    from napari_gan_enhance.metrics.resolution import ResolutionMethod
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.metrics_choices import MetricsChoices

Measure = Literal["frc", "decorrelation", "single-image frc", "niqe"]
Position = tuple[tuple[str, int], ...]
"""Axis and index, for axes of several positions."""


@dataclass(frozen=True, slots=True, eq=False)
class AloneRequest:
    """What to measure; holds no layer, so that a thread can do it.

    Parameters
    ----------
    layers : tuple of PlacedLayer
    repeat : PlacedLayer or None
        The second recording, for the FRC.
    model : SharpModel or None
        For NIQE.
    measures : tuple of str
    choices : MetricsChoices
    """

    layers: tuple[PlacedLayer, ...]
    repeat: PlacedLayer | None
    model: SharpModel | None
    measures: tuple[Measure, ...]
    choices: MetricsChoices


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What came of one layer.

    Parameters
    ----------
    name : str
        Of the layer.
    values : mapping of measure to mapping of position to float
        In µm, or NIQE; a measure that failed is left out.
    notes : list of str
        What to know of the numbers, and why a measure failed.
    """

    name: str
    values: dict[Measure, dict[Position, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredAlone:
    """What came of all layers, in their order, and the measures that were wanted.

    Parameters
    ----------
    measures : tuple of str
    threshold : str
        Of ring correlation.
    measured : tuple of Measured
    model : SharpModel or None
        Of NIQE.
    facts : mapping of name to str
        On the layers.
    """

    measures: tuple[Measure, ...]
    threshold: str
    measured: tuple[Measured, ...]
    model: SharpModel | None
    facts: Mapping[str, str]


def wanted_measures(choices: MetricsChoices) -> tuple[Measure, ...]:
    """Return what is ticked."""
    wanted: dict[Measure, bool] = {
        "decorrelation": choices.decorrelation,
        "frc": choices.frc,
        "single-image frc": choices.single_image,
        "niqe": choices.niqe,
    }
    return tuple(measure for measure, is_wanted in wanted.items() if is_wanted)


def alone_request(
    viewer: ViewerModel,
    layers: Sequence[Image],
    repeat: Image | None,
    model: SharpModel | None,
    choices: MetricsChoices,
) -> AloneRequest:
    """Gather from the viewer what a thread needs.

    Raises
    ------
    InputError
        If no layer or measure is ticked, or NIQE is wanted without a model.
    """
    measures = wanted_measures(choices)
    if not layers or not measures:
        raise InputError(
            "There is nothing to measure - at least one layer and one measure must be "
            "ticked - tick them."
        )
    if "niqe" in measures and model is None:
        raise InputError(
            "There is no model for NIQE yet - it compares with sharp images of your "
            "own - press 'Fit' or 'Load'."
        )
    if "frc" in measures and (repeat is None or repeat in layers):
        raise InputError(
            "The second recording is missing, or ticked itself - the FRC is that of "
            "two recordings of one field - tick the one and choose the other."
        )
    axes = "TCZ" if choices.planes == "shown" else ""
    other = None
    if repeat is not None and "frc" in measures:
        other = placed_layer(viewer, repeat).at(axes)
    placed = tuple(placed_layer(viewer, layer).at(axes) for layer in layers)
    return AloneRequest(placed, other, model, measures, choices)


def measure_layers(request: AloneRequest) -> Job[MeasuredAlone]:
    """Measure every layer; what cannot be measured is a note.

    Yields
    ------
    Progress
        The stage names the layer.

    Returns
    -------
    MeasuredAlone
    """
    found = []
    for layer in request.layers:
        one = Measured(layer.micrograph.name)
        for measure in request.measures:
            job = _measure(layer, measure, request, one)
            try:
                one.values[measure] = yield from named(job, one.name)
            except GanEnhanceError as error:
                one.notes.append(f"{one.name!r}: {error}")
        found.append(one)
    threshold = request.choices.threshold
    everything = [x for x in (request.repeat, *request.layers) if x is not None]
    facts = {name: text for one in everything for name, text in one.facts().items()}
    return MeasuredAlone(
        request.measures, threshold, tuple(found), request.model, facts
    )


def fit_to_layers(layers: Sequence[PlacedLayer]) -> Job[SharpModel]:
    """Fit a NIQE model to layers."""
    from napari_gan_enhance.comparison.niqe_file import SharpModel

    model = yield from fit_niqe_model(layer.micrograph for layer in layers)
    return SharpModel(model, tuple(layer.micrograph.name for layer in layers))


def _measure(
    layer: PlacedLayer, measure: Measure, request: AloneRequest, one: Measured
) -> Job[dict[Position, float]]:
    if measure == "niqe":
        if request.model is None:
            return {}
        scores = yield from measure_niqe(layer.micrograph, request.model.model)
        return {tuple(p.position.items()): p.niqe for p in scores}
    if measure == "frc":
        return (yield from _ring_correlation(layer, request, one))
    return (yield from _resolution(layer, measure, one))


def _resolution(
    layer: PlacedLayer, measure: ResolutionMethod, one: Measured
) -> Job[dict[Position, float]]:
    planes = yield from measure_resolution(layer.micrograph, measure)
    one.notes.append(planes[0].resolution.note)
    return {tuple(p.position.items()): p.resolution.resolution_um for p in planes}


def _ring_correlation(
    layer: PlacedLayer, request: AloneRequest, one: Measured
) -> Job[dict[Position, float]]:
    if request.repeat is None:
        return {}
    pair = pair_layers(request.repeat, layer, "world")
    _check_alike(pair.reference, pair.result)
    planes = yield from measure_resolution(
        pair.reference.micrograph,
        "frc",
        repeat=pair.result.micrograph,
        overlap=pair.overlap,
        threshold=request.choices.threshold,
    )
    one.notes.extend(pair.notes)
    if layer.micrograph.provenance:
        one.notes.append(
            f"The FRC of two results such as {one.name!r} tells what the method makes "
            "of two noises, not what the microscope resolves."
        )
    return {tuple(p.position.items()): p.resolution.resolution_um for p in planes}


def _check_alike(first: PlacedLayer, second: PlacedLayer) -> None:
    """Refuse a raw image beside a result: they do not have one resolution."""
    pair = first.micrograph, second.micrograph
    done = [m.provenance.get("operation", bool(m.provenance)) for m in pair]
    if done[0] != done[1]:
        said = [repr(d) if isinstance(d, str) else "raw" for d in done]
        raise InputError(
            f"{pair[0].name!r} is {said[0]} and {pair[1].name!r} is {said[1]} - the "
            "FRC is that of two recordings which were treated alike - choose two such "
            "layers."
        )
