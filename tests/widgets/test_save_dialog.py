"""Where something goes of which the user typed the name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.widgets._save_dialog import ask_save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE_OR_PLOT = "Table (*.csv);;Plot (*.png *.svg)"


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Path | None]:
    """Answer the dialog with a typed name and a chosen kind."""

    def ask(typed: str, kind: str = "") -> Path | None:
        answer = str(tmp_path / typed) if typed else "", kind
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
        return ask_save(None, "Save", "table.csv", TABLE_OR_PLOT)

    return ask


@pytest.mark.parametrize(
    ("typed", "kind", "wanted"),
    [
        ("mine", "Table (*.csv)", "mine.csv"),
        ("mine-0.5", "", "mine-0.5.csv"),
        ("c.elegans", "Plot (*.png *.svg)", "c.elegans.png"),
    ],
)
def test_a_completed_name_replaces_no_file(
    asked: Callable[[str, str], Path | None],
    tmp_path: Path,
    typed: str,
    kind: str,
    wanted: str,
) -> None:
    assert asked(typed, kind) == tmp_path / wanted
    (tmp_path / wanted).write_text("old")
    with pytest.raises(OutputError, match=wanted):
        asked(typed, kind)


@pytest.mark.parametrize("typed", ["mine.csv", "MINE.CSV", "mine.svg"])
def test_the_name_that_was_asked_about_may_be_replaced(
    asked: Callable[[str, str], Path | None], tmp_path: Path, typed: str
) -> None:
    (tmp_path / typed).write_text("old")
    assert asked(typed, "Table (*.csv)") == tmp_path / typed


def test_no_name_is_no_path(asked: Callable[[str, str], Path | None]) -> None:
    assert asked("", "") is None
