"""Reads that zarr leaves behind when one of many fails."""

from __future__ import annotations

import asyncio
import sys


def end_reads() -> None:
    """Cancel the reads that a failed one left behind; for the end of a process.

    zarr (3.1) gathers the pieces of a region and forgets the others when one cannot be
    decoded; asyncio would complain of each, after the one sentence that says why.
    """
    if "zarr.core.sync" in sys.modules:
        from zarr.core.sync import sync

        sync(_end_others())


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
