"""What a training says of itself: scores on held-out fields, and the card."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_gan_enhance import __version__
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.models.spec import ModelCard, ModelSpec, Score, TrainingData
from napari_gan_enhance.training.pairs import sha256_of
from napari_gan_enhance.training.prediction import predict
from napari_gan_enhance.training.validation import mean_scores

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import torch
    from torch import nn

    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.training.events import HeldOutScore
    from napari_gan_enhance.training.held_out import HeldOut
    from napari_gan_enhance.training.images import Image, ImagePair
    from napari_gan_enhance.training.pairs import Pair
    from napari_gan_enhance.training.recipe import Recipe

MEASURED = {"training_data", "recipe", "steps", "seed", "scores", "date", "version"}
"""Keys of a card that nobody writes by hand."""

COUNTED = {
    *("name", "sha256", "pairs", "fields", "validation_fields", "test_fields", "split")
}
"""Keys of a data set in a card that nobody writes by hand."""

CHOSEN_ON = "the best step was chosen on them"
"""What is said of scores that are thereby a little too good."""

MOST_NAMED = 12
"""Fields that are named in a score; all stand in the card's training data."""


def held_out_scores(
    network: nn.Module, spec: ModelSpec, held_out: HeldOut, device: torch.device
) -> Job[tuple[Score, ...]]:
    """Score a network on images of fields that were neither trained nor chosen on.

    Source and result are fitted to the target by gain and offset; the data range is
    the target's (3rd to 99.8th percentile). Medians over the images of a data set; of
    an image that was cut to pieces, the mean of those held out, by their size.
    Where no field is left for that, those are scored that the best step was chosen on,
    and the scores say so.
    """
    images, remark = held_out.test, ""
    if not images:
        images, remark = held_out.validation, f" ({CHOSEN_ON})"
    scores = []
    for name in sorted({image.pair.data_set for image in images}):
        wholes: dict[tuple[object, ...], list[ImagePair]] = {}
        for image in images:
            if image.pair.data_set == name:
                wholes.setdefault(image.whole, []).append(image)
        values = []
        for pieces in wholes.values():
            each = []
            for image in pieces:
                result = yield from predict(network, spec, image, device=device)
                each.append(_scores_of(image, result))
            values.append(_mean(each, [piece.weight for piece in pieces]))
        medians = {m: float(np.median([v[m] for v in values])) for m in values[0]}
        data = f"{_fields_of(images, name)}{remark}"
        scores += _scores(medians, data, len(values))
    return tuple(scores)


def scores_of_a_look(
    score: HeldOutScore | None, images: Sequence[ImagePair]
) -> tuple[Score, ...]:
    """Return what a look found, for the card as long as the training is unfinished.

    These are numbers of the fields that the step is chosen on, and say so: means over
    the images, every data set counting alike, in fast precision.

    Parameters
    ----------
    score : HeldOutScore or None
        None where nothing is held out; then there are no scores.
    images : sequence of ImagePair
        That were looked at.
    """
    if score is None or not math.isfinite(score.value):  # JSON has no NaN
        return ()
    names = sorted({image.pair.data_set for image in images})
    sets = "; ".join(_fields_of(images, name) for name in names)
    values = _named(score.psnr, score.psnr_gain, score.ssim, score.ssim_gain)
    data = f"{sets} ({CHOSEN_ON}; means in fast precision)"
    return tuple(_scores(values, data, len(images)))


def fields_text(fields: Collection[str]) -> str:
    """Return the names of fields of view, or how many they are."""
    if len(fields) > MOST_NAMED:
        return f"{len(fields)} fields"
    return f"fields {', '.join(sorted(fields))}"


def check_texts(given: Any, name: str) -> None:
    """Refuse what cannot be the texts of a card, before anything is trained.

    Parameters
    ----------
    given : object
        What people wrote; see `make_card`.
    name : str
        Of the file, for the message.

    Raises
    ------
    InputError
    """
    wrong = ""
    if not isinstance(given, dict):
        wrong = "no JSON object"
    elif taken := sorted(MEASURED & given.keys()):
        wrong = f"{', '.join(taken)} is filled in by the training"
    else:
        try:
            wrong = _wrong_data(given.get("data", {})) or _wrong_card(given)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except ValueError as error:  # a text that cannot be written
            wrong = str(error)
    if wrong:
        raise InputError(
            f"Card {name!r} cannot be used ({wrong}) - it is a JSON object with texts "
            "such as name, summary, limits and licence - correct the file or leave "
            "--card out."
        )


def _wrong_data(data: Any) -> str:
    """Return what is wrong about the facts of data sets; nothing if all is well.

    Raises
    ------
    ValidationError
        If a fact is of another type than a card has.
    """
    if not isinstance(data, dict) or not all(
        isinstance(f, dict) for f in data.values()
    ):
        return "data maps the name of each data set to an object"
    for name, facts in data.items():
        if taken := sorted(COUNTED & facts.keys()):
            return f"{', '.join(taken)} of {name} is filled in by the training"
        TrainingData.model_validate({"name": name, **facts})
    return ""


def _wrong_card(given: dict[str, Any]) -> str:
    """Return what is wrong about a card as it will be read again, if anything.

    Raises
    ------
    ValueError
        If it cannot be written, or is another one when it is read again.
    """
    card = ModelCard.model_validate(given)
    sizes = card.voxel_size_range_um
    if sizes is not None and not 0 < sizes[0] <= sizes[1] < math.inf:
        return "voxel_size_range_um is a smallest and a largest size above 0 in µm"
    ModelCard.model_validate_json(card.model_dump_json())
    return ""


def describe_data(
    held_out: HeldOut, known: Mapping[str, Mapping[str, Any]]
) -> tuple[TrainingData, ...]:
    """Return what was trained on, with checksums.

    Parameters
    ----------
    held_out : HeldOut
    known : mapping
        Name of a data set to its licence and origin, as people wrote them.
    """
    split = held_out.split
    everything = {*split.train, *split.validation, *split.test}
    described = []
    for name in sorted({p.data_set for p in everything}):
        pairs = [p for p in everything if p.data_set == name]
        facts = TrainingData(
            name=name,
            sha256=sha256_of(pairs),
            pairs=len(pairs),
            fields=len({p.field for p in pairs}),
            validation_fields=_fields(split.validation, name),
            test_fields=_fields(split.test, name),
            split=held_out.how,
        )
        described.append(facts.model_copy(update=known.get(name, {})))
    return tuple(described)


def pixel_sizes_of(images: Sequence[ImagePair]) -> dict[str, Any]:
    """Return the range of lateral pixel sizes of the sources, as a card holds it.

    Empty where one of the files does not say: beyond what the others say, an image
    would be called a stranger that may be none.
    """
    sizes = [image.optics.pixel_um for image in images]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return {}
    return {"voxel_size_range_um": (min(known), max(known))}


def make_card(
    data: Sequence[TrainingData],
    recipe: Recipe,
    step: int,
    scores: Sequence[Score],
    given: Mapping[str, Any],
) -> ModelCard:
    """Return the card: what people wrote, completed by what was measured.

    Parameters
    ----------
    data : sequence of TrainingData
    recipe : Recipe
    step : int
        Updates really done.
    scores : sequence of Score
    given : mapping
        Name, summary, limits, licence and the like.
    """
    texts = {key: value for key, value in given.items() if key != "data"}
    return ModelCard(
        **texts,
        training_data=tuple(data),
        recipe=recipe.model_dump(mode="json"),
        steps=step,
        seed=recipe.seed,
        scores=tuple(scores),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        version=__version__,
    )


def _fields(side: Sequence[Pair], data_set: str) -> list[str]:
    return sorted({p.field for p in side if p.data_set == data_set})


def _fields_of(images: Sequence[ImagePair], data_set: str) -> str:
    """Return a data set and which of its fields some images are, in words."""
    fields = {i.pair.field for i in images if i.pair.data_set == data_set}
    return f"{data_set}, {fields_text(fields)}"


def _scores(values: Mapping[str, float], data: str, n: int) -> list[Score]:
    return [
        Score(metric=metric, data=data, n=n, value=round(value, 4))
        for metric, value in values.items()
    ]


def _scores_of(image: ImagePair, result: Image) -> dict[str, float]:
    before = mean_scores(image.source[: len(result)], image.target)
    after = mean_scores(result, image.target)
    return _named(
        after.psnr, after.psnr - before.psnr, after.ssim, after.ssim - before.ssim
    )


def _mean(
    scores: Sequence[Mapping[str, float]], weights: Sequence[float]
) -> dict[str, float]:
    return {
        metric: float(np.average([score[metric] for score in scores], weights=weights))
        for metric in scores[0]
    }


def _named(
    psnr: float, psnr_gain: float, ssim: float, ssim_gain: float
) -> dict[str, float]:
    return {
        "PSNR gain over the input, affine fit (dB)": psnr_gain,
        "PSNR, affine fit (dB)": psnr,
        "SSIM gain over the input, affine fit, Gaussian 11/1.5": ssim_gain,
        "SSIM, affine fit, Gaussian 11/1.5": ssim,
    }
