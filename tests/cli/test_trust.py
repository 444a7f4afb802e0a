"""`enhance --trust`: maps beside a result."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_gan_enhance.io.read import read_micrograph

MAPS = ("expected-error", "beyond-the-evidence", "re-blur-score", "disagreement")


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_maps_lie_beside_the_result(cli, image, model, tmp_path, suffix):
    output = tmp_path / f"result{suffix}"
    done = cli("enhance", image, "-o", output, "--model", model, "--trust")
    assert done.code == 0, done.err
    assert "supports detail down to" in done.err
    result = read_micrograph(output)
    for name in MAPS:
        made = read_micrograph(tmp_path / f"result.{name}{suffix}")
        assert (made.axes, made.shape) == (result.axes, result.shape)
        assert made.provenance["operation"] == "trust"
        assert len(made.provenance["trust"]["planes"]) == 2
    assert np.asarray(made.pixels[...]).any()


def test_fast_maps_ask_the_model_once_only(cli, image, model, tmp_path):
    output = tmp_path / "result.ome.tif"
    options = ("--trust", "--trust-passes", "0")
    done = cli("enhance", image, "-o", output, "--model", model, *options)
    assert done.code == 0, done.err
    assert not (tmp_path / "result.disagreement.ome.tif").exists()
    assert (tmp_path / "result.expected-error.ome.tif").exists()


def test_other_file_under_the_name_of_a_map_is_kept(cli, image, model, tmp_path):
    other = tmp_path / "result.expected-error.ome.tif"
    other.write_bytes(b"precious")
    output = tmp_path / "result.ome.tif"
    done = cli("enhance", image, "-o", output, "--model", model, "--trust")
    assert done.code == 1
    assert "already exists" in done.err
    assert other.read_bytes() == b"precious"
    assert not output.exists()


def test_result_without_its_maps_is_not_done(cli, image, model, tmp_path):
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        (folder / name).write_bytes(image.read_bytes())
    arguments = ("enhance", folder, "-o", tmp_path / "out", "--model", model, "--json")
    fast = ("--trust", "--trust-passes", "0")

    def statuses(*more):
        done = cli(*arguments, *more)
        return [f["status"] for f in json.loads(done.out)["files"]], done.err

    assert statuses()[0] == ["done"] * 2
    found, said = statuses(*fast)
    assert found == ["failed"] * 2
    assert "lacks maps of trust" in said
    assert statuses(*fast, "--overwrite")[0] == ["done"] * 2
    assert statuses(*fast)[0] == ["skipped"] * 2
    (tmp_path / "out" / "b.re-blur-score.ome.tif").unlink()
    assert statuses(*fast)[0] == ["skipped", "failed"]
    assert statuses("--trust", "--trust-passes", "4")[0] == ["failed"] * 2


def test_each_image_of_a_file_has_its_own_maps(cli, positions, model, tmp_path):
    out = tmp_path / "out"
    options = ("--trust", "--trust-passes", "0", "--json")
    arguments = ("enhance", positions, "-o", out, "--model", model, *options)
    assert cli(*arguments).code == 0
    for number in range(3):
        assert (out / f"positions_s{number}.expected-error.ome.tif").exists()
    again = json.loads(cli(*arguments).out)["files"]
    assert [f["status"] for f in again] == ["skipped"] * 3
