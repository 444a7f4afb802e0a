"""The report as one page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
import io
import json
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance import __version__
from napari_gan_enhance.metrics.box_plots import box_plot_figure
from napari_gan_enhance.metrics.picture import comparison_figure
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from napari_gan_enhance.comparison.fields import Panel
    from napari_gan_enhance.comparison.report import Report

TITLES = {
    "mse": "MSE (lower is better)",
    "nrmse_euclidean": "NRMSE, Euclidean (lower is better)",
    "nrmse_minmax": "NRMSE, min-max (lower is better)",
    "ssim": "SSIM (higher is better)",
    "psnr": "PSNR in dB (higher is better)",
    "si_psnr": "Scale-invariant PSNR in dB (higher is better)",
    "micro_ssim": "MicroSSIM (higher is better)",
}
PLOTTED = ("mse", "nrmse_euclidean", "ssim", "psnr")
"""The four metrics of Fig. 5 in arXiv 2403.18026."""

DPI = 110

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto;
       padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; }
.note { color: #555; }
.warning { border-left: .4em solid #c98a1b; padding: .4em 1em; background: #fbf3e0; }
code { overflow-wrap: anywhere; }
"""


def write_page(path: Path, report: Report) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    report : Report
    """
    body = "\n".join(_sections(report))
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Comparison of methods</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _sections(report: Report) -> Iterator[str]:
    fields = len({s.field for s in report.files})
    files = len({s.file for s in report.files})
    yield "<h1>Comparison of methods</h1>"
    yield from (f'<p class="warning">{escape(text)}</p>' for text in report.warnings)
    yield (
        f"<p>{fields} fields of view in {files} files. {escape(report.convention)} "
        "Each point is a field: the median over its files and planes.</p>"
    )
    yield _image(
        box_plot_figure({m: report.fields[m] for m in PLOTTED}, TITLES), "Box plots"
    )
    yield "<h2>Medians and quartiles</h2>"
    yield from (_summary(report, metric) for metric in report.summary)
    yield "<h2>Do the methods differ?</h2>"
    yield (
        '<p class="note">Kruskal-Wallis test over all methods; Dunn\'s test for each '
        "pair, adjusted after Holm. Both take fields as independent samples: that all "
        "methods saw the same fields is not used.</p>"
    )
    yield from (_tests(report, metric) for metric in report.summary)
    yield "<h2>Pictures</h2>"
    yield (
        '<p class="note">Evenly spaced among the files, not chosen by score. On the '
        "intensity scale of the reference; each picture has its own black and white, "
        "the profiles share one axis.</p>"
    )
    yield from (
        f"<h3>{escape(p.file)}</h3>{_image(_drawn(p), p.file)}" for p in report.panels
    )
    yield "<h2>Methods</h2>"
    yield from (
        f"<p>{escape(name)}: <code>{escape(json.dumps(what))}</code></p>"
        for name, what in report.methods.items()
    )
    yield f'<p class="note">napari-gan-enhance {escape(__version__)}</p>'


def _summary(report: Report, metric: str) -> str:
    rows = [
        [name, str(q.count), *(f"{v:.4g}" for v in (q.lower, q.median, q.upper))]
        for name, q in report.summary[metric].items()
    ]
    head = [TITLES[metric], "fields", "lower quartile", "median", "upper quartile"]
    return _table(head, rows)


def _tests(report: Report, metric: str) -> str:
    test = report.tests[metric]
    if test is None:
        return (
            f"<p>{TITLES[metric]}: not tested; it takes two methods, three fields and "
            "scores that differ.</p>"
        )
    rows = [[f"{a} / {b}", f"{p:.3g}"] for (a, b), p in test.pairs.items()]
    title = f"{TITLES[metric]}: H = {test.statistic:.3g}, p = {test.p:.3g}"
    return _table([title, "p (Dunn)"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        inner = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(r, 'td') for r in rows)}</table>"


def _drawn(panel: Panel) -> Figure:
    """Draw the crops and the profile along the row with most structure."""
    crops = {
        name: Micrograph(
            crop, "YX", VoxelSize(None, panel.pixel_um, panel.pixel_um), name=name
        )
        for name, crop in panel.crops.items()
    }
    truth = panel.crops["reference"]
    row = int(np.argmax(truth.var(axis=1)))
    return comparison_figure(crops, ((row, 0), (row, truth.shape[1] - 1)))


def _image(figure: Figure, text: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    coded = base64.b64encode(content.getvalue()).decode("ascii")
    return f'<p><img alt="{escape(text)}" src="data:image/png;base64,{coded}"></p>'
