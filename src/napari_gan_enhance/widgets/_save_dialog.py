"""Ask under which name something is saved."""

from __future__ import annotations

import re
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_gan_enhance.io.atomic import check_free

SUFFIX = re.compile(r"\*(\.[\w.]+)")


def ask_save(parent: QWidget | None, title: str, name: str, kinds: str) -> Path | None:
    """Return where to save, which may be replaced; None if the user thought better.

    The dialog has asked about the name that was typed. Without a suffix of its kinds
    the first one of the chosen kind is added to the whole name; nobody was asked about
    that file, so it must not be there.

    Parameters
    ----------
    parent : QWidget or None
    title, name : str
        Of the dialog, and what it suggests.
    kinds : str
        Qt's filter, such as "Table (*.csv);;Plot (*.png *.svg)".

    Raises
    ------
    OutputError
        If a file of the completed name exists.
    """
    typed, kind = QFileDialog.getSaveFileName(parent, title, name, kinds)
    if not typed:
        return None
    path = Path(typed)
    if path.name.lower().endswith(tuple(SUFFIX.findall(kinds))):
        return path
    path = path.with_name(path.name + SUFFIX.findall(kind or kinds)[0])
    check_free(path, overwrite=False)
    return path
