"""Write down how a training goes: a sentence, a row, a CSV file beside the result."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.training.observations import observations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.training.events import Validated

WRITTEN = ("total", "pixel", "dissimilarity", "adversarial", "discriminator", "gap")
"""Losses that are written down, in this order."""


def record_path(checkpoint: Path) -> Path:
    """Return where the course of a training is written."""
    return checkpoint.with_suffix(".csv")


def row_of(validated: Validated, elapsed_s: float) -> dict[str, float]:
    """Return a look at the held-out fields as one row of numbers."""
    row = {
        "step": validated.step,
        "elapsed_s": round(elapsed_s, 2),
        "rate": validated.rate,
    }
    row |= {n: validated.losses[n] for n in WRITTEN if n in validated.losses}
    if validated.score is not None:
        row |= asdict(validated.score) | {"score": validated.score.value}
    return row


def note_of(validated: Validated) -> str:
    """Return a look at the held-out fields as a sentence, and what is odd as others."""
    total = validated.losses.get("total", math.nan)
    loss = "" if math.isnan(total) else f"loss {total:.4f}, "
    begin = f"Step {validated.step}: " if validated.step else "Start: "
    score = validated.score
    if score is None:
        return f"{begin}{loss}no field is held out to choose by."
    mark = "best so far" if validated.is_best else f"best is step {validated.best_step}"
    sentence = (
        f"{begin}{loss}held-out PSNR {score.psnr:.2f} dB ({score.psnr_gain:+.2f}), "
        f"SSIM {score.ssim:.3f} ({score.ssim_gain:+.3f}); {mark}."
    )
    preview = validated.preview if validated.step else None
    odd = [] if preview is None else observations(preview)
    return " ".join([sentence, *odd])


def write_record(checkpoint: Path, rows: Sequence[dict[str, float]]) -> None:
    """Write all rows as CSV; the last file stays until the new one is complete."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (
        atomic_file(record_path(checkpoint), overwrite=True) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
