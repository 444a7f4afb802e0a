"""The table of the Line profile dock: peaks, their widths and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from napari_gan_enhance.metrics.line_profile_curve import verdict_text

if TYPE_CHECKING:
    from napari_gan_enhance.metrics.line_profile_curve import Analysis

SWATCH = 12
"""Side in screen pixels."""

WIDTH = 370


class PeakTable(QTreeWidget):
    """One branch for each layer, one row for each of its peaks.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "Peaks that stand out from the noise. Between the two closest neighbors "
            "the dip is judged: Rayleigh's criterion asks for 26.5 % of the lower "
            "peak's height; a smaller one counts where it is three times its standard "
            "error."
        )
        self.setColumnCount(4)
        self.setMinimumWidth(WIDTH)
        self.setRootIsDecorated(False)
        self.setIndentation(SWATCH)
        self.setWordWrap(True)

    def show_analyses(self, analyses: Sequence[Analysis]) -> None:
        """Replace what is shown."""
        unit = analyses[0].curve.unit if analyses else "µm"
        self.setHeaderLabels(
            [f"Position ({unit})", "Height", f"FWHM ({unit})", f"To next ({unit})"]
        )
        self.clear()
        for analysis in analyses:
            branch = QTreeWidgetItem([analysis.curve.name])
            branch.setIcon(0, _swatch(analysis.curve.color))
            self.addTopLevelItem(branch)
            verdict = QTreeWidgetItem([_sentence(analysis)])
            branch.addChild(verdict)
            for spanned in (branch, verdict):
                spanned.setFirstColumnSpanned(True)
                spanned.setToolTip(0, spanned.text(0))
            branch.addChildren([QTreeWidgetItem(row) for row in _rows(analysis)])
        self.expandAll()
        for column in range(self.columnCount()):
            self.resizeColumnToContents(column)


def _sentence(analysis: Analysis) -> str:
    verdict = verdict_text(analysis, analysis.curve.unit)
    return f"{verdict[:1].upper()}{verdict[1:]}"


def _rows(analysis: Analysis) -> list[list[str]]:
    peaks = analysis.peaks
    following = [*(p.position for p in peaks[1:]), math.nan][: len(peaks)]
    return [
        [
            _number(peak.position),
            _number(peak.height),
            _with_error(peak.fwhm, peak.fwhm_error),
            _number(after - peak.position),
        ]
        for peak, after in zip(peaks, following, strict=True)
    ]


def _with_error(value: float, error: float) -> str:
    """Return a value with as many digits as its error allows."""
    if math.isnan(value) or not error > 0:
        return _number(value)
    digits = max(0, -math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"  # noqa: RUF001


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
