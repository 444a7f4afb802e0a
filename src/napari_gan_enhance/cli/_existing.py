"""What an existing result tells: whether it is that of the very job and source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_gan_enhance.batch import Task
    from napari_gan_enhance.cli._trust import TrustFiles
    from napari_gan_enhance.micrograph.micrograph import Micrograph

MADE_FROM = "made_from"
"""Key of the provenance for the state of the source, see `io.file_state`."""


def source_state(task: Task) -> dict[str, Any]:
    """Tell of which file, in which state, and of which of its images a task is."""
    from napari_gan_enhance.io.file_state import file_state

    state = file_state(task.source)
    return state if task.series is None else {**state, "series": task.series}


def made_from(result: Micrograph, state: Mapping[str, Any]) -> Micrograph:
    """Return a result that says of what it was made."""
    told = {**result.provenance, MADE_FROM: dict(state)}
    return result.with_pixels(result.pixels, provenance=told)


def is_done(task: Task, mark: Mapping[str, Any], maps: TrustFiles | None) -> bool:
    """Return whether the output is a result of this very job and source.

    Parameters
    ----------
    task : Task
        Its output exists.
    mark : mapping
        Part of the provenance by which a result of the job is known.
    maps : TrustFiles or None
        Whose maps must lie beside it.

    Raises
    ------
    OutputError
        If it is a result of the same job, but of another source or state of it, of an
        unknown one, or lacks its maps: to take it for done would be wrong.
    """
    from napari_gan_enhance.errors import OutputError

    told = provenance_of(task.output)
    if not holds(told, mark):
        return False
    state = source_state(task)
    wanted = {**mark, MADE_FROM: state}
    if not holds(told, wanted):
        fault = _other_source(told.get(MADE_FROM), state)
        rule = f"only what was made of {task.source.name!r} as it is now counts as done"
    elif maps is not None and not maps.are_beside(task.output, wanted):
        fault = "lacks maps of trust of as many passes"
        rule = "with --trust they are made together with the result"
    else:
        return True
    raise OutputError(
        f"{task.output.name!r} in {str(task.output.parent)!r} {fault} - {rule} - "
        "choose another folder, or replace results with --overwrite."
    )


def provenance_of(path: Path) -> dict[str, Any]:
    """Return the provenance of an image file, empty if there is none to be read."""
    from napari_gan_enhance.errors import FileFormatError
    from napari_gan_enhance.io.read import describe

    try:
        return dict(describe(path)["images"][0]["provenance"])
    except FileFormatError:
        return {}


def holds(told: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a provenance holds all that is wanted."""
    return all(told.get(key) == value for key, value in wanted.items())


def _other_source(told: Any, state: Mapping[str, Any]) -> str:
    name = told.get("name") if isinstance(told, dict) else None
    if name is None:
        return "does not tell what it was made of (earlier versions wrote such results)"
    if {**told, "series": None} == {**state, "series": None}:
        return "was made of another image of that file"
    if name == state["name"]:
        return "was made of another file of that name, or of this one before it changed"
    return f"was made of {name!r}"
