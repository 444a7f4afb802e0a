"""The report on a folder whose scores are known by hand."""

from __future__ import annotations

import csv
import json
import re
from html import escape

import numpy as np
import pytest
import tifffile

from napari_gan_enhance import batch
from napari_gan_enhance.comparison.fields import FileScores, field_medians
from napari_gan_enhance.comparison.methods import Method, make_methods
from napari_gan_enhance.comparison.report import ReportSettings, report
from napari_gan_enhance.comparison.training_overlap import training_warnings
from napari_gan_enhance.errors import CheckpointError, InputError, OutputError
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.models.spec import TrainingData
from napari_gan_enhance.optics.settings import DeconvolveSettings
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.pairs import find_pairs, sha256_of

UNFITTED = EvaluateSettings(fit="none", data_range=1.0)


@pytest.fixture(autouse=True)
def scikit_posthocs() -> None:
    pytest.importorskip("scikit_posthocs", reason="extra 'stats' is not installed")
    pytest.importorskip("matplotlib", reason="extra 'report' is not installed")


@pytest.fixture
def folders(tmp_path, rng):
    """Four fields; the sources are off by 0.1 everywhere, 'better' by 0.05."""
    for name in ("source", "target", "better"):
        (tmp_path / name).mkdir()
    for number in range(4):
        truth = rng.random((40, 44)).astype(np.float32)
        tifffile.imwrite(tmp_path / "target" / f"f{number}.tif", truth)
        tifffile.imwrite(tmp_path / "source" / f"f{number}.tif", truth + 0.1)
        off = truth + 0.05 + 0.001 * number
        tifffile.imwrite(tmp_path / "better" / f"f{number}.tif", off)
    return tmp_path


def methods(folders, *words):
    return make_methods(words, [], EnhanceSettings())


def run(folders, wanted, shown=0, **settings):
    made = ReportSettings(evaluation=UNFITTED, shown=shown, **settings)
    return report(folders / "source", folders / "target", folders / "out", wanted, made)


def sides(folders):
    return folders / "source", folders / "target"


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_are_those_of_the_images(folders) -> None:
    wanted = methods(folders, "raw", f"better={folders / 'better'}")
    found = drain(run(folders, wanted))
    assert found.summary["psnr"]["raw"].median == pytest.approx(20, abs=1e-4)
    assert found.summary["mse"]["better"].upper == pytest.approx(0.05225**2, rel=1e-4)
    # All of one method lie above all of the other: ranks 1-4 and 5-8.
    h = 12 / (8 * 9) * (10**2 + 26**2) / 4 - 3 * 9
    # The four raw scores differ by rounding only.
    assert found.tests["mse"].statistic == pytest.approx(h, rel=0.1)
    rows = table(folders / "out" / "summary.csv")
    medians = {(r["metric"], r["method"]): float(r["median"]) for r in rows}
    assert medians["psnr", "raw"] == found.summary["psnr"]["raw"].median
    scores = table(folders / "out" / "scores.csv")
    assert len(scores) == 8
    assert {r["file"] for r in scores} == {f"f{n}.tif" for n in range(4)}
    dunn = table(folders / "out" / "dunn.csv")
    pair = next(r for r in dunn if r["metric"] == "mse")
    assert (pair["first"], pair["second"]) == ("raw", "better")
    assert float(pair["dunn_p"]) == found.tests["mse"].pairs["raw", "better"]
    written = json.loads((folders / "out" / "report.json").read_text("utf-8"))
    assert written["methods"]["better"]["operation"] == "finished results"


def test_page_needs_nothing_else(folders) -> None:
    drain(run(folders, methods(folders, "raw"), shown=2))
    page = (folders / "out" / "report.html").read_text("utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{1,30})', page)
    # Box plots, and pictures of the first and the last file.
    assert len(sources) == 3
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert "<script" not in page
    assert re.findall("<h3>(.*?)</h3>", page) == ["f0.tif", "f3.tif"]
    assert "fit of gain and offset: none" in page
    assert "not tested" in page


def test_names_are_escaped_in_the_page(folders) -> None:
    (method,) = methods(folders, "raw")
    odd = Method("<b>&", method.run)
    drain(run(folders, [odd]))
    page = (folders / "out" / "report.html").read_text("utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page


def test_upscaled_results_are_compared_on_the_grid_of_the_target(folders) -> None:
    for number in range(4):
        path = folders / "better" / f"f{number}.tif"
        doubled = tifffile.imread(path).repeat(2, axis=0).repeat(2, axis=1)
        tifffile.imwrite(path, doubled)
    wanted = methods(folders, f"doubled={folders / 'better'}")
    found = drain(run(folders, wanted))
    assert found.summary["psnr"]["doubled"].median > 15


def test_files_of_a_field_count_once() -> None:
    scores = [
        FileScores("a1", "a", "raw", {"mse": 1.0}),
        FileScores("a2", "a", "raw", {"mse": 3.0}),
        FileScores("b1", "b", "raw", {"mse": 7.0}),
    ]
    assert field_medians(scores, ["mse"]) == {"mse": {"raw": [2.0, 7.0]}}


def test_field_of_view_is_the_match_of_the_pattern(folders) -> None:
    found = drain(run(folders, methods(folders, "raw"), field_pattern="^f"))
    assert found.summary["mse"]["raw"].count == 1
    assert [s.field for s in found.files] == ["f"] * 4


def test_progress_counts_all_work_and_closing_leaves_nothing(folders) -> None:
    wanted = methods(folders, "raw", f"better={folders / 'better'}")
    job = run(folders, wanted)
    first = next(job)
    assert (first.done, first.total) == (0, 8)
    assert first.stage == "f0.tif, raw"
    job.close()
    assert sorted(p.name for p in folders.iterdir()) == ["better", "source", "target"]


def test_files_of_a_method_share_the_scale_of_micro_ssim(folders) -> None:
    """One file is at twice the scale of the others: it is wrong, the others are not."""
    for number in range(4):
        truth = tifffile.imread(folders / "target" / f"f{number}.tif")
        gain = 2 if number == 3 else 1
        tifffile.imwrite(folders / "better" / f"f{number}.tif", gain * truth)
    wanted = methods(folders, "raw", f"mine={folders / 'better'}")
    found = drain(run(folders, wanted))
    scores = {s.file: s.scores for s in found.files if s.method == "mine"}
    assert [scores[f"f{n}.tif"]["micro_ssim"] > 0.95 for n in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert scores["f3.tif"]["si_psnr"] == np.inf


def test_report_warns_of_fields_that_were_trained_on(folders) -> None:
    data = TrainingData(name=folders.name, test_fields=["f1", "f10"])
    (raw,) = methods(folders, "raw")
    model = Method("model", raw.run, {}, (data,))
    found = drain(run(folders, [raw, model]))
    (warning,) = found.warnings
    assert "3 of the 4 fields" in warning
    assert "'f0', 'f2', 'f3'" in warning
    assert escape(warning) in (folders / "out" / "report.html").read_text("utf-8")
    apart = TrainingData(name=folders.name, test_fields=["f0", "f1", "f2", "f3"])
    other = TrainingData(name="another", sha256="0")
    for known in (apart, other):
        wanted = [Method("model", raw.run, {}, (known,))]
        assert training_warnings(wanted, find_pairs(*sides(folders))) == []
    copied = TrainingData(name="renamed", sha256=sha256_of(find_pairs(*sides(folders))))
    wanted = [Method("model", raw.run, {}, (copied,))]
    assert "4 of the 4" in training_warnings(wanted, find_pairs(*sides(folders)))[0]


def test_existing_report_is_kept(folders) -> None:
    (folders / "out").mkdir()
    with pytest.raises(OutputError, match="already exists"):
        drain(run(folders, methods(folders, "raw")))


def test_only_a_report_is_replaced(folders) -> None:
    wanted, settings = methods(folders, "raw"), ReportSettings(shown=0)
    kept = sorted(folders.rglob("*"))
    for output in (folders, folders / "source"):
        job = report(*sides(folders), output, wanted, settings, overwrite=True)
        with pytest.raises(OutputError, match="no part of an earlier result"):
            next(job)
    assert sorted(folders.rglob("*")) == kept
    for _ in range(2):
        job = report(*sides(folders), folders / "out", wanted, settings, overwrite=True)
        drain(job)
    assert len(table(folders / "out" / "scores.csv")) == 4


def test_failure_names_file_and_method(folders) -> None:
    bad = np.full((40, 44), np.nan, np.float32)
    tifffile.imwrite(folders / "better" / "f2.tif", bad)
    wanted = methods(folders, f"mine={folders / 'better'}")
    with pytest.raises(InputError, match=r"'f2\.tif' by 'mine': .*NaN"):
        drain(run(folders, wanted))
    (folders / "better" / "f0.tif").unlink()
    with pytest.raises(InputError, match="holds 0 results named 'f0'"):
        drain(run(folders, wanted))


def test_dots_are_part_of_a_name(tmp_path) -> None:
    for number, suffix in ((1, ".tif"), (2, ".ome.tif")):
        plane = np.full((8, 9), number, np.uint8)
        tifffile.imwrite(tmp_path / f"cell.{number}{suffix}", plane)
    (method,) = make_methods([f"mine={tmp_path}"], [], EnhanceSettings())
    for number in (1, 2):
        found = drain(method.run(tmp_path / f"cell.{number}.tif", None))
        assert np.unique(found.pixels[:, :]) == [number]


def test_result_of_an_image_in_capitals_is_found(tmp_path) -> None:
    source, results = tmp_path / "A.OME.TIF", tmp_path / "results"
    source.touch()
    results.mkdir()
    (task,) = batch.plan([source], results)
    tifffile.imwrite(task.output, np.full((8, 9), 7, np.uint8))
    (method,) = make_methods([f"mine={results}"], [], EnhanceSettings())
    assert np.unique(drain(method.run(source, None)).pixels[:, :]) == [7]


def test_methods_are_made_of_words(folders) -> None:
    deconvolutions = [DeconvolveSettings(iterations=n) for n in (5, 10)]
    words = ("raw", "richardson-lucy", "widefield-denoise")
    made = make_methods(words, deconvolutions, EnhanceSettings(device="cpu"))
    names = [m.name for m in made]
    assert names[:3] == ["raw", "richardson-lucy 5", "richardson-lucy 10"]
    assert len(made[3].described["model"]) > 0
    (only,) = make_methods(("richardson-lucy",), deconvolutions[:1], EnhanceSettings())
    assert only.name == "richardson-lucy"


def test_words_that_name_no_method(folders) -> None:
    with pytest.raises(InputError, match="under a name of its own"):
        methods(folders, "raw", "raw")
    with pytest.raises(InputError, match="is not a folder"):
        methods(folders, "mine=nowhere")
    with pytest.raises(CheckpointError, match="nowhere"):
        methods(folders, "nowhere")
