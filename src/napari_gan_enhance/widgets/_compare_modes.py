"""The three ways to look at two layers, one at a time, and the key to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.blink import Blink, free_key
from napari_gan_enhance.viewer.compare import Comparison
from napari_gan_enhance.viewer.layer_pair import check_pair
from napari_gan_enhance.viewer.swipe import Swipe
from napari_gan_enhance.widgets._curtain import Curtain
from napari_gan_enhance.widgets._one_comparison import Compares

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    Pair = tuple[Image | None, Image | None]

BLINK_MS = 600
"""Each layer's turn: the eye has to find its place again."""

GUIDE = "Choose two layers and a way to compare them; press it again to go back."


class CompareModes(QWidget, Compares):
    """Buttons that stay down while two layers are compared; one at a time.

    Parameters
    ----------
    viewer : Viewer
    pair : callable
        Returns the two layers that are chosen.
    parent : QWidget, optional
    """

    said = Signal(str)
    """What is shown now, or why nothing is."""
    failed = Signal(str)
    """Why something that was asked for was not done."""

    def __init__(
        self, viewer: Viewer, pair: Callable[[], Pair], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._pair = pair
        self._mode: Comparison | Swipe | Blink | None = None
        self._compared: Pair = (None, None)
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(self._on_turn)
        self.key = free_key(viewer)
        if self.key is not None:
            viewer.bind_key(self.key, self._new_hold())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.side = self._add("Side by side", self._put_side_by_side)
        self.swipe = self._add("Swipe", self._begin_swipe)
        self.blink = self._add("Blink", self._begin_blink)
        self._explain()

    def end(self) -> None:
        """Go back to what was shown before."""
        self._timer.stop()
        mode, self._mode = self._mode, None
        if mode is not None:
            mode.end()
            self.said.emit(GUIDE)
        for button in (self.side, self.swipe, self.blink):
            button.setChecked(False)

    def follow_pair(self) -> None:
        """Compare the layers that are chosen now; end where one was removed."""
        buttons = (self.side, self.swipe, self.blink)
        pressed = next((b for b in buttons if b.isChecked()), None)
        if pressed is None:
            return
        is_whole = all(layer in self._viewer.layers for layer in self._compared)
        self.end()
        if is_whole:
            pressed.setChecked(True)
        else:
            self.said.emit("A layer was removed: the comparison has ended.")

    def close_down(self) -> None:
        """Put everything back, and free the key."""
        self.end()
        if self.key is not None:
            self._viewer.bind_key(self.key, None)

    def _add(self, text: str, begin: Callable[[Image, Image], Any]) -> QPushButton:
        button = QPushButton(text, self)
        button.setCheckable(True)
        button.toggled.connect(partial(self._on_toggled, button, begin))
        layout = self.layout()
        if layout is not None:
            layout.addWidget(button)
        return button

    def _on_toggled(
        self, button: QPushButton, begin: Callable[[Image, Image], Any], is_on: bool
    ) -> None:
        if not is_on:
            if self._mode is not None:
                self.end()
            return
        self.end()
        try:
            before, after = self._pair()
            check_pair(before, after)
            self.end_others()
            self._mode = begin(before, after)
        except GanEnhanceError as error:
            button.setChecked(False)
            self.failed.emit(str(error))
            return
        self._compared = (before, after)
        button.blockSignals(True)
        button.setChecked(True)  # ending the other mode took it up
        button.blockSignals(False)

    def _put_side_by_side(self, before: Image, after: Image) -> Comparison:
        self.said.emit(f"Left: {before.name}. Right: {after.name}.")
        return Comparison(self._viewer, [before, after])

    def _begin_swipe(self, before: Image, after: Image) -> Swipe:
        swipe = Swipe(
            self._viewer,
            before,
            after,
            partial(Curtain, self._viewer),
            self._on_swipe_ended,
        )
        self.said.emit(
            f"Left of the line: {before.name}. Right: {after.name}. Drag the line in "
            "the image."
        )
        return swipe

    def _on_swipe_ended(self, reason: str) -> None:
        """Take the button up where the swipe ended itself."""
        if self._mode is not None:
            self.end()
            self.said.emit(reason or GUIDE)

    def _begin_blink(self, before: Image, after: Image) -> Blink:
        blink = Blink(self._viewer, before, after)
        self._timer.start()
        self.said.emit(f"{before.name} and {after.name} in turn.")
        return blink

    def _on_turn(self) -> None:
        if isinstance(self._mode, Blink):
            self._mode.step()

    def _new_hold(self) -> Callable[[Any], Iterator[None]]:
        """Return what napari does while the key is down."""

        def hold(viewer: Any) -> Iterator[None]:
            before, after = self._pair()
            if self._mode is not None or before is after:
                return
            self.end_others()
            blink = Blink(self._viewer, before, after)
            yield
            blink.end()

        return hold

    def _explain(self) -> None:
        self.side.setToolTip("Both beside each other, with the same zoom.")
        self.swipe.setToolTip(
            "A line in the image: Before on its left, After on its right. Drag it; it "
            "stays in view when you zoom."
        )
        held = "" if self.key is None else f" Or hold {self.key} down to see Before."
        self.blink.setToolTip(f"Both in turn, in the same place.{held}")
