"""What a finished training says of itself: scores on held-out fields, and the card."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_gan_enhance import __version__
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.models.spec import ModelCard, ModelSpec, Score, TrainingData
from napari_gan_enhance.training.pairs import Pair, Split, sha256_of
from napari_gan_enhance.training.score import predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.recipe import Recipe

MEASURED = {"training_data", "recipe", "steps", "seed", "scores", "date", "version"}
"""Keys of a card that nobody writes by hand."""


def held_out_scores(
    network: nn.Module, spec: ModelSpec, images: Sequence[ImagePair]
) -> tuple[Score, ...]:
    """Score a network on images of fields that were neither trained nor chosen on.

    Source and result are fitted to the target by gain and offset; the data range is
    the target's (3rd to 99.8th percentile). Medians over the images of a data set.
    """
    scores = []
    for name in sorted({image.pair.data_set for image in images}):
        values = [
            _scores_of(network, spec, image)
            for image in images
            if image.pair.data_set == name
        ]
        fields = {i.pair.field for i in images if i.pair.data_set == name}
        data = f"{name}, fields {', '.join(sorted(fields))}"
        scores += [
            Score(
                metric=metric,
                data=data,
                n=len(values),
                value=round(float(np.median([v[metric] for v in values])), 4),
            )
            for metric in values[0]
        ]
    return tuple(scores)


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
        data = given.get("data", {})
        if not isinstance(data, dict) or not all(
            isinstance(facts, dict) for facts in data.values()
        ):
            wrong = "data maps the name of each data set to an object"
        try:
            ModelCard.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if wrong:
        raise InputError(
            f"Card {name!r} cannot be used ({wrong}) - it is a JSON object with texts "
            "such as name, summary, limits and licence - correct the file or leave "
            "--card out."
        )


def make_card(
    split: Split,
    recipe: Recipe,
    step: int,
    scores: Sequence[Score],
    given: dict[str, Any],
) -> ModelCard:
    """Return the card: what people wrote, completed by what was measured.

    Parameters
    ----------
    split : Split
    recipe : Recipe
    step : int
        Updates really done.
    scores : sequence of Score
    given : dict
        Name, summary, limits, licence and the like; `data` maps the name of a data set
        to its licence and origin.
    """
    texts = dict(given)
    sources = texts.pop("data", {})
    everything = (*split.train, *split.validation, *split.test)
    data_sets = tuple(
        _training_data(
            name, [p for p in everything if p.data_set == name], split
        ).model_copy(update=sources.get(name, {}))
        for name in sorted({p.data_set for p in everything})
    )
    return ModelCard(
        **texts,
        training_data=data_sets,
        recipe=recipe.model_dump(mode="json"),
        steps=step,
        seed=recipe.seed,
        scores=tuple(scores),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        version=__version__,
    )


def _training_data(name: str, pairs: Sequence[Pair], split: Split) -> TrainingData:
    def fields(side: Sequence[Pair]) -> list[str]:
        return sorted({p.field for p in side if p.data_set == name})

    return TrainingData(
        name=name,
        sha256=sha256_of(pairs),
        pairs=len(pairs),
        fields=len({p.field for p in pairs}),
        validation_fields=fields(split.validation),
        test_fields=fields(split.test),
    )


def _scores_of(
    network: nn.Module, spec: ModelSpec, image: ImagePair
) -> dict[str, float]:
    result = predict(network, spec, image)
    before = evaluate(image.source[0], image.target[0], fit="affine")
    after = evaluate(result[0], image.target[0], fit="affine")
    return {
        "PSNR gain over the input, affine fit (dB)": after.psnr - before.psnr,
        "PSNR, affine fit (dB)": after.psnr,
        "SSIM gain over the input, affine fit, Gaussian 11/1.5": after.ssim
        - before.ssim,
        "SSIM, affine fit, Gaussian 11/1.5": after.ssim,
    }
