"""What Richardson-Lucy, and some models, are told of the microscope."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QWidget

from napari_gan_enhance.viewer.optics_values import OpticsValues
from napari_gan_enhance.widgets._marks import Mark, mark
from napari_gan_enhance.widgets._number_field import NumberField

HELP = {
    "numerical_aperture": "Numerical aperture (NA), as engraved on the objective.",
    "immersion_index": "Refractive index of the immersion: 1 air, 1.333 water, "
    "1.515 oil.",
    "emission_nm": "Emission wavelength of this channel in nanometres; it sets the "
    "width of the PSF.",
    "voxel_size_um": "Size of one voxel in the sample along this axis, in µm.",
}
AXES = ("z", "y", "x")


class OpticsForm(QWidget):
    """Objective, wavelengths and voxel size.

    Parameters
    ----------
    parent : QWidget, optional
    """

    changed = Signal()
    """The user edited a value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields: dict[str, NumberField] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._axis_labels = {axis: QLabel(axis, self) for axis in AXES}
        self._add_row("NA", "numerical_aperture")
        self._add_row("Immersion index", "immersion_index")
        self._add_voxel_row()
        self._channel_rows: list[QWidget] = []

    def values(self) -> OpticsValues:
        """Return what the fields hold."""
        number = {name: field.value() for name, field in self.fields.items()}
        return OpticsValues(
            numerical_aperture=number["numerical_aperture"],
            immersion_index=number["immersion_index"],
            emission_nm=tuple(
                number[f"emission_nm.{i}"] for i in range(len(self._channel_rows))
            ),
            voxel_size_um=tuple(number[f"voxel_size_um.{axis}"] for axis in AXES),
        )

    def show_values(self, values: OpticsValues, channel_names: tuple[str, ...]) -> None:
        """Fill the fields; one wavelength for each channel."""
        self._set_channels(channel_names)
        numbers = values.by_field()
        for name, field in self.fields.items():
            field.set_value(numbers.get(name))

    def show_marks(self, marks: dict[str, tuple[Mark, str]]) -> None:
        """Color the fields that are named, with their reasons; clear the others."""
        for name, field in self.fields.items():
            mark(field, *marks.get(name, (Mark.FINE, "")))

    def not_numbers(self) -> list[str]:
        """Return the names of the fields on screen whose text is not a number."""
        shown = (item for item in self.fields.items() if item[1].isVisibleTo(self))
        return [name for name, field in shown if not field.is_number]

    def show_axial(self, is_shown: bool) -> None:
        """Show what sets the PSF along the optical axis too, or hide it."""
        self._form.setRowVisible(self.fields["immersion_index"], is_shown)
        for widget in (self._axis_labels["z"], self.fields["voxel_size_um.z"]):
            widget.setVisible(is_shown)

    def _set_channels(self, names: tuple[str, ...]) -> None:
        for row in self._channel_rows:
            self._form.removeRow(row)
        for i in range(len(self._channel_rows)):
            del self.fields[f"emission_nm.{i}"]
        several = len(names) > 1
        self._channel_rows = [
            self._add_row(
                f"{name or f'Channel {i + 1}' if several else 'Emission'} (nm)",
                f"emission_nm.{i}",
            )
            for i, name in enumerate(names)
        ]

    def _add_row(self, label: str, name: str) -> NumberField:
        field = self._new_field(name)
        self._form.addRow(label, field)
        return field

    def _add_voxel_row(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(3)
        for axis in AXES:
            row.addWidget(self._axis_labels[axis])
            field = self._new_field(f"voxel_size_um.{axis}")
            field.setPlaceholderText("?")  # there is no room for more
            row.addWidget(field, 1)
        self._form.addRow("Voxel (µm)", row)

    def _new_field(self, name: str) -> NumberField:
        field = NumberField(HELP[name.partition(".")[0]], self)
        field.changed.connect(self.changed)
        self.fields[name] = field
        return field
