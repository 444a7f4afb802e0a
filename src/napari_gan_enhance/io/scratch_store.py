"""Where zarr keeps a scratch array: one place, however often the array is copied."""

from __future__ import annotations

from typing import Any

from zarr.storage import LocalStore


class ScratchStore(LocalStore):  # type: ignore[misc]  # zarr is not typed for us
    """A folder that lives as long as anything that reads it.

    A deep copy, as napari's "Duplicate Layer" makes one of an array, reads the same
    files: it shares the store, so that the store's end is the end of the last reader.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> ScratchStore:
        return self
