"""What `evaluate` does once its options are read, and how it says it."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.cli._console import message, run_job
from napari_gan_enhance.io.read import read_single_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_gan_enhance.comparison.niqe_file import SharpModel
    from napari_gan_enhance.metrics.evaluation import (
        Evaluation,
        FidelityMaps,
        PlaneScores,
    )
    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.micrograph.micrograph import Micrograph

Content = tuple[dict[str, Any], list[str]]
"""For --json, and the lines for a reader."""

MAPS = ("ssim", "error")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `evaluate`, checked.

    Parameters
    ----------
    result : Path
    reference : Path or None
    fits : tuple of "affine", "none" or None
    data_range : float or None
    convention : str
    offset_um : (z, y, x) or None, µm
        None compares pixel by pixel.
    maps : Path or None
    method : str or None
        Of `measure_resolution`.
    repeat : Path or None
    threshold : str
    sharp : Path or None
        Folder of sharp images, or file of a model.
    saved : Path or None
        Where the model is kept.
    overwrite : bool
    """

    result: Path
    reference: Path | None
    fits: tuple[Any, ...]
    data_range: float | None
    convention: Any
    offset_um: tuple[float, float, float] | None
    maps: Path | None
    method: Any
    repeat: Path | None
    threshold: Any
    sharp: Path | None
    saved: Path | None
    overwrite: bool


def judge(wanted: Wanted) -> Content:
    """Do all that is wanted, one after the other."""
    from napari_gan_enhance.metrics.conventions import CONVENTIONS
    from napari_gan_enhance.metrics.fidelity import check_range

    if wanted.data_range is not None:
        check_range(wanted.data_range)
    image = read_single_image(wanted.result)
    content: dict[str, Any] = {"result": str(wanted.result)}
    lines: list[str] = []
    if wanted.reference is not None:
        content |= {"reference": str(wanted.reference)}
        content |= {"convention": wanted.convention}
        window = CONVENTIONS[wanted.convention].window
        content |= {"ssim_window": window.value}
        _add((content, lines), _compared(image, wanted.reference, wanted))
    if wanted.method is not None:
        _add((content, lines), _resolution(image, wanted))
    if wanted.sharp is not None:
        _add((content, lines), _niqe(image, wanted.sharp, wanted))
    return content, lines


def _add(whole: Content, part: Content) -> None:
    whole[0].update(part[0])
    whole[1].extend([""] * bool(whole[1]) + part[1])


def _compared(image: Micrograph, reference_path: Path, wanted: Wanted) -> Content:
    from napari_gan_enhance.metrics.evaluation import evaluate_planes
    from napari_gan_enhance.metrics.settings import EvaluateSettings

    reference = read_single_image(reference_path)
    overlap = _overlap(image, reference, wanted.offset_um)
    content: dict[str, Any] = {}
    lines: list[str] = []
    for fit in wanted.fits:
        settings = EvaluateSettings(
            convention=wanted.convention,
            fit=fit,
            data_range=wanted.data_range,
            maps=wanted.maps is not None,
        )
        job = evaluate_planes(image, reference, settings, overlap=overlap)
        with _target(wanted) as folder:
            evaluation = run_job(job)
            if folder is not None and evaluation.maps is not None:
                _write_maps(folder, evaluation.maps)
        one = {"fit": settings.used_fit, **_as_json(evaluation)}
        if len(wanted.fits) > 1:
            content[settings.used_fit] = one
            lines += [f"fit: {settings.used_fit}", *_table(evaluation), ""]
        else:
            content |= one
            lines += _table(evaluation)
    if wanted.maps is not None:
        content["map"] = str(wanted.maps)
    return content, lines


def _overlap(
    image: Micrograph,
    reference: Micrograph,
    offset_um: tuple[float, float, float] | None,
) -> Overlap | None:
    from napari_gan_enhance.metrics.overlap import extent_of, find_overlap

    if offset_um is None:
        return None
    where = extent_of(image, offset_um), extent_of(reference)
    return find_overlap(image, reference, where)


@contextlib.contextmanager
def _target(wanted: Wanted) -> Iterator[Path | None]:
    """Give the folder for the maps; refuse one that exists before any work."""
    from napari_gan_enhance.io.atomic import atomic_folder, other_than

    if wanted.maps is None:
        yield None
        return
    foreign = other_than([f"{name}.ome.tif" for name in MAPS])
    with atomic_folder(wanted.maps, wanted.overwrite, foreign) as folder:
        folder.mkdir()
        yield folder


def _write_maps(folder: Path, maps: FidelityMaps) -> None:
    from napari_gan_enhance.io.write import write_micrograph

    for name, micrograph in zip(MAPS, (maps.ssim, maps.error), strict=True):
        run_job(write_micrograph(folder / f"{name}.ome.tif", micrograph))


def _resolution(image: Micrograph, wanted: Wanted) -> Content:
    from napari_gan_enhance.metrics.unreferenced import (
        measure_resolution,
        median_resolution_um,
    )

    repeat = None if wanted.repeat is None else read_single_image(wanted.repeat)
    planes = run_job(
        measure_resolution(
            image, wanted.method, repeat=repeat, threshold=wanted.threshold
        )
    )
    first = planes[0].resolution
    middle = median_resolution_um(planes)
    content = {
        "method": first.method,
        "threshold": first.threshold or None,
        "note": first.note,
        "median_um": middle,
        "planes": [
            {"position": dict(p.position), "um": p.resolution.resolution_um}
            for p in planes
        ],
    }
    if first.note:
        message(f"Note: {first.note}")
    cut = f", threshold {first.threshold}" if first.threshold else ""
    rows = [["plane", "resolution_um"]]
    rows += [[_where(p.position), f"{p.resolution.resolution_um:.4g}"] for p in planes]
    rows += [["median", f"{middle:.4g}"]] if len(planes) > 1 else []
    return {"resolution": content}, [f"{first.method}{cut}", *_aligned(rows)]


def _niqe(image: Micrograph, sharp: Path, wanted: Wanted) -> Content:
    from statistics import median

    from napari_gan_enhance.comparison.niqe_file import save_niqe
    from napari_gan_enhance.metrics.unreferenced import measure_niqe

    fitted = _sharp_model(sharp)
    if wanted.saved is not None:
        save_niqe(wanted.saved, fitted, overwrite=wanted.overwrite)
    planes = run_job(measure_niqe(image, fitted.model))
    middle = float(median(p.niqe for p in planes))
    blocks = fitted.model.blocks
    content = {
        "model": {"images": list(fitted.images), "blocks": blocks},
        "median": middle,
        "planes": [{"position": dict(p.position), "niqe": p.niqe} for p in planes],
    }
    rows = [["plane", "niqe"]]
    rows += [[_where(p.position), f"{p.niqe:.4g}"] for p in planes]
    rows += [["median", f"{middle:.4g}"]] if len(planes) > 1 else []
    title = f"NIQE, lower is better; fitted to {blocks} blocks of {sharp}"
    return {"niqe": content}, [title, *_aligned(rows)]


def _sharp_model(sharp: Path) -> SharpModel:
    """Load a model from a file, or fit it to the images of a folder."""
    from napari_gan_enhance.comparison.niqe_file import SharpModel, load_niqe
    from napari_gan_enhance.metrics.unreferenced import fit_niqe_model

    if sharp.is_file():
        return load_niqe(sharp)
    files = _images(sharp)
    model = run_job(fit_niqe_model(map(read_single_image, files)))
    return SharpModel(model, tuple(p.name for p in files))


def _images(folder: Path) -> list[Path]:
    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.io.image_files import image_files

    files = image_files(folder)
    if not files:
        raise InputError(
            f"{str(folder)!r} holds no images - NIQE is fitted to sharp ones - choose "
            "the folder that holds them."
        )
    return files


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    planes = [
        {
            "position": dict(plane.position),
            "data_range": plane.data_range,
            **_scores(plane),
        }
        for plane in evaluation.planes
    ]
    return {"median": _medians(evaluation), "planes": planes}


def _scores(plane: PlaneScores) -> dict[str, float]:
    free = plane.scale_free
    return asdict(plane.scores) | (asdict(free) if free else {})


def _medians(evaluation: Evaluation) -> dict[str, float]:
    free = evaluation.median_scale_free
    return asdict(evaluation.median) | (asdict(free) if free else {})


def _table(evaluation: Evaluation) -> list[str]:
    rows = [["plane", *_medians(evaluation), "data_range"]]
    for plane in evaluation.planes:
        scores = [f"{v:.6g}" for v in _scores(plane).values()]
        rows.append([_where(plane.position), *scores, f"{plane.data_range:.6g}"])
    if len(evaluation.planes) > 1:
        scores = [f"{v:.6g}" for v in _medians(evaluation).values()]
        rows.append(["median", *scores, ""])
    return _aligned(rows)


def _where(position: Any) -> str:
    return " ".join(f"{axis}{at}" for axis, at in position.items()) or "-"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
