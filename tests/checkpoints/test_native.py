"""Checkpoints: round trip, damage, lies, and files of others."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import psutil
import pytest
import torch
from safetensors.torch import save_file

from napari_gan_enhance.checkpoints.bundled import bundled_models, resolve_model
from napari_gan_enhance.checkpoints.header import METADATA_KEY, read_header
from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.checkpoints.native import load_network, save_checkpoint
from napari_gan_enhance.errors import CheckpointError, OutputError
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.spec import ModelCard, ModelSpec

CONFIG = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 2}
SPEC = spec_of("residual-unet", CONFIG)

MOST_GROWTH_BYTES = 2**28
"""Of memory while a lie is found out; the weights it claims would take 100 GB."""


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network("residual-unet", CONFIG).eval()


@pytest.fixture
def checkpoint(tmp_path, network):
    path = tmp_path / "model.safetensors"
    card = ModelCard(name="tiny", licence="BSD-3-Clause")
    return save_checkpoint(path, network.state_dict(), SPEC, card)


def test_weights_and_card_come_back(checkpoint, network):
    header = read_header(checkpoint)
    assert (header.name, header.card.licence) == ("tiny", "BSD-3-Clause")
    assert header.spec == SPEC
    image = torch.rand(1, 1, 16, 16)
    assert torch.equal(load_network(header)(image), network(image))


def test_loading_leaves_the_compiler_of_torch_alone():
    """It took longer than torch itself, and is not used."""
    code = (
        "import sys; "
        "from napari_gan_enhance.checkpoints.load import load_generator; "
        "load_generator('widefield-denoise', device='cpu'); "
        "print([m for m in ('torch._dynamo', 'sympy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == "[]"


def test_unknown_keys_survive_saving_again(tmp_path, checkpoint, network):
    header = read_header(checkpoint)
    spec = ModelSpec.model_validate({**header.spec.model_dump(), "from_the_future": 1})
    card = ModelCard.model_validate({**header.card.model_dump(), "mood": "sunny"})
    save_checkpoint(tmp_path / "again.safetensors", network.state_dict(), spec, card)
    again = read_header(tmp_path / "again.safetensors")
    assert again.spec.model_extra == {"from_the_future": 1}
    assert again.card.model_extra == {"mood": "sunny"}


def test_half_precision_weights_load_as_float32(tmp_path, network):
    state = {name: t.half() for name, t in network.state_dict().items()}
    path = save_checkpoint(
        tmp_path / "half.safetensors",
        state,
        SPEC,
        ModelCard(),
    )
    loaded = load_network(read_header(path))
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_existing_checkpoint_is_not_replaced(checkpoint, network):
    before = checkpoint.read_bytes()
    with pytest.raises(OutputError, match="already exists"):
        save_checkpoint(
            checkpoint,
            network.state_dict(),
            SPEC,
            ModelCard(),
        )
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("keep", [0, 4, 200, 0.5, 0.99])
def test_cut_short_is_refused(checkpoint, keep):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: keep if keep >= 1 else int(len(content) * keep)])
    with pytest.raises(CheckpointError, match=r"'model.safetensors' cannot be read"):
        load_network(read_header(checkpoint))


def test_pickle_is_refused_and_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "pwned"), "w"))

    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        read_header(path)
    assert not (tmp_path / "pwned").exists()


def test_tensors_without_description_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="no description of a generator"):
        read_header(path)


def changed_description(checkpoint, network, change):
    """Write the checkpoint again with another JSON text."""
    content = json.loads(read_header(checkpoint).metadata.model_dump_json())
    change(content)
    save_file(network.state_dict(), checkpoint, {METADATA_KEY: json.dumps(content)})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.update(format_version=2), "format_version"),
        (lambda c: c["spec"].update(halo=-1), "spec.halo"),
        (lambda c: c["spec"].pop("in_channels"), "spec.in_channels"),
        (lambda c: c["spec"].update(architecture="gpt"), "'gpt' is not known"),
        (lambda c: c["spec"]["config"].update(width=4), "does not fit its description"),
        (lambda c: c["spec"]["config"].update(width=10**9), r"config|width"),
        (lambda c: c["spec"]["config"].update(colour="red"), "colour"),
        (lambda c: c.update(extra=json.loads("[" * 300 + "]" * 300)), "depth"),
    ],
)
def test_lying_description_is_refused(checkpoint, network, change, reason):
    changed_description(checkpoint, network, change)
    with pytest.raises(CheckpointError, match=reason):
        load_network(read_header(checkpoint))


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_description_that_is_no_json_is_refused(checkpoint, network, text):
    save_file(network.state_dict(), checkpoint, {METADATA_KEY: text})
    with pytest.raises(CheckpointError, match=r"description in 'model.safetensors'"):
        read_header(checkpoint)


def test_not_finite_weights_are_refused(checkpoint, network):
    state = network.state_dict()
    state["head.bias"][0] = torch.nan
    header = read_header(checkpoint)
    save_checkpoint(checkpoint, state, header.spec, header.card, overwrite=True)
    with pytest.raises(CheckpointError, match=r"'head.bias' .* NaN or infinity"):
        load_generator(checkpoint)


@pytest.mark.parametrize("name", ["nowhere.safetensors", "x" * 300])
def test_missing_model_names_the_bundled_ones(name):
    with pytest.raises(CheckpointError, match=r"neither bundled nor a file"):
        resolve_model(name)


def test_bundled_models_load():
    for name in bundled_models():
        generator = load_generator(name, device="cpu")
        assert generator.name == name
        assert generator.card.licence
        assert generator.card.scores


@pytest.mark.shared_data
def test_checkpoints_of_others_are_refused(shared_data):
    files = sorted((shared_data / "checkpoints").glob("*.pt*"))
    assert len(files) == 3
    for path in files:
        with pytest.raises(CheckpointError, match=path.name):
            load_generator(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upscale", 2),
        ("in_channels", 3),
        ("out_channels", 3),
        ("size_multiple", 6),
        ("halo", 0),
    ],
)
def test_spec_that_contradicts_its_network_is_refused(checkpoint, network, name, value):
    changed_description(checkpoint, network, lambda c: c["spec"].update({name: value}))
    with pytest.raises(
        CheckpointError, match=rf"contradicts itself \({name} {value}\)"
    ):
        load_network(read_header(checkpoint))


def test_lie_about_the_size_costs_no_memory(checkpoint, network):
    # 6 levels from width 512 are 24 thousand million weights: about 100 GB.
    changed_description(
        checkpoint,
        network,
        lambda c: (
            c["spec"]["config"].update(width=512, depth=6)
            or c["spec"].update(size_multiple=64, halo=384)
        ),
    )
    before = psutil.Process().memory_info().rss
    with pytest.raises(CheckpointError, match="does not fit its description"):
        load_network(read_header(checkpoint))
    assert psutil.Process().memory_info().rss - before < MOST_GROWTH_BYTES


@pytest.mark.parametrize("name", ["image.tif", "weights.pth"])
def test_files_of_another_kind_are_not_called_damaged(tmp_path, name):
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(CheckpointError, match=rf"'{name}' is no \.safetensors file"):
        read_header(tmp_path / name)


def test_missing_tensor_is_named(tmp_path, network):
    state = network.state_dict()
    del state["head.bias"]
    path = save_checkpoint(tmp_path / "m.safetensors", state, SPEC, ModelCard())
    with pytest.raises(CheckpointError, match=r"of tensor 'head.bias' it holds none"):
        load_network(read_header(path))
