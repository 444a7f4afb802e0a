"""Tables and figures of profiles."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from napari_gan_enhance.metrics.line_profile_curve import Curve, analyze
from napari_gan_enhance.metrics.line_profile_figure import Crop, profile_figure
from napari_gan_enhance.metrics.line_profile_table import profile_csv


def bell(name: str = "cells", color: str = "#ffff00") -> Curve:
    x = np.linspace(0, 4, 121)
    values = 5 + 100 * np.exp(-((x - 2) ** 2) / (2 * 0.2**2))
    values[:5] = np.nan
    return Curve(name, x, values, np.full(121, 2.0), "µm", color, 3)


def test_table_gives_back_the_curve_and_says_what_it_is() -> None:
    curve = bell("a, b")
    text = profile_csv({"Line 1": [analyze(curve, fits=True)]}, {"width": "0.3 µm"})
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0] == "# width: 0.3 µm"
    # FWHM = 0.2 * 2.3548
    assert any("peak: Line 1, a, b: position 2 um" in h for h in head)
    assert any("FWHM 0.470964" in h for h in head)
    assert head[-1] == "# verdict: Line 1, a, b: one peak"
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = list(csv.DictReader(io.StringIO(body)))
    assert (rows[0]["line"], rows[0]["layer"]) == ("Line 1", "a, b")
    assert rows[0]["intensity"] == ""
    read = [float(row["intensity"]) for row in rows[5:]]
    np.testing.assert_allclose(read, curve.values[5:], rtol=1e-8)
    assert [float(r["distance_um"]) for r in rows] == pytest.approx(curve.distance)


def test_normalized_goes_from_0_to_1_with_its_error() -> None:
    curve = bell().normalized()
    assert (np.nanmin(curve.values), np.nanmax(curve.values)) == (0, 1)
    assert curve.standard_error[9] == pytest.approx(2 / 100, rel=1e-3)
    flat = Curve("", np.arange(3.0), np.ones(3), np.full(3, np.nan)).normalized()
    assert flat.values.tolist() == [0, 0, 0]


def test_band_leaves_gaps_out() -> None:
    distance, low, high = bell().band()
    assert len(distance) == 116
    np.testing.assert_allclose(high - low, 4)


def crop(name: str = "cells") -> Crop:
    pixels = np.zeros((20, 30, 3))
    line = np.array([[1.0, 0.5], [1.0, 2.5]])
    return Crop(name, "#ff00ff", pixels, (2.0, 3.0), line, 0.2, "µm")


@pytest.mark.parametrize("count", [0, 1, 4])
def test_figure_has_a_crop_beside_the_curves_for_each_layer(count: int) -> None:
    pytest.importorskip("matplotlib")
    figure = profile_figure([bell(), bell("other")], [crop()] * count)
    *crops, plot = figure.axes
    assert len(crops) == count
    assert plot.get_xlabel() == "Distance (µm)"
    assert [t.get_text() for t in plot.get_legend().texts] == ["cells", "other"]
    for axes in crops:
        # A quarter of 3 µm at most, as 1, 2 or 5 times a power of ten.
        assert axes.texts[0].get_text() == "0.5 µm"
    assert [line.get_color() for line in plot.lines] == ["#979700"] * 2  # dark yellow


def test_svg_holds_text_and_curve() -> None:
    pytest.importorskip("matplotlib")
    file = io.StringIO()
    profile_figure([bell()], [crop()]).savefig(file, format="svg")
    assert file.getvalue().count("<path") > 5
