"""The Metrics dock in a real viewer, on images whose scores are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices, QGuiApplication
from qtpy.QtWidgets import QFileDialog
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.viewer.layers import METADATA_KEY
from napari_gan_enhance.viewer.metrics_table import as_csv, save_table
from napari_gan_enhance.widgets import _told, metrics
from napari_gan_enhance.widgets.metrics import MetricsDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot

WAIT_MS = 60_000
"""Longer than any run here takes on a busy machine."""

PIXEL_UM = 0.1
SHIFT_PX = 12
LENGTH = {"scale": (PIXEL_UM, PIXEL_UM), "units": "micrometer"}

EXACT = 1e-9  # float64
FLOAT32 = 1e-6  # relative: maps are float32


@pytest.fixture
def field(rng: np.random.Generator) -> np.ndarray:
    smooth = gaussian_filter(rng.standard_normal((96, 112)), 2)
    return 100 + 900 * np.clip(smooth / smooth.std(), 0, None)


@pytest.fixture
def shown(viewer: Viewer, field: np.ndarray, rng: np.random.Generator) -> Viewer:
    """A reference, and a noisy cut of it that begins 12 rows lower in the world."""
    noisy = field[SHIFT_PX:] + rng.normal(0, 30, (96 - SHIFT_PX, 112))
    at = (SHIFT_PX * PIXEL_UM, 0)
    viewer.add_image(field, name="truth", **LENGTH)
    viewer.add_image(noisy, name="noisy", translate=at, **LENGTH)
    return viewer


@pytest.fixture
def dock(shown: Viewer) -> MetricsDock:
    dock = MetricsDock(shown)
    shown.window.add_dock_widget(dock, name="Metrics", area="bottom")
    dock.form.against.reference.choose(shown.layers["truth"])
    return dock


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    for module in (metrics, _told):
        monkeypatch.setattr(module, "show_error", messages.append)
    return messages


def press(button: object, dock: MetricsDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        button.click()


def median(dock: MetricsDock, layer: str, key: str, variant: str = "") -> float:
    table = dock.form.table.table
    group = next(g for g in table.groups if (g.layer, g.variant) == (layer, variant))
    return group.rows[0][1][[c.key for c in table.columns].index(key)]


def test_scores_and_maps_are_those_of_what_both_show(
    dock: MetricsDock, shown: Viewer, field: np.ndarray, qtbot: QtBot, told: list[str]
) -> None:
    form, truth = dock.form, field[SHIFT_PX:]
    noisy = shown.layers["noisy"].data
    form.against.fit.setCurrentIndex(form.against.fit.findData("both"))
    form.against.data_range.setText("2000")
    form.against.data_range.textEdited.emit("2000")
    press(form.maps, dock, qtbot)
    assert told == []
    error = noisy - truth
    expected = {
        "mse": (error**2).mean(),
        "nrmse_euclidean": np.linalg.norm(error) / np.linalg.norm(truth),
        "nrmse_minmax": np.sqrt((error**2).mean()) / np.ptp(truth),
        "psnr": peak_signal_noise_ratio(truth, noisy, data_range=2000),
        "ssim": structural_similarity(
            truth,
            noisy,
            data_range=2000,
            gaussian_weights=True,
            use_sample_covariance=False,
        ),
        "data_range": 2000,
    }
    for key, value in expected.items():
        assert median(dock, "noisy", key, "as it is") == pytest.approx(value, rel=EXACT)
    gain, offset = np.polyfit(noisy.ravel(), truth.ravel(), 1)
    fitted = gain * noisy + offset - truth
    assert median(dock, "noisy", "mse", "fitted") == pytest.approx((fitted**2).mean())
    assert "84 x 112 of 96 x 112 pixels" in form.table.text.text()
    assert "gaussian 11 px" in form.table.text.text()
    map_layer = shown.layers["noisy [error map]"]
    np.testing.assert_allclose(map_layer.data, fitted, rtol=FLOAT32, atol=1e-3)
    np.testing.assert_allclose(
        map_layer.extent.world, shown.layers["noisy"].extent.world
    )
    low, high = map_layer.contrast_limits
    assert low == -high
    assert shown.layers["noisy [SSIM map]"].contrast_limits == [0, 1]
    assert form.layers.layers() == [shown.layers["truth"], shown.layers["noisy"]]


def test_other_grid_is_resampled_and_said_so(
    dock: MetricsDock, shown: Viewer, field: np.ndarray, qtbot: QtBot
) -> None:
    doubled = field.repeat(2, axis=0).repeat(2, axis=1)
    fine = shown.add_image(
        doubled,
        name="fine",
        scale=(PIXEL_UM / 2,) * 2,
        translate=(-PIXEL_UM / 4,) * 2,
        units="micrometer",
    )
    dock.form.layers.tick(fine)
    press(dock.form.measure, dock, qtbot)
    assert "'fine' was resampled" in dock.form.table.text.text()
    assert median(dock, "fine", "ssim") > 0.95


def test_plane_is_compared_with_what_is_shown_of_a_stack(
    dock: MetricsDock, shown: Viewer, field: np.ndarray, qtbot: QtBot
) -> None:
    stack = shown.add_image(
        np.stack([field * 0 + np.arange(112), 3 * field, field[::-1]]),
        name="stack",
        scale=(0.5, PIXEL_UM, PIXEL_UM),
        units="micrometer",
    )
    shown.dims.set_current_step(0, 1)
    dock.form.layers.tick(stack)
    press(dock.form.measure, dock, qtbot)
    assert median(dock, "stack", "mse") == pytest.approx(0, abs=1e-12)
    assert "Of 'stack', Z = 1 was taken" in dock.form.table.text.text()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda n, t: setattr(t, "data", np.full((96, 112), 7.0)), "needs structure"),
        (lambda n, t: n.data.__setitem__((3, 4), np.nan), "The result holds NaN"),
        (lambda n, t: t.data.__setitem__((30, 4), np.nan), "The reference holds NaN"),
        (lambda n, t: setattr(n, "translate", (99, 0)), "do not overlap"),
        (lambda n, t: setattr(n, "units", "pixel"), "'noisy' has none"),
    ],
    ids=["constant", "nan", "nan in truth", "far", "no unit"],
)
def test_what_cannot_be_compared_gives_one_sentence(
    dock: MetricsDock,
    shown: Viewer,
    qtbot: QtBot,
    told: list[str],
    spoil: Callable[..., None],
    sentence: str,
) -> None:
    spoil(shown.layers["noisy"], shown.layers["truth"])
    press(dock.form.measure, dock, qtbot)
    assert len(told) == 1
    assert sentence in told[0]
    assert sentence in dock.form.table.text.text()
    assert dock.form.measure.text() == "Measure"


def test_run_can_be_cancelled(dock: MetricsDock, shown: Viewer, qtbot: QtBot) -> None:
    big = np.random.default_rng(1).random((2100, 1400))
    for name in ("truth", "noisy"):
        shown.layers[name].data = big
    with qtbot.waitSignal(dock.runner.idle, timeout=WAIT_MS):
        dock.form.measure.click()
        qtbot.waitUntil(
            lambda: "Comparing 'noisy'" in dock.form.progress.text.text(),
            timeout=WAIT_MS,
        )
        assert dock.form.measure.text() == "Cancel"
        dock.form.measure.click()
    assert dock.form.progress.text.text() == "Cancelled."
    assert dock.form.table.table is None


def test_two_recordings_and_sharp_images_judge_without_a_reference(
    dock: MetricsDock,
    shown: Viewer,
    rng: np.random.Generator,
    qtbot: QtBot,
    told: list[str],
    tmp_path: Path,
) -> None:
    pytest.importorskip("cubic", reason="extra 'metrics' is not installed")
    sharp = gaussian_filter(rng.standard_normal((480, 480)), 2)
    sharp = 1000 + 200 * sharp / sharp.std()
    for name in ("first", "second"):
        noisy = sharp + rng.normal(0, 100, sharp.shape)
        shown.add_image(noisy, name=name, **LENGTH)
    first, second = shown.layers["first"], shown.layers["second"]
    form, alone = dock.form, dock.form.alone
    form.tabs.setCurrentIndex(1)
    form.layers.tick(first)
    alone.repeat.choose(second)
    press(alone.fit, dock, qtbot)
    alone.save_model(tmp_path / "niqe.json")
    alone.show_model(None)
    alone.load_model(tmp_path / "niqe.json")
    assert "blocks of first" in alone.model_text.text()
    for box in (alone.frc, alone.single_image, alone.niqe):
        box.setChecked(True)
    first.metadata = {
        METADATA_KEY: Micrograph(first.data, "YX", provenance={"operation": "enhance"})
    }
    second.metadata = {
        METADATA_KEY: Micrograph(second.data, "YX", provenance={"operation": "enhance"})
    }
    press(form.measure, dock, qtbot)
    assert told == []
    text = form.table.text.text()
    assert "single-image FRC needs raw pixels" in text
    assert "always looks better than it is" in text
    # The Gaussian passes 1/e of its amplitude at a period of 2 pi sigma / sqrt(2).
    assert 0.3 < median(dock, "first", "frc_1_7_um") < 1.2
    assert median(dock, "first", "niqe") < 3  # the image it was fitted to
    assert "# threshold of frc: 1/7" in as_csv(form.table.table)
    second.metadata = {}
    press(form.measure, dock, qtbot)
    assert "'first' is 'enhance' and 'second' is raw" in form.table.text.text()


def test_export_completes_the_name_and_replaces_no_other_table(
    dock: MetricsDock,
    qtbot: QtBot,
    tmp_path: Path,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    press(dock.form.measure, dock, qtbot)
    other = tmp_path / "mine-0.csv"
    other.write_text("of last week")
    answer = str(tmp_path / "mine-0.5"), ""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
    dock.form.table.export.click()
    assert other.read_text() == "of last week"
    assert "# reference: truth" in (tmp_path / "mine-0.5.csv").read_text("utf-8")
    assert told == []
    dock.form.table.export.click()
    assert "'mine-0.5.csv' already exists" in told[0]


def test_table_goes_to_clipboard_and_file_and_choices_stay(
    dock: MetricsDock, shown: Viewer, qtbot: QtBot, tmp_path: Path
) -> None:
    against = dock.form.against
    against.convention.setCurrentIndex(against.convention.findData("dlsr"))
    assert not against.fit.isEnabled()
    press(dock.form.measure, dock, qtbot)
    dock.form.table.copy.click()
    head, row = QGuiApplication.clipboard().text().splitlines()
    assert head.split("\t")[:4] == ["layer", "variant", "plane", "mse"]
    assert row.split("\t")[0] == "noisy"
    save_table(tmp_path / "scores.csv", dock.form.table.table)
    lines = (tmp_path / "scores.csv").read_text("utf-8").splitlines()
    assert "# reference: truth" in lines
    assert "# layer truth: YX 96 x 112; Y 0.1 um x X 0.1 um" in lines
    assert any(x.startswith("# scores: Convention dlsr;") for x in lines)
    assert lines[-1].startswith("noisy,,median,")
    again = MetricsDock(shown)
    shown.window.add_dock_widget(again, name="Metrics again")
    assert again.form.choices().convention == "dlsr"
    again.form.defaults.click()
    assert again.form.choices().convention == "standard"


def test_page_is_that_of_the_folder_on_screen(
    dock: MetricsDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile())
    )
    dock.form.report.click()
    dialog = dock.report
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").touch()
        dialog.output.set_value(str(tmp_path / name))
        dialog.show_page.click()
    assert opened == [str(tmp_path / name / "report.html") for name in ("one", "two")]
    dialog.output.set_value(str(tmp_path / "three"))
    assert not dialog.show_page.isEnabled()
    dialog.close()


def test_report_folder_is_proposed_when_the_target_is_typed(
    dock: MetricsDock, qtbot: QtBot
) -> None:
    dock.form.report.click()
    dialog = dock.report
    qtbot.keyClicks(dialog.target.path, "/home/me/test/target")
    assert dialog.output.value() == ""
    dialog.target.path.editingFinished.emit()
    assert Path(dialog.output.value()) == Path("/home/me/test/comparison")
    dialog.close()


def test_enter_ends_a_path_and_opens_no_dialog(
    dock: MetricsDock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("getOpenFileName", "getExistingDirectory"):
        monkeypatch.setattr(
            QFileDialog, name, lambda _, title, *__: asked.append(title) or ("", "")
        )
    dock.form.report.click()
    dialog = dock.report
    dialog.target.path.setFocus()
    qtbot.keyClicks(dialog.target.path, "/home/me/test/target")
    qtbot.keyClick(dialog.target.path, Qt.Key.Key_Return)
    assert asked == []
    assert Path(dialog.output.value()) == Path("/home/me/test/comparison")
    assert not dialog.runner.is_running
    dialog.close()


def test_report_runs_on_a_folder_and_opens_the_page(
    dock: MetricsDock,
    field: np.ndarray,
    rng: np.random.Generator,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("scikit_posthocs", reason="extra 'stats' is not installed")
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile())
    )
    truth = field.astype(np.float32)
    for folder, off in (("source", 30), ("target", 0), ("mine", 10)):
        (tmp_path / folder).mkdir()
        for n in range(3):
            noisy = truth + off * rng.standard_normal(truth.shape).astype(np.float32)
            tifffile.imwrite(tmp_path / folder / f"f{n}.tif", noisy)
    dock.form.report.click()
    dialog = dock.report
    dialog.run.click()
    assert "No folder is chosen for the source" in dialog.progress.text.text()
    dialog.source.set_value(str(tmp_path / "source"))
    dialog.target.set_value(str(tmp_path / "target"))
    assert dialog.output.value() == str(tmp_path / "comparison")
    dialog.methods.show_methods(("raw", f"mine={tmp_path / 'mine'}"), ())
    dialog.pictures.setValue(1)
    with qtbot.waitSignal(dialog.runner.idle, timeout=WAIT_MS):
        dialog.run.click()
    page = tmp_path / "comparison" / "report.html"
    assert opened == [str(page)]
    assert page.is_file()
    with qtbot.waitSignal(dialog.runner.idle, timeout=WAIT_MS):
        dialog.run.click()  # what is there is not replaced unasked
    assert "already exists" in dialog.progress.text.text()
    dialog.close()
