"""Warn where a method was trained on what it is tested on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_gan_enhance.training.pairs import sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.comparison.methods import Method
    from napari_gan_enhance.models.spec import TrainingData
    from napari_gan_enhance.training.pairs import Pair

MOST_NAMED = 5
"""Fields that a warning lists."""


def training_warnings(methods: Sequence[Method], pairs: Sequence[Pair]) -> list[str]:
    """Return a sentence for each method that may have seen the test fields.

    A data set is known again by the name of its folder, or by the checksum over all its
    files; a field by its name among those that were kept apart.

    Parameters
    ----------
    methods : sequence of Method
    pairs : sequence of Pair
        Of the test.
    """
    checksum = sha256_of(pairs) if any(m.trained_on for m in methods) else ""
    warnings = []
    for method in methods:
        for data in method.trained_on:
            same = [
                p for p in pairs if checksum == data.sha256 or p.data_set == data.name
            ]
            seen = {p.field: p for p in same if not _is_apart(p, data)}
            if seen:
                warnings.append(_sentence(method.name, data.name, list(seen), pairs))
    return warnings


def _is_apart(pair: Pair, data: TrainingData) -> bool:
    """Whether the model neither learned from a field nor was chosen by it."""
    held = tuple((data.model_extra or {}).get("test_fields") or ())
    names = {pair.field, pair.target.stem}
    # A field may have been named by a part of the file's name: "07" of "07_channel_1".
    parts = {part for name in names for part in re.split(r"[^0-9A-Za-z]+", name)}
    starts = any(
        re.match(rf"{re.escape(str(f))}(?![0-9A-Za-z])", pair.target.stem) for f in held
    )
    return starts or bool((names | parts) & set(map(str, held)))


def _sentence(method: str, data: str, seen: list[str], pairs: Sequence[Pair]) -> str:
    fields = len({p.field for p in pairs})
    named = ", ".join(map(repr, seen[:MOST_NAMED]))
    more = ", ..." if len(seen) > MOST_NAMED else ""
    return (
        f"{method!r} was trained on {data!r}, and {len(seen)} of the {fields} fields "
        f"tested here were not kept apart then ({named}{more}): its scores on them say "
        "how well it remembers, not how well it works."
    )
