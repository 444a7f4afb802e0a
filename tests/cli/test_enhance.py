"""`enhance` from the shell: results, refusals, many files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.progress import Progress

ENDING = [n for n in signal.Signals if n.name in ("SIGTERM", "SIGHUP")]


def test_result_keeps_size_and_metadata(cli, image, model, tmp_path):
    output = tmp_path / "result.ome.tif"
    done = cli("enhance", image, "-o", output, "--model", model, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["files"][0]["status"] == "done"
    result = read_micrograph(output)
    assert result.axes == "CYX"
    assert result.shape == (2, 40, 50)
    assert result.voxel_size_um.x == pytest.approx(0.16)
    assert result.pixels.dtype == np.float32
    assert result.provenance["model"]["name"] == "tiny"


def test_zarr_result_equals_tiff_result(cli, image, model, tmp_path):
    for name in ("a.ome.tif", "b.ome.zarr"):
        assert cli("enhance", image, "-o", tmp_path / name, "--model", model).code == 0
    tiff, zarr = (read_micrograph(tmp_path / n) for n in ("a.ome.tif", "b.ome.zarr"))
    everything = (slice(None),) * 3
    np.testing.assert_array_equal(tiff.pixels[everything], zarr.pixels[everything])


def test_existing_output_is_refused_and_kept(cli, image, model, tmp_path):
    output = tmp_path / "result.ome.tif"
    output.write_bytes(b"precious")
    done = cli("enhance", image, "-o", output, "--model", model)
    assert done.failed_with("already exists")
    assert output.read_bytes() == b"precious"
    again = cli("enhance", image, "-o", output, "--model", model, "--overwrite")
    assert again.code == 0


def test_folder_is_enhanced_and_resumed(cli, image, model, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        (folder / name).write_bytes(image.read_bytes())
    (folder / "notes.txt").write_text("not an image")
    (folder / "broken.tif").write_bytes(b"II*\0")
    arguments = ("enhance", folder, "-o", tmp_path / "out", "--model", model, "--json")
    first = cli(*arguments)
    statuses = [f["status"] for f in json.loads(first.out)["files"]]
    assert (first.code, statuses) == (1, ["done", "done", "failed"])
    assert "broken.tif" in first.err
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["a.ome.tif", "b.ome.tif"]
    second = cli(*arguments)
    statuses = [f["status"] for f in json.loads(second.out)["files"]]
    assert statuses == ["skipped", "skipped", "failed"]


@pytest.fixture
def days(image, tmp_path):
    """Two folders of other images under the same names."""
    for day in ("day1", "day2"):
        (tmp_path / day).mkdir()
        for name in ("a.tif", "b.tif"):
            pixels = tifffile.imread(image) + int(day[-1])
            tifffile.imwrite(tmp_path / day / name, pixels, imagej=True)
    return tmp_path / "day1", tmp_path / "day2"


def statuses(done):
    return [f["status"] for f in json.loads(done.out)["files"]]


def test_results_of_other_images_are_not_taken_for_done(cli, days, model, tmp_path):
    out = tmp_path / "out"
    options = ("-o", out, "--model", model, "--json")
    assert statuses(cli("enhance", days[0], *options)) == ["done"] * 2
    before = (out / "a.ome.tif").read_bytes()
    other = cli("enhance", days[1], *options)
    assert (other.code, statuses(other)) == (1, ["failed"] * 2)
    assert f"'a.ome.tif' in '{out}' was made of another file of that name" in other.err
    assert (out / "a.ome.tif").read_bytes() == before
    assert statuses(cli("enhance", days[1], *options, "--overwrite")) == ["done"] * 2
    assert statuses(cli("enhance", days[1], *options)) == ["skipped"] * 2


def test_file_recorded_again_is_not_taken_for_done(cli, days, model, tmp_path):
    arguments = ("enhance", days[0], "-o", tmp_path / "out", "--model", model, "--json")
    assert cli(*arguments).code == 0
    tifffile.imwrite(days[0] / "a.tif", np.eye(40, dtype=np.uint16))
    again = cli(*arguments)
    assert statuses(again) == ["failed", "skipped"]
    assert "or of this one before it changed" in again.err


def test_result_that_tells_no_source_is_refused(
    cli, days, model, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    arguments = ("enhance", days[0], "-o", out, "--model", model, "--json")
    with monkeypatch.context() as former:
        former.setattr(
            "napari_gan_enhance.cli._existing.made_from", lambda result, _: result
        )
        assert cli(*arguments).code == 0
    again = cli(*arguments)
    assert (again.code, statuses(again)) == (1, ["failed"] * 2)
    assert "does not tell what it was made of" in again.err


def test_folder_of_one_image_is_resumed(cli, image, model, tmp_path):
    (tmp_path / "one").mkdir()
    image.rename(tmp_path / "one" / image.name)
    wanted = ("enhance", tmp_path / "one", "-o", tmp_path / "out", "--model", model)
    for status in ("done", "skipped"):
        done = cli(*wanted, "--json")
        assert done.code == 0, done.err
        assert [f["status"] for f in json.loads(done.out)["files"]] == [status]


def test_folder_of_the_inputs_is_not_that_of_the_results(cli, image, model, tmp_path):
    folder = tmp_path / "same"
    folder.mkdir()
    image.rename(folder / image.name)
    done = cli("enhance", folder, "-o", folder, "--model", model)
    assert done.failed_with("same", "choose another folder")
    assert [p.name for p in folder.iterdir()] == [image.name]


def test_same_names_in_two_folders_are_refused(cli, image, model, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / image.name).write_bytes(image.read_bytes())
    out = tmp_path / "out"
    done = cli("enhance", image, other / image.name, "-o", out, "--model", model)
    assert done.failed_with("would both become 'cells.ome.tif'")


def test_input_is_never_its_own_output(cli, image, model, tmp_path):
    before = image.read_bytes()
    done = cli("enhance", image, "-o", image, "--model", model, "--overwrite")
    assert done.failed_with("of which it is the whole or a part - inputs are never")
    assert image.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "nowhere"), ("'nowhere'", "neither bundled nor a file")),
        (("--tile", "30"), ("Tile size 30", "multiple of 4", "28 or 32")),
    ],
)
def test_wrong_settings_give_one_sentence(
    cli, image, model, tmp_path, arguments, words
):
    options = arguments if "--model" in arguments else ("--model", model, *arguments)
    done = cli("enhance", image, "-o", tmp_path / "r.ome.tif", *options)
    assert not (tmp_path / "r.ome.tif").exists()
    assert done.failed_with(*words)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((40, 40), np.uint8), "All pixels have the value 0"),
        (np.ones((3, 40), np.uint8), "3 x 40 pixels"),
        (np.full((40, 40), np.nan, np.float32), "NaN or infinite"),
    ],
)
def test_bad_images_leave_nothing_behind(cli, model, tmp_path, pixels, words):
    tifffile.imwrite(tmp_path / "bad.tif", pixels)
    before = sorted(tmp_path.iterdir())
    done = cli(
        "enhance", tmp_path / "bad.tif", "-o", tmp_path / "r.ome.tif", "--model", model
    )
    assert done.failed_with(words)
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_usage_is_code_2(cli, image):
    assert cli("enhance", image).code == 2
    assert cli("enhance", image, "-o", "x", "--device", "abacus").code == 2
    assert cli("nonsense").code == 2
    assert cli("enhance", image, "-o", "x", "--tile", "0").code == 2


def test_of_several_files_the_message_names_the_bad_one(cli, image, model, tmp_path):
    tifffile.imwrite(tmp_path / "dark.tif", np.zeros((40, 40), np.uint8))
    out = tmp_path / "out"
    done = cli("enhance", image, tmp_path / "dark.tif", "-o", out, "--model", model)
    assert "Error: dark.tif: All pixels" in done.err


def test_folders_named_like_images_are_left_alone(cli, image, model, tmp_path):
    folder = tmp_path / "many"
    (folder / "old.tif").mkdir(parents=True)
    (folder / "a.tif").write_bytes(image.read_bytes())
    out = tmp_path / "out"
    assert cli("enhance", folder, "-o", out, "--model", model).code == 0
    assert [p.name for p in out.iterdir()] == ["a.ome.tif"]


def test_unknown_suffix_makes_no_folder(cli, image, model, tmp_path):
    done = cli("enhance", image, "-o", tmp_path / "r.png", "--model", model)
    assert done.failed_with("'r.png' has no suffix", ".ome.tif")
    assert not (tmp_path / "r.png").exists()


def test_several_inputs_do_not_make_a_folder_named_like_a_file(
    cli, image, model, tmp_path
):
    other = tmp_path / "other.tif"
    other.write_bytes(image.read_bytes())
    done = cli("enhance", image, other, "-o", tmp_path / "r.ome.tif", "--model", model)
    assert done.failed_with("'r.ome.tif' is the name of one file", "folder")
    assert not (tmp_path / "r.ome.tif").exists()


def test_memory_that_ends_gives_one_sentence(cli, tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError("Unable to allocate 101 GiB")

    monkeypatch.setattr("napari_gan_enhance.io.read.describe", no_memory)
    assert cli("inspect", tmp_path / "a.tif").failed_with("ran out of memory", "101")


@pytest.fixture
def ended_by(monkeypatch):
    """Return what sends a signal in the middle of writing a result, and once more."""

    def set_signal(number):
        def ended(path, micrograph, *, overwrite):
            with atomic_file(path, overwrite) as part:
                part.write_bytes(b"half")
                yield Progress(0, 1, "writing")
                try:
                    os.kill(os.getpid(), number)
                    yield Progress(1, 1, "writing")
                    part.write_bytes(b"whole")
                finally:
                    os.kill(os.getpid(), number)

        monkeypatch.setattr("napari_gan_enhance.io.write.write_micrograph", ended)

    return set_signal


@pytest.mark.parametrize("number", ENDING)
def test_ended_from_outside_leaves_nothing_behind(
    cli, image, model, tmp_path, ended_by, number
):
    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    ended_by(number)
    out = tmp_path / "out"
    try:
        done = cli("enhance", image, "-o", out, "--model", model)
        assert (done.code, done.err) == (130, "Stopped.\n")
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert list(out.iterdir()) == []


@pytest.mark.skipif(len(ENDING) < 2, reason="Windows has no SIGHUP")
def test_under_nohup_a_closed_terminal_ends_nothing(
    cli, image, model, tmp_path, ended_by
):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ended_by(signal.SIGHUP)
    out = tmp_path / "out"
    try:
        assert cli("enhance", image, "-o", out, "--model", model).code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [p.read_bytes() for p in out.iterdir()] == [b"whole"]


def test_all_images_of_a_file_become_results_in_a_folder(
    cli, image, positions, model, tmp_path
):
    out = tmp_path / "out"
    arguments = ("enhance", positions, image, "-o", out, "--model", model, "--json")
    done = cli(*arguments)
    assert (done.code, statuses(done)) == (0, ["done"] * 4), done.err
    assert [f["image"] for f in json.loads(done.out)["files"]] == [0, 1, 2, 0]
    names = [f"positions_s{n}.ome.tif" for n in range(3)]
    assert {p.name for p in out.iterdir()} >= set(names)
    for number, name in enumerate(names):
        alone, expected = (
            tmp_path / f"alone{number}.tif",
            tmp_path / f"{number}.ome.tif",
        )
        tifffile.imwrite(alone, tifffile.imread(positions, series=number))
        assert cli("enhance", alone, "-o", expected, "--model", model).code == 0
        np.testing.assert_array_equal(
            tifffile.imread(out / name), tifffile.imread(expected)
        )
    assert statuses(cli(*arguments)) == ["skipped"] * 4
    # A result of one image is none of another.
    (out / names[0]).replace(out / names[1])
    done = cli(*arguments)
    assert statuses(done) == ["done", "failed", "skipped", "skipped"]
    reason = json.loads(done.out)["files"][1]["message"]
    assert "'positions_s1.ome.tif' in" in reason
    assert "was made of another image of that file" in reason


def test_an_image_of_a_file_never_replaces_a_result_of_the_same_run(
    cli, image, positions, model, tmp_path
):
    shutil.copy(image, image.with_name("positions_s1.tif"))
    out = tmp_path / "out"
    done = cli(
        *("enhance", positions, image.with_name("positions_s1.tif"), "-o", out),
        *("--model", model, "--json", "--overwrite"),
    )
    assert statuses(done) == ["done"] * 3 + ["failed"]
    reason = json.loads(done.out)["files"][3]["message"]
    assert "both become 'positions_s1.ome.tif' - every result needs a name" in reason


def test_other_images_of_a_file_are_named(cli, positions, model, tmp_path):
    output = tmp_path / "first.ome.tif"
    done = cli("enhance", positions, "-o", output, "--model", model, "--json")
    assert done.code == 0
    (note,) = json.loads(done.out)["files"][0]["notes"]
    assert "'positions.tif' holds 3 images - the first is taken" in note
    assert note in done.err


def test_one_of_several_files_that_hold_positions_is_refused(cli, model, tmp_path):
    """Each describes all positions: the first image need not be its own."""
    images = "".join(
        f'<Image ID="Image:{n}"><Pixels ID="Pixels:{n}" DimensionOrder="XYZCT" '
        'Type="uint8" SizeX="32" SizeY="32" SizeZ="1" SizeC="1" SizeT="1">'
        f'<Channel ID="Channel:{n}"/><TiffData IFD="0"><UUID FileName="p{n}.ome.tif">'
        f"urn:uuid:{n}</UUID></TiffData></Pixels></Image>"
        for n in range(2)
    )
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    for n in range(2):
        xml = f'<OME xmlns="{schema}" UUID="urn:uuid:{n}">{images}</OME>'
        pixels = np.arange(1024, dtype=np.uint8).reshape(32, 32) % (100 * n + 50)
        path = tmp_path / f"p{n}.ome.tif"
        tifffile.imwrite(path, pixels, description=xml, metadata=None)
    out = tmp_path / "out.ome.tif"
    done = cli("enhance", tmp_path / "p1.ome.tif", "-o", out, "--model", model)
    assert done.failed_with("'p1.ome.tif' is one of 2 files that hold 2 images")
    assert not out.exists()
    given = ("enhance", tmp_path / "p1.ome.tif", "-o", tmp_path / "many")
    assert statuses(cli(*given, "--model", model, "--json")) == ["done"] * 2


def test_file_that_is_given_twice_is_done_once(cli, image, model, tmp_path):
    given = (image, image, "-o", tmp_path / "out")
    assert statuses(cli("enhance", *given, "--model", model, "--json")) == ["done"]


@pytest.mark.parametrize("name", ["細胞.tif", "😀.tif"])
def test_report_is_json_whatever_the_terminal_can_write(image, tmp_path, name):
    path = image.with_name(name)
    shutil.copy(image, path)
    done = subprocess.run(
        [sys.executable, "-m", "napari_gan_enhance", "inspect", path, "--json"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=True,
    )
    assert name in json.loads(done.stdout.decode("cp1252"))["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="such names are Linux's alone")
def test_name_in_another_encoding_is_no_obstacle(cli, image, model, tmp_path):
    folder, name = tmp_path / "many", os.fsdecode(b"caf\xe9.tif")
    folder.mkdir()
    shutil.copy(image, folder / name)
    shutil.copy(image, folder / "z.tif")
    arguments = ("enhance", folder, "-o", tmp_path / "out", "--model", model, "--json")
    first = cli(*arguments)
    assert (first.code, statuses(first)) == (0, ["done"] * 2), first.err
    assert json.loads(first.out)["files"][0]["input"] == str(folder / name)
    assert statuses(cli(*arguments)) == ["skipped"] * 2
    assert "caf\\udce9" in cli("inspect", folder / name).out
