"""`report` from the shell, with all kinds of methods."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

OPTICS = ("--numerical-aperture", 0.8, "--immersion-index", 1.0, "--emission-nm", 520)


@pytest.fixture
def fields(tmp_path, rng):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    for number in range(3):
        sharp = gaussian_filter((rng.random((64, 64)) < 0.03) * 3000.0, 1)
        blurred = rng.poisson(gaussian_filter(sharp, 1.5) + 20)
        tifffile.imwrite(tmp_path / "target" / f"{number}.tif", sharp.astype("f4"))
        tifffile.imwrite(tmp_path / "source" / f"{number}.tif", blurred.astype("u2"))
    return tmp_path


def command(fields, *options):
    folders = ["--source", fields / "source", "--target", fields / "target"]
    return ["report", *folders, "-o", fields / "out", "--pictures", 1, *options]


def test_report_of_raw_deconvolved_and_enhanced(cli, fields, model):
    pytest.importorskip("scikit_posthocs", reason="extra 'stats' is not installed")
    methods = ("--method", "raw", "--method", "richardson-lucy", "--method", model)
    size = ("--voxel-size-um", "0.3,0.16,0.16", "--iterations", 5, "--iterations", 20)
    done = cli(*command(fields, *methods, *OPTICS, *size, "--json"))
    assert done.code == 0, done.err
    summary = json.loads(done.out)["summary"]["psnr"]
    assert list(summary) == ["raw", "richardson-lucy 5", "richardson-lucy 20", "tiny"]
    assert summary["richardson-lucy 5"]["median"] > summary["raw"]["median"]
    assert (fields / "out" / "report.html").stat().st_size > 10_000
    assert np.isfinite([s["median"] for s in summary.values()]).all()


def test_missing_optics_name_the_option(cli, fields):
    pytest.importorskip("scikit_posthocs", reason="extra 'stats' is not installed")
    done = cli(*command(fields, "--method", "richardson-lucy"))
    assert done.failed_with("'0.tif' by 'richardson-lucy'", "--numerical-aperture")
    assert not (fields / "out").exists()
