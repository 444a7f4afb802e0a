"""Move the visible tiles of a running job to the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from napari_gan_enhance.tiling.schedule import Focus, Schedule

LOOP_ORDER = "TCZS"
"""Order in which jobs number their planes, the last axis fastest."""

Place: TypeAlias = Callable[["Mapping[str, slice]"], "Focus | None"]


class ViewFollower:
    """The schedules of a run, and where the user looks.

    The window says where, the job's thread asks for schedules; both may happen in any
    order.
    """

    def __init__(self) -> None:
        self._box: Mapping[str, slice] | None = None
        self._current: tuple[Schedule, Place] | None = None

    def look_at(self, box: Mapping[str, slice]) -> None:
        """Say what is on screen, in pixels of the source; takes effect at once."""
        self._box = box
        self._apply()

    def new_schedule(self, place: Place) -> Schedule:
        """Return the schedule of the next stage.

        Parameters
        ----------
        place : callable
            Turns a box into the stage's focus.
        """
        schedule = Schedule()
        self._current = (schedule, place)
        self._apply()
        return schedule

    def _apply(self) -> None:
        if self._current is not None and self._box is not None:
            schedule, place = self._current
            schedule.focus = place(self._box)


def planes_in(region: Mapping[str, slice], *, taken: str = "") -> Place:
    """Return how to focus a job that runs plane by plane.

    Parameters
    ----------
    region : mapping of letter to slice
        What the job works on, for every axis of the image.
    taken : str
        Axis that a part holds whole, such as the channels of an RGB generator.
    """
    looped = [axis for axis in LOOP_ORDER if axis in region and axis != taken]
    return lambda box: _focus(box, region, looped, "YX")


def volumes_in(region: Mapping[str, slice]) -> Place:
    """Return how to focus a job that runs volume by volume."""
    looped = [axis for axis in LOOP_ORDER if axis in region and axis != "Z"]
    return lambda box: _focus(box, region, looped, "ZYX")


def _focus(
    box: Mapping[str, slice],
    region: Mapping[str, slice],
    looped: Sequence[str],
    spatial: Sequence[str],
) -> Focus:
    part = 0
    for axis in looped:
        span = region[axis]
        at = box[axis].start if axis in box else span.start
        count = span.stop - span.start
        part = part * count + min(max(at - span.start, 0), count - 1)
    spans = [box.get(axis, region[axis]) for axis in spatial]
    return Focus(
        part,
        tuple(float(span.start) for span in spans),
        tuple(float(span.stop) for span in spans),
    )
