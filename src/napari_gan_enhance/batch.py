"""Many files: skip what is done, resume, report for each file."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_gan_enhance.errors import InputError, OutputError, explained
from napari_gan_enhance.io.atomic import output_errors
from napari_gan_enhance.io.boundary import reason
from napari_gan_enhance.io.image_files import (
    INPUT_SUFFIXES,
    image_files,
    is_zarr_image,
)
from napari_gan_enhance.io.lazy import file_stem
from napari_gan_enhance.io.read import count_images, is_zarr
from napari_gan_enhance.io.tiff_set import files_of_set
from napari_gan_enhance.io.write import TIFF_SUFFIXES, ZARR_SUFFIXES, check_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from napari_gan_enhance.progress import Job

RESULT_SUFFIX = ".ome.tif"


@dataclass(frozen=True, slots=True)
class Task:
    """One image to work on.

    Parameters
    ----------
    source, output : Path
    series : int or None
        Which image of a file with several, counted from 0; None of a file of which one
        is worked on, the first.
    """

    source: Path
    output: Path
    series: int | None = None


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one image.

    Parameters
    ----------
    source, output : Path
    status : "done", "skipped" or "failed"
        Skipped files have a result of the same job already.
    message : str
        Why, where it failed.
    seconds : float
    notes : tuple of str
        What the job said.
    """

    source: Path
    output: Path
    status: Literal["done", "skipped", "failed"]
    message: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


def plan(inputs: Sequence[Path], output: Path) -> list[Task]:
    """Decide which file becomes which.

    Parameters
    ----------
    inputs : sequence of Path
        Files, and folders whose images are taken; other files in them are left alone.
        Of an OME-TIFF image over several files one is taken: it stands for all.
    output : Path
        A file where one file is given and the name has an image's suffix; otherwise a
        folder, made if it is missing, that gets `NAME.ome.tif` for each input; of
        several images in one, see `each_image`.

    Raises
    ------
    InputError
        If there is nothing to do, an input cannot be looked at, `output` does not say
        what it shall be or is a folder of inputs, several inputs share one output name,
        or a result would replace its own input.
    OutputError
        If the output cannot be looked at.
    """
    found = [path for given in inputs for path in _expanded(given)]
    sources = _without_parts(list(dict.fromkeys(found)))
    if not sources:
        raise InputError(
            f"{', '.join(repr(p.name) for p in inputs)} holds no images - images "
            f"end in {', '.join(INPUT_SUFFIXES)} - choose a folder that holds some."
        )
    _check_apart(inputs, output)
    is_single = len(inputs) == 1 and sources == list(inputs)
    with output_errors(output):
        _check_name(output, is_single=is_single)
    if is_single and _is_image(output):
        tasks = [Task(sources[0], output)]
    else:
        tasks = [Task(s, output / f"{file_stem(s)}{RESULT_SUFFIX}") for s in sources]
    _check(tasks)
    return tasks


def each_image(task: Task) -> list[Task]:
    """Return a task for each image of the file: `NAME_s0.ome.tif` and so on.

    Of a file that holds one image, or cannot be read, the task as it is: working on it
    says what is wrong.
    """
    try:
        count = count_images(task.source)
    except Exception:  # noqa: BLE001 - as in `_one`, which meets it again
        count = 1
    if count == 1:
        return [task]
    base, folder = file_stem(task.source), task.output.parent
    return [
        Task(task.source, folder / f"{base}_s{n}{RESULT_SUFFIX}", n)
        for n in range(count)
    ]


def run(
    tasks: Iterable[Task],
    work: Callable[[Task], Job[object]],
    *,
    is_done: Callable[[Task], bool],
    overwrite: bool,
) -> Iterator[tuple[Task, Job[FileReport]]]:
    """Yield one job for each task; each returns a report, whatever was raised in it.

    Parameters
    ----------
    tasks : iterable of Task
    work : callable
        Returns the job that makes a task's output.
    is_done : callable
        Whether the existing output is a result of this very job; raises one of our
        errors to say why one of the job cannot be taken.
    overwrite : bool
        Replace existing outputs, but none of this run.
    """
    made: dict[Path, Path] = {}
    for task in tasks:
        yield task, _one(task, work, is_done, overwrite, made.get(task.output))
        made[task.output] = task.source


def _one(
    task: Task,
    work: Callable[[Task], Job[object]],
    is_done: Callable[[Task], bool],
    overwrite: bool,
    made_before: Path | None,
) -> Job[FileReport]:
    start = time.monotonic()
    notes: list[str] = []
    try:
        if made_before is not None:
            raise _one_name(made_before, task)
        if os.path.lexists(task.output):
            _check_no_part(task)
            if not overwrite and is_done(task):
                return FileReport(task.source, task.output, "skipped")
        with output_errors(task.output):  # a name that is too long
            check_output(task.output, overwrite=overwrite)
        yield from _noted(work(task), notes)
    except Exception as error:  # noqa: BLE001 - the other files shall be done
        if not overwrite and _is_made_by_another(error, task, is_done):
            return FileReport(task.source, task.output, "skipped")
        return FileReport(
            task.source, task.output, "failed", explained(error), notes=tuple(notes)
        )
    return FileReport(
        task.source,
        task.output,
        "done",
        seconds=time.monotonic() - start,
        notes=tuple(notes),
    )


def _is_made_by_another(
    error: Exception, task: Task, is_done: Callable[[Task], bool]
) -> bool:
    """Return whether the same result appeared meanwhile: two may share a folder."""
    if not isinstance(error, OutputError) or not os.path.lexists(task.output):
        return False
    try:
        return is_done(task)
    except OutputError:
        return False


def _noted(job: Job[object], notes: list[str]) -> Job[None]:
    """Run a job and keep what it says."""
    with contextlib.closing(job):
        for report in job:
            if report.note:
                notes.append(report.note)
            yield report


def _without_parts(sources: list[Path]) -> list[Path]:
    """Leave out files whose planes come with another one's."""
    if len(sources) < 2:
        return sources
    parts: set[Path] = set()
    for source in sources:
        if source not in parts:
            parts |= files_of_set(source) - {source}
    return [source for source in sources if source not in parts]


def _expanded(given: Path) -> list[Path]:
    try:
        if not given.is_dir() or is_zarr_image(given) or is_zarr(given):
            return [given]
        return image_files(given)
    except OSError as error:
        raise InputError(
            f"{str(given)!r} cannot be opened ({reason(error)}) - images, or a folder "
            "of images, that this account may read are needed - check its permissions."
        ) from error


def _is_image(path: Path) -> bool:
    return path.name.lower().endswith(INPUT_SUFFIXES)


def _check_apart(inputs: Sequence[Path], output: Path) -> None:
    for given in inputs:
        if is_zarr_image(given) or not given.is_dir():
            continue
        if given.resolve() == output.resolve():
            raise InputError(
                f"{str(given)!r} holds the inputs and was given for the results - of a "
                "folder every image is taken, the next time the results too - choose "
                "another folder."
            )


def _check_name(output: Path, *, is_single: bool) -> None:
    """Refuse a name from which the user would expect something else than they get."""
    if output.is_dir() or (output.suffix == "" and not _is_image(output)):
        return
    if is_single and not _is_image(output):
        raise InputError(
            f"{output.name!r} has no suffix that says how to write it - allowed are "
            f"{', '.join((*TIFF_SUFFIXES, *ZARR_SUFFIXES))}, or the name of a folder - "
            "use one of them, or make the folder first."
        )
    if not is_single and _is_image(output):
        raise InputError(
            f"{output.name!r} is the name of one file - several inputs need a folder "
            "for their results - give a name without such a suffix."
        )


def _check(tasks: Sequence[Task]) -> None:
    taken: dict[Path, Path] = {}
    for task in tasks:
        other = taken.setdefault(task.output, task.source)
        if other != task.source:
            raise _one_name(other, task)
        if task.output.resolve() == task.source.resolve():
            raise _own_input(task)


def _check_no_part(task: Task) -> None:
    """Refuse a result that would replace a file over which its source is spread."""
    if task.output.resolve() in {p.resolve() for p in files_of_set(task.source)}:
        raise _own_input(task)


def _one_name(other: Path, task: Task) -> InputError:
    return InputError(
        f"{str(other)!r} and {str(task.source)!r} would both become "
        f"{task.output.name!r} - every result needs a name of its own - run "
        "them into different folders."
    )


def _own_input(task: Task) -> InputError:
    return InputError(
        f"{task.output.name!r} would be replaced by the result of "
        f"{task.source.name!r}, of which it is the whole or a part - inputs are never "
        "replaced - choose another folder or name."
    )
