"""Tables as text: for the clipboard, and as CSV with what must be known of them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def csv_text(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    comments: Iterable[str] = (),
    *,
    delimiter: str = ",",
) -> str:
    """Return a table as text.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence
    comments : iterable of str, optional
        One line each, beginning with "#", before the table.
    delimiter : str
        A tab for the clipboard: spreadsheets take it apart.
    """
    text = io.StringIO()
    text.writelines(f"# {' '.join(comment.split())}\n" for comment in comments)
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
