"""Tables as text: for the clipboard, and as CSV with what must be known of them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def csv_text(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    facts: Mapping[str, object] | None = None,
    *,
    delimiter: str = ",",
) -> str:
    """Return a table as text.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence
    facts : mapping of name to value, optional
        One comment line each, beginning with "#", before the table.
    delimiter : str
        A tab for the clipboard: spreadsheets take it apart.
    """
    text = io.StringIO()
    for name, value in (facts or {}).items():
        text.write(f"# {' '.join(f'{name}: {value}'.split())}\n")
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
