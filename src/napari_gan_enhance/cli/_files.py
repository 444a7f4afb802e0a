"""What `enhance` and `deconvolve` share: run one job on each of many files."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from napari_gan_enhance.batch import FileReport, Task
    from napari_gan_enhance.cli._trust import TrustFiles
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job

    MakeJob = Callable[[Micrograph, Any], Job[Micrograph]]

IN_MEMORY = 128 * 2**20
"""Bytes; a larger result is kept in a scratch array on the disk of the output."""

CHUNK = 512
"""Side of the scratch array's chunks: the tile of the file that is written from it."""


def process_files(
    inputs: list[Path],
    output: Path,
    job: MakeJob,
    *,
    shape: Callable[[Micrograph], tuple[int, ...]],
    mark: Mapping[str, Any],
    overwrite: bool,
    as_json: bool,
    maps: TrustFiles | None = None,
) -> None:
    """Run a job on each file, write the results, and report.

    Parameters
    ----------
    inputs : list of Path
    output : Path
    job : callable
        (micrograph, target array) -> job that returns the result.
    shape : callable
        Shape of the result for a micrograph.
    mark : mapping
        Part of the provenance by which a finished result of the same job is known.
    overwrite, as_json : bool
    maps : TrustFiles, optional
        Makes the maps of trust that belong to a result, written before it.

    Raises
    ------
    typer.Exit
        With code 1 if a file failed.
    """
    from napari_gan_enhance import batch
    from napari_gan_enhance.cli._console import message, print_json, run_job
    from napari_gan_enhance.cli._existing import is_done
    from napari_gan_enhance.cli._memory import give_back_large_arrays

    give_back_large_arrays()
    tasks = batch.plan(inputs, output)
    is_folder = len(tasks) > 1 or tasks[0].output.parent == output
    if is_folder:
        _make_folder(output)
    reports: dict[Task, FileReport] = {}
    jobs = batch.run(
        (one for task in tasks for one in batch.each_image(task))
        if is_folder
        else tasks,
        lambda task: _work(task, job, shape, overwrite, maps),
        is_done=lambda task: task.output != output and is_done(task, mark, maps),
        overwrite=overwrite,
    )
    for task, one in jobs:
        report = run_job(one, label=_label(task))
        reports[task] = report
        if report.message:
            message(f"Error: {_with_name(report, _label(task), is_folder=is_folder)}")
    if as_json:
        print_json({"files": [_described(t, r) for t, r in reports.items()]})
    elif len(reports) > 1 or not _failed(reports):
        message(_summary(list(reports.values())))
    if _failed(reports):
        raise typer.Exit(1)


@contextlib.contextmanager
def result_array(shape: tuple[int, ...], axes: str, folder: Path) -> Iterator[Any]:
    """Give a float32 array of zeros for a result: in memory, or on disk if it is large.

    Parameters
    ----------
    shape : tuple of int
    axes : str
        A letter for each axis; Y and X are cut into chunks on disk.
    folder : Path
        Where the result will lie.
    """
    import numpy as np

    from napari_gan_enhance.io.scratch import scratch_array

    if math.prod(shape) * 4 <= IN_MEMORY:
        yield np.zeros(shape, np.float32)
        return
    chunks = tuple(CHUNK if a in "YX" else 1 for a in axes)
    with scratch_array(shape, np.float32, folder, chunks) as array:
        yield array


def _work(
    task: Task,
    job: MakeJob,
    shape: Callable[[Micrograph], tuple[int, ...]],
    over: bool,
    maps: TrustFiles | None,
) -> Job[Path]:
    """Read, compute and write one image."""
    from napari_gan_enhance.cli._existing import made_from, source_state
    from napari_gan_enhance.io.read import count_images, read_micrograph
    from napari_gan_enhance.io.write import write_micrograph
    from napari_gan_enhance.progress import Progress

    state = source_state(task)
    micrograph = read_micrograph(task.source, series=task.series or 0)
    if task.series is None and (count := count_images(task.source)) > 1:
        _check_alone(task.source, count)
        yield Progress(0, 1, "reading", note=_first_only(task.source, count))
    axes, folder = micrograph.axes, task.output.parent
    with result_array(shape(micrograph), axes, folder) as target:
        result = made_from((yield from job(micrograph, target)), state)
        if maps is not None:
            yield from maps.write(micrograph, result, task.output)
        return (yield from write_micrograph(task.output, result, overwrite=over))


def _check_alone(source: Path, count: int) -> None:
    """Refuse one of several files that hold several images: its own may be any."""
    from napari_gan_enhance.errors import InputError
    from napari_gan_enhance.io.tiff_set import files_of_set

    if (files := len(files_of_set(source))) > 1:
        raise InputError(
            f"{source.name!r} is one of {files} files that hold {count} images "
            "together - a file takes the result of one image - give a folder for the "
            "results to have all of them done."
        )


def _first_only(source: Path, count: int) -> str:
    return (
        f"{source.name!r} holds {count} images - the first is taken - give a folder "
        "for the results to have all of them done."
    )


def _make_folder(folder: Path) -> None:
    from napari_gan_enhance.io.atomic import output_errors

    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _label(task: Task) -> str:
    name = task.source.name
    return name if task.series is None else f"{name}, image {task.series}"


def _with_name(report: FileReport, label: str, *, is_folder: bool) -> str:
    """Return why a file failed; of several files the reader must know which."""
    reason = str(report.message)
    return f"{label}: {reason}" if is_folder and label not in reason else reason


def _failed(reports: Mapping[Task, FileReport]) -> bool:
    return any(report.status == "failed" for report in reports.values())


def _described(task: Task, report: FileReport) -> dict[str, Any]:
    return {
        "input": str(report.source),
        "image": task.series or 0,
        "output": str(report.output),
        "status": report.status,
        "message": report.message,
        "notes": list(report.notes),
        "seconds": round(report.seconds, 3),
        "dtype": "float32",
    }


def _summary(reports: list[FileReport]) -> str:
    count = {
        s: sum(r.status == s for r in reports) for s in ("done", "skipped", "failed")
    }
    if len(reports) == 1 and count["done"]:
        return f"Wrote {reports[0].output} (float32) in {reports[0].seconds:.1f} s."
    return ", ".join(f"{n} {status}" for status, n in count.items()) + "."
