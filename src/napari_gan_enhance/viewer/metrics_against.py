"""Score layers against a reference layer, as one job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.metrics.conventions import CONVENTIONS
from napari_gan_enhance.metrics.evaluation import Evaluation, evaluate_planes
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.progress import changed
from napari_gan_enhance.viewer.metrics_layers import (
    LayerPair,
    PlacedLayer,
    pair_layers,
    placed_layer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.metrics.fidelity import Fit
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.metrics_choices import MetricsChoices

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class AgainstRequest:
    """What to score; holds no layer, so that a thread can do it.

    Parameters
    ----------
    results : tuple of PlacedLayer
    reference : PlacedLayer
    choices : MetricsChoices
    has_maps : bool
        Whether maps are made too.
    """

    results: tuple[PlacedLayer, ...]
    reference: PlacedLayer
    choices: MetricsChoices
    has_maps: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What came of one layer.

    Parameters
    ----------
    name : str
        Of the layer.
    settings : EvaluateSettings
    evaluation : Evaluation or None
        None where it could not be scored.
    pair : LayerPair or None
    problem : str
        Why it could not be scored, in one sentence.
    """

    name: str
    settings: EvaluateSettings
    evaluation: Evaluation | None = None
    pair: LayerPair | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredAgainst:
    """What came of all layers, in their order; one or two for each.

    Parameters
    ----------
    reference : str
    scored : tuple of Scored
    facts : mapping of name to str
        On the layers.
    """

    reference: str
    scored: tuple[Scored, ...]
    facts: Mapping[str, str]


def against_request(
    viewer: ViewerModel,
    results: Sequence[Image],
    reference: Image | None,
    choices: MetricsChoices,
    *,
    has_maps: bool = False,
) -> AgainstRequest:
    """Gather from the viewer what a thread needs; the reference itself is left out.

    Raises
    ------
    InputError
        If nothing is left to score, there is no reference, or a layer's axes have no
        meaning.
    """
    others = [layer for layer in results if layer is not reference]
    if reference is None or not others:
        raise InputError(
            "There is nothing to compare - a reference is needed, and one layer or "
            "more that is ticked and is not the reference - open and tick an image."
        )
    axes = "TCZ" if choices.planes == "shown" else ""
    placed = tuple(placed_layer(viewer, layer).at(axes) for layer in others)
    truth = placed_layer(viewer, reference).at(axes)
    return AgainstRequest(placed, truth, choices, has_maps)


def score_layers(request: AgainstRequest) -> Job[ScoredAgainst]:
    """Score every layer; one that cannot be scored does not keep the others from it.

    Yields
    ------
    Progress
        The stage names the layer.

    Returns
    -------
    ScoredAgainst
    """
    found: list[Scored] = []
    for layer in request.results:
        name = layer.micrograph.name
        try:
            found += yield from named(_score(layer, request), name)
        except GanEnhanceError as error:
            settings = _settings(request, _fits(request.choices)[0])
            found.append(Scored(name, settings, problem=str(error)))
    everything = (request.reference, *request.results)
    facts = {name: text for one in everything for name, text in one.facts().items()}
    return ScoredAgainst(request.reference.micrograph.name, tuple(found), facts)


def named(job: Job[Result], name: str) -> Job[Result]:
    """Run a job whose reports name what it works on."""
    return changed(job, lambda told: replace(told, stage=f"{told.stage} {name!r}"))


def _score(layer: PlacedLayer, request: AgainstRequest) -> Job[list[Scored]]:
    pair = pair_layers(layer, request.reference, request.choices.placing)
    found: list[Scored] = []
    for fit in _fits(request.choices):
        settings = _settings(request, fit)
        if found:  # no fit changes what is free of scale, and one map is enough
            settings = settings.model_copy(update={"scale_free": False, "maps": False})
        evaluation = yield from evaluate_planes(
            pair.result.micrograph,
            pair.reference.micrograph,
            settings,
            overlap=pair.overlap,
        )
        if found and found[0].evaluation is not None:
            evaluation = _with_scale_free(evaluation, found[0].evaluation)
        name = layer.micrograph.name
        found.append(Scored(name, settings, evaluation, pair))
    return found


def _with_scale_free(evaluation: Evaluation, other: Evaluation) -> Evaluation:
    planes = tuple(
        replace(plane, scale_free=known.scale_free)
        for plane, known in zip(evaluation.planes, other.planes, strict=True)
    )
    return replace(evaluation, planes=planes, median_scale_free=other.median_scale_free)


def _fits(choices: MetricsChoices) -> tuple[Fit, ...]:
    if CONVENTIONS[choices.convention].is_fixed:
        return ("none",)
    return ("affine", "none") if choices.fit == "both" else (choices.fit,)


def _settings(request: AgainstRequest, fit: Fit) -> EvaluateSettings:
    choices = request.choices
    is_fixed = CONVENTIONS[choices.convention].is_fixed
    return EvaluateSettings(
        convention=choices.convention,
        fit=fit,
        data_range=None if is_fixed else choices.data_range,
        maps=request.has_maps,
    )
