"""How curves are sampled and shown, as one record."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_gan_enhance.viewer.profile_choices import MOST_WIDTH, ProfileChoices
from napari_gan_enhance.widgets._fields import choice_box, select

INTENSITIES = {"raw": "Raw", "normalized": "Normalized"}
WIDTHS = {"fit": "Gaussian fit", "curve": "Half maximum"}


class ProfileOptions(QWidget):
    """A row of controls.

    Parameters
    ----------
    choices : ProfileChoices
        What to begin with.
    parent : QWidget, optional
    """

    changed = Signal()

    def __init__(self, choices: ProfileChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.width_box = QDoubleSpinBox(self)
        self.width_box.setRange(0, MOST_WIDTH)
        self.width_box.setDecimals(3)
        self.width_box.setSpecialValueText("one line")
        self.width_box.setToolTip(
            "Average over this width across the line. Each layer takes as many "
            "parallel lines as fit, a pixel apart; the band around a curve is the "
            "standard error of their mean."
        )
        self.intensity = choice_box(
            INTENSITIES, "As stored in each layer, or each curve from 0 to 1."
        )
        self.widths = choice_box(
            WIDTHS,
            "FWHM of Gaussians fitted to the peaks, neighbors together (for noisy or "
            "overlapping peaks), or of the curve itself, whatever its shape.",
        )
        self.defaults = QPushButton("Restore defaults", self)
        self.defaults.setToolTip("Set these controls as they were after installation.")
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    def choices(self) -> ProfileChoices:
        """Return what the controls hold."""
        return ProfileChoices(
            width=self.width_box.value(),
            intensity=self.intensity.currentData(),
            widths=self.widths.currentData(),
        )

    def show_choices(self, choices: ProfileChoices) -> None:
        """Set the controls."""
        self.width_box.setValue(choices.width)
        select(self.intensity, choices.intensity)
        select(self.widths, choices.widths)

    def show_unit(self, unit: str, pixel: float) -> None:
        """Count the width in a unit, in steps of a pixel."""
        self.width_box.setSuffix(f" {unit}")
        self.width_box.setSingleStep(pixel)

    def _connect(self) -> None:
        self.width_box.valueChanged.connect(self.changed)
        self.intensity.currentIndexChanged.connect(self.changed)
        self.widths.currentIndexChanged.connect(self.changed)
        self.defaults.clicked.connect(lambda: self.show_choices(ProfileChoices()))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        named = {
            "Width": self.width_box,
            "Intensity": self.intensity,
            "FWHM from": self.widths,
        }
        for name, field in named.items():
            row.addWidget(QLabel(name, self))
            row.addWidget(field)
        row.addWidget(self.defaults)
