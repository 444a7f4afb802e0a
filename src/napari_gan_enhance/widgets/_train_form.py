"""How to train: start model, recipe, budget and device."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QSpinBox,
    QWidget,
)

from napari_gan_enhance.viewer.model_choice import bundled_names
from napari_gan_enhance.viewer.train_choices import (
    MOST_STEPS,
    RECIPES,
    START_MODEL,
    TrainChoices,
)
from napari_gan_enhance.widgets._fields import choice_box, select
from napari_gan_enhance.widgets._model_field import ModelField
from napari_gan_enhance.widgets._run_controls import DEVICES

BEGINNINGS = {"model": "A model", "scratch": "Nothing (from scratch)"}
BUDGETS = {"time": "Minutes", "steps": "Steps"}


class TrainForm(QGroupBox):
    """The settings of a training, as one record.

    Parameters
    ----------
    choices : TrainChoices
        What to begin with.
    parent : QWidget, optional
    """

    changed = Signal()

    def __init__(self, choices: TrainChoices, parent: QWidget | None = None) -> None:
        super().__init__("Training", parent)
        self.beginning = choice_box(
            BEGINNINGS,
            "A model that knows similar images needs few pairs and a minute; from "
            "scratch takes dozens of fields and much longer.",
        )
        self.model = ModelField(START_MODEL, self)
        self.recipe = choice_box(
            RECIPES, "What is minimized, and how fast. Each is described in the docs."
        )
        self.budget = choice_box(BUDGETS, "What ends the training, at the latest.")
        self.minutes = QDoubleSpinBox(self)
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setToolTip(
            "Time spent learning: starting, looks at the held-out region and pauses do "
            "not count."
        )
        self.steps = QSpinBox(self)
        self.steps.setRange(1, MOST_STEPS)
        self.steps.setToolTip("Updates of the network.")
        self.device = choice_box(DEVICES, "Where the training runs.")
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    @property
    def is_from_scratch(self) -> bool:
        """Whether no model is begun with."""
        return bool(self.beginning.currentData() == "scratch")

    @property
    def reason(self) -> str:
        """What keeps a training from starting; empty if nothing does."""
        if self.is_from_scratch:
            return ""
        choice = self.model.choice
        if choice is None:
            return "No start model is chosen."
        if choice.spec is not None and choice.spec.upscale > 1:
            return (
                f"Model {choice.name!r} makes {choice.spec.upscale}x more pixels - a "
                "pair has one grid - choose a model that keeps the pixels."
            )
        return choice.error

    def choices(self) -> TrainChoices:
        """Return what the controls hold."""
        model = self.model.choice
        return TrainChoices(
            start=START_MODEL if model is None else model.value,
            is_from_scratch=self.is_from_scratch,
            recent_models=self.model.recent,
            recipe=self.recipe.currentData(),
            budget=self.budget.currentData(),
            minutes=round(self.minutes.value(), 1),
            steps=self.steps.value(),
            device=self.device.currentData(),
        )

    def show_choices(self, choices: TrainChoices) -> None:
        """Set the controls."""
        self.model.set_models(bundled_names(), choices.recent_models)
        self.model.choose(choices.start)
        select(self.beginning, "scratch" if choices.is_from_scratch else "model")
        select(self.recipe, choices.recipe)
        select(self.budget, choices.budget)
        self.minutes.setValue(choices.minutes)
        self.steps.setValue(choices.steps)
        select(self.device, choices.device)
        self._on_changed()

    def _on_changed(self) -> None:
        self._form.setRowVisible(self.model, not self.is_from_scratch)
        by_time = self.budget.currentData() == "time"
        self.minutes.setVisible(by_time)
        self.steps.setVisible(not by_time)
        self.changed.emit()

    def _connect(self) -> None:
        self.model.chosen.connect(self._on_changed)
        self.beginning.currentIndexChanged.connect(self._on_changed)
        self.budget.currentIndexChanged.connect(self._on_changed)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for widget in (self.budget, self.minutes, self.steps):
            row.addWidget(widget)
        self._form = form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Begin with", self.beginning)
        form.addRow("Model", self.model)
        form.addRow("Recipe", self.recipe)
        form.addRow("End after", row)
        form.addRow("Device", self.device)
