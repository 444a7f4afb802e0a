"""`inspect`, `models`, `train` and `demo` from the shell."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import tifffile
import torch
import typer
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import save_checkpoint
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.metrics import input_statistics
from napari_gan_enhance.trust import training_statistics
from napari_gan_enhance.trust.suitability import judge

STEPS_S = 3.0
"""Some steps, and less than until the state is written the second time."""


def test_inspect_shows_a_checkpoint(cli, model):
    content = json.loads(cli("inspect", model, "--json").out)
    assert content["name"] == "tiny"
    assert content["spec"]["architecture"] == "residual-unet"
    assert len(content["sha256"]) == 64
    assert "A tiny test model." in cli("inspect", model).out


def test_inspect_shows_an_image(cli, image):
    content = cli("inspect", image, "--json")
    assert content.code == 0, content.err
    assert '"CYX"' in content.out
    assert "0.16" in cli("inspect", image).out


@pytest.mark.parametrize("name", ["none.tif", "none.safetensors"])
def test_inspect_of_a_missing_file_is_one_sentence(cli, tmp_path, name):
    assert cli("inspect", tmp_path / name).failed_with(name)


def test_models_lists_what_is_bundled(cli):
    content = json.loads(cli("models", "--json").out)
    bundled = ["widefield-denoise", "widefield-to-confocal"]
    assert [m["name"] for m in content["models"]] == bundled
    assert all(name in cli("models").out for name in bundled)


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE])
def test_standard_output_that_is_full_is_no_bug(cli, monkeypatch, options, number):
    really_echo = typer.echo

    def full(text, *, err=False, **more):
        if not err:
            raise OSError(number, "")
        really_echo(text, err=err, **more)

    monkeypatch.setattr(typer, "echo", full)
    done = cli("models", *options)
    if number == errno.EPIPE:  # the reader has seen enough
        assert (done.code, done.err) == (1, "")
    else:
        assert done.failed_with("Standard output cannot be written (No space left")


@pytest.fixture
def pairs(tmp_path, rng):
    for side in ("source", "target"):
        (tmp_path / side).mkdir()
    for field in range(4):
        clean = gaussian_filter(rng.random((130, 130)), 3).astype(np.float32)
        noisy = clean + rng.normal(0, clean.std(), clean.shape).astype(np.float32)
        tifffile.imwrite(tmp_path / "target" / f"{field}.tif", clean)
        tifffile.imwrite(tmp_path / "source" / f"{field}.tif", noisy)
    return tmp_path


def train(cli, pairs, *options):
    return cli(
        "train", "--source", pairs / "source", "--target", pairs / "target", *options
    )


def test_train_writes_a_checkpoint_that_enhances(cli, pairs):
    output = pairs / "mine.safetensors"
    done = train(cli, pairs, "-o", output, "--steps", 2, "--json")
    assert done.code == 0, done.err
    card = json.loads(done.out)["card"]
    assert (card["name"], card["steps"]) == ("mine", 2)
    assert card["training_data"][0]["pairs"] == 4
    image, result = pairs / "source" / "0.tif", pairs / "r.ome.tif"
    assert cli("enhance", image, "-o", result, "--model", output).code == 0
    assert train(cli, pairs, "-o", output).failed_with("already exists")


def test_a_training_can_write_down_what_its_images_look_like(
    cli, tmp_path, rng, monkeypatch
):
    few = partial(training_statistics.record_statistics, examples=18)
    monkeypatch.setattr(training_statistics, "record_statistics", few)
    for side in ("source", "target"):
        (tmp_path / side).mkdir()
    for field in range(9):
        clean = 1000 + 3000 * gaussian_filter(rng.random((160, 160)), 2)
        for side, noise in (("source", 200), ("target", 20)):
            noisy = rng.normal(clean, noise).clip(0).astype(np.uint16)
            tifffile.imwrite(tmp_path / side / f"{field}.tif", noisy)
    output = tmp_path / "mine.safetensors"
    done = train(cli, tmp_path, "-o", output, "--steps", 1, "--statistics", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["card"]["input_statistics"]["images"] == 9

    raw = read_micrograph(tmp_path / "source" / "0.tif")
    header = read_header(output)
    assert judge(raw, header.spec, header.card).level == "good"
    noise = raw.with_pixels(rng.normal(1000, 300, (160, 160)).astype(np.float32))
    assert judge(noise, header.spec, header.card).level != "good"


def test_training_is_complete_where_statistics_fail(cli, pairs, monkeypatch):
    def failed(*_):
        raise InputError("too few images")
        yield

    monkeypatch.setattr(training_statistics, "record_statistics", failed)
    monkeypatch.setattr(input_statistics, "LEAST_IMAGES", 4)
    output = pairs / "mine.safetensors"
    done = train(cli, pairs, "-o", output, "--steps", 1, "--statistics")
    assert done.code == 1
    *_, told, error = done.err.splitlines()
    assert told == "'mine.safetensors' is complete, but without --statistics."
    assert error == "Error: too few images"
    assert read_header(output).card.steps == 1


def test_too_few_images_for_statistics_are_told_before_the_training(cli, pairs):
    output = pairs / "mine.safetensors"
    done = train(cli, pairs, "-o", output, "--steps", 1, "--statistics")
    assert done.failed_with("4 images are too few", "--statistics")
    assert not output.exists()


def test_pieces_do_not_tell_what_images_look_like(cli, pairs):
    described = {"format": "napari-gan-enhance pairs", "version": 1, "pairs": []}
    for field in range(4):
        file = {"name": f"{field}.tif", "origin_px": [0, 0], "shape_px": [130, 130]}
        described["pairs"].append({"field": str(field), "files": [file]})
    (pairs / "pairs.json").write_text(json.dumps(described), encoding="utf-8")
    done = train(cli, pairs, "-o", pairs / "m.safetensors", "--statistics")
    assert done.failed_with("cut from larger images")


def test_json_has_no_number_that_is_none(cli, model):
    header = read_header(model)
    weights = load_file(model)
    card = header.card.model_copy(update={"note": [float("nan"), float("inf"), 1.5]})
    save_checkpoint(model, weights, header.spec, card, overwrite=True)
    text = cli("inspect", model, "--json").out
    assert json.loads(text, parse_constant=pytest.fail)["card"]["note"] == [
        None,
        None,
        1.5,
    ]


def test_fine_tuning_names_its_parent(cli, pairs):
    first, second = pairs / "a.safetensors", pairs / "b.safetensors"
    train(cli, pairs, "-o", first, "--steps", 1)
    done = train(cli, pairs, "-o", second, "--steps", 1, "--from", first, "--json")
    parent = json.loads(cli("inspect", first, "--json").out)["sha256"]
    assert json.loads(done.out)["card"]["parent"] == parent


def test_any_setting_of_a_recipe_can_be_changed(cli, pairs):
    output = pairs / "x.safetensors"
    settings = (
        "learning_rate=5e-4",
        "pixel_loss=absolute",
        'config={"width":4}',
        'config={"depth":2}',
    )
    options = [part for setting in settings for part in ("--set", setting)]
    done = train(cli, pairs, "-o", output, "--steps", 1, *options, "--json")
    assert done.code == 0, done.err
    recipe = json.loads(done.out)["card"]["recipe"]
    assert (recipe["learning_rate"], recipe["pixel_loss"]) == (5e-4, "absolute")
    network = read_header(output).spec.config
    assert recipe["config"] == network
    assert (network["width"], network["depth"], network["in_channels"]) == (4, 2, 1)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("batch=0", "--set batch 0: Input should be greater than or equal to 1"),
        ("magic=1", "--set magic=1: NAME=VALUE is needed, NAME one of adversarial_we"),
        ("batch", "--set batch: NAME=VALUE is needed"),
        ("precision=half", "--set precision half: Input should be 'bf16-mixed' or"),
        ("learning_rate=Infinity", "--set learning_rate inf: Input should be a finite"),
        ("seed=7", "--set seed=7: seed has an option of its own - use --seed."),
        ('config={"widht":4}', "--set config, widht 4: Extra inputs are not"),
        ("config=3", "--set config 3: Input should be a valid dictionary"),
    ],
)
def test_settings_that_cannot_be_are_refused(cli, pairs, setting, reason):
    output = pairs / "x.safetensors"
    done = train(cli, pairs, "-o", output, "--set", setting)
    assert done.code == 2
    assert reason in " ".join(done.err.replace("│", " ").split())
    assert not output.exists()


def test_train_refuses_what_cannot_be(cli, pairs):
    output = pairs / "x.safetensors"
    refused = train(cli, pairs, "-o", output, "--steps", 0)
    assert (refused.code, "--steps 0:" in refused.err) == (2, True)
    assert train(cli, pairs, "-o", output, "--recipe", "magic").failed_with("'magic'")
    (pairs / "target" / "2.tif").unlink()
    assert train(cli, pairs, "-o", output).failed_with("'2.tif' has no target")
    assert not output.exists()


def test_card_may_begin_with_the_mark_of_windows(cli, pairs):
    card = pairs / "card.json"
    card.write_text('{"steps": 5}', encoding="utf-8-sig")
    done = train(cli, pairs, "-o", pairs / "x.safetensors", "--card", card)
    assert done.failed_with("'card.json' cannot be used (steps is filled in")


@pytest.mark.skipif(sys.platform != "linux", reason="other disks refuse such names")
def test_names_that_are_no_utf8_can_be_trained(cli, pairs):
    odd = b"\xfc".decode("utf-8", "surrogateescape")
    for side in ("source", "target"):
        (pairs / odd / side).mkdir(parents=True)
        for path in (pairs / side).iterdir():
            path.rename(pairs / odd / side / f"{odd}{path.name}")
    output = pairs / f"{odd}.safetensors"
    done = train(cli, pairs / odd, "-o", output, "--steps", 1, "--json")
    assert done.code == 0, done.err
    card = json.loads(done.out)["card"]
    (data,) = card["training_data"]
    assert card["name"] == data["name"] == "\ufffd"
    assert data["validation_fields"][0].startswith("\ufffd")


def test_what_a_start_model_brings_along_cannot_be_set(cli, pairs):
    first, second = pairs / "a.safetensors", pairs / "b.safetensors"
    train(cli, pairs, "-o", first, "--steps", 1, "--set", "low_percentile=20")
    assert read_header(first).spec.low_percentile == 20
    options = ("-o", second, "--from", first, "--set", "low_percentile=1")
    assert train(cli, pairs, *options).code == 2
    assert not second.exists()


def test_demo_writes_three_images_and_a_picture(cli, tmp_path):
    done = cli("demo", "--headless", tmp_path / "demo")
    assert done.code == 0, done.err
    names = sorted(p.name for p in (tmp_path / "demo").iterdir())
    assert names == [
        "comparison.png",
        "deconvolved.ome.tif",
        "enhanced.ome.tif",
        "raw.ome.tif",
    ]
    for name in ("raw", "enhanced", "deconvolved"):
        size = read_micrograph(tmp_path / "demo" / f"{name}.ome.tif").voxel_size_um
        # 45.5276 pixels per µm, as the published file says
        assert size == pytest.approx((0.125, 1 / 45.5276, 1 / 45.5276), rel=1e-5)
    again = cli("demo", "--headless", tmp_path / "demo")
    assert again.code == 1
    assert "already exists" in again.err


def test_unexpected_error_is_still_one_sentence(cli, monkeypatch, tmp_path):
    import napari_gan_enhance.io.read as read

    def broken(path):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(read, "describe", broken)
    assert cli("inspect", tmp_path).failed_with("ZeroDivisionError: oh", "report")
    monkeypatch.setenv("NAPARI_GAN_ENHANCE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError, match="oh"):
        cli("inspect", tmp_path)


def test_piece_that_cannot_be_decoded_gives_one_sentence(rng, tmp_path):
    path = tmp_path / "damaged.tif"
    pixels = rng.integers(0, 255, (1024, 1024), dtype=np.uint8)
    tifffile.imwrite(path, pixels, compression="zlib", tile=(64, 64))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(content)
    # In a process of its own: asyncio complains of unfinished reads at its end.
    command = [sys.executable, "-m", "napari_gan_enhance", "evaluate", path, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "'damaged.tif' cannot be decoded" in done.stderr


def test_simulate_makes_pairs_of_one_microscope(cli, tmp_path):
    options = ["--fields", 2, "--size", 64, "--numerical-aperture", 0.8]
    options += ["--pixel-um", "0.1,0.2", "--thickness-um", 3, "--json"]
    done = cli("simulate", "-o", tmp_path / "data", *options)
    assert done.code == 0, done.err
    assert json.loads(done.out)["numerical_aperture"] == [0.8, 0.8]
    made = json.loads((tmp_path / "data" / "simulation.json").read_text("utf-8"))
    planes_um = [pair["formation"]["optics"]["plane_um"] for pair in made["pairs"]]
    assert planes_um == pytest.approx([3 / 15] * 2)  # fifteen planes
    source = read_micrograph(tmp_path / "data" / "source" / "drawn_0001.tif")
    assert source.microscope.numerical_aperture == pytest.approx(0.8)
    assert 0.1 <= source.voxel_size_um.x <= 0.2


def test_simulate_refuses_limits_in_the_wrong_order(cli, tmp_path):
    done = cli("simulate", "-o", tmp_path / "data", "--pixel-um", "0.2,0.1")
    assert done.code == 2
    assert "takes one or two positive" in done.err


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--numerical-aperture", "3", "below 2"),
        ("--numerical-aperture", "1.4,1.6", "must be below the index"),
        ("--emission-nm", "5", "100 to 3000 nm"),
        ("--pixel-um", "65", "less than or equal to 10"),
        ("--thickness-um", "1e9", "less than or equal to 100"),
        ("--photons", "1e300", "less than or equal to 1000000000"),
    ],
)
def test_simulate_refuses_what_cannot_be_before_the_folder_is_made(
    cli, tmp_path, option, value, reason
):
    done = cli("simulate", "-o", tmp_path / "data", option, value)
    assert done.code == 2
    assert reason in " ".join(done.err.replace("│", " ").split())
    assert not (tmp_path / "data").exists()


def test_simulate_needs_sharp_images_in_the_folder(cli, tmp_path):
    (tmp_path / "._0.tif").write_bytes(b"of macOS")
    (tmp_path / "old.tif").mkdir()
    done = cli("simulate", "-o", tmp_path / "data", "--sharp", tmp_path)
    assert done.failed_with("holds no TIFF files")


@pytest.mark.parametrize("command", ["evaluate", "align", "train", "report"])
def test_a_file_of_several_images_is_refused_where_one_is_meant(
    cli, positions, pairs, command
):
    """The first may not be the one: what it was compared with would be wrong."""
    sides = ("--source", pairs / "source", "--target", pairs / "target")
    positions.replace(held := pairs / "source" / "0.tif")
    options = {
        "evaluate": (held, pairs / "target" / "1.tif"),
        "align": (held, pairs / "target" / "0.tif", "-o", pairs / "out.tif"),
        "train": (*sides, "-o", pairs / "out.safetensors", "--steps", 1),
        "report": (*sides, "-o", pairs / "out"),
    }[command]
    assert cli(command, *options).failed_with("'0.tif' holds 3 images")
    assert not list(pairs.glob("out*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_train_that_is_ended_writes_down_where_it_was(pairs, name):
    output = pairs / "mine.safetensors"
    settings = ("--recipe", "supervised", "--set", 'config={"width":4}')
    command = [sys.executable, "-m", "napari_gan_enhance", "train", *settings]
    sides = ("--source", pairs / "source", "--target", pairs / "target")
    with subprocess.Popen(
        [*map(str, (*command, *sides, "-o", output))],
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets what it starts in the background ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:
        for line in child.stderr:
            if line.startswith("Start:"):
                break
        time.sleep(STEPS_S)
        child.send_signal(getattr(signal, name))
        *_, told, last = child.stderr
        assert child.wait(60) == 130
    assert told == "'mine.safetensors' is unfinished: --resume goes on with it.\n"
    assert last == "Stopped.\n"
    stored = torch.load(output.with_suffix(".resume"), weights_only=True)
    assert stored["training"]["step"] > 0
