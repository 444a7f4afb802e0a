"""The generator against the published network's facts."""

from __future__ import annotations

import pytest
import torch

from napari_gan_enhance.models.registry import (
    ARCHITECTURES,
    build_network,
    parse_config,
)
from napari_gan_enhance.models.residual_unet import ResidualUNet, ResidualUNetConfig

TINY = {"in_channels": 1, "out_channels": 1, "width": 2}


@pytest.mark.parametrize(
    ("inputs", "outputs", "parameters"),
    [(3, 3, 12_717_891), (1, 3, 12_716_611), (1, 1, 12_716_481)],
)
def test_parameters_are_those_of_the_published_network(inputs, outputs, parameters):
    config = ResidualUNetConfig(in_channels=inputs, out_channels=outputs)
    with torch.device("meta"):
        network = ResidualUNet(config)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_untrained_network_is_alive():
    """Glorot weights give the authors' 1-1 net an output deviation of about 5e-3."""
    torch.manual_seed(0)
    network = build_network("residual-unet", {"in_channels": 1, "out_channels": 1})
    with torch.inference_mode():
        deviation = network(torch.rand(1, 1, 64, 64)).std().item()
    assert 5e-4 < deviation < 5e-2  # a dead network has 8e-5


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_halo_is_the_reach_of_a_tile(depth, upsampling):
    """The gradient shows how far the network looks beyond any pixel's pooling cell."""
    config = ResidualUNetConfig(
        in_channels=1, out_channels=1, width=2, depth=depth, upsampling=upsampling
    )
    torch.manual_seed(0)
    network = ResidualUNet(config).double()
    size = 2 * config.halo + 2 * config.size_multiple
    reach = 0
    for offset in range(config.size_multiple):
        at = size // 2 + offset
        image = torch.rand(1, 1, 16, size, dtype=torch.float64, requires_grad=True)
        network(image)[0, 0, :, at].sum().backward()
        seen = image.grad[0, 0].abs().sum(0).nonzero()
        cell = size // 2  # where the cell begins, and one past its end
        beyond = seen.max().item() - (cell + config.size_multiple - 1)
        reach = max(reach, cell - seen.min().item(), beyond)
    assert reach <= config.halo < reach + config.size_multiple


def test_residual_network_starts_as_the_identity():
    config = ResidualUNetConfig(
        in_channels=1, out_channels=1, width=2, residual=True, head="linear"
    )
    image = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(ResidualUNet(config)(image), image)


def test_leaky_head_shrinks_negative_values():
    torch.manual_seed(0)
    network = ResidualUNet(ResidualUNetConfig(in_channels=1, out_channels=1, width=2))
    torch.nn.init.constant_(network.head.weight, 0.0)
    torch.nn.init.constant_(network.head.bias, -2.0)
    result = network(torch.rand(1, 1, 16, 16))
    torch.testing.assert_close(result, torch.full_like(result, -0.2))


def test_steps_are_the_blocks_and_give_the_same_bits():
    torch.manual_seed(0)
    network = ResidualUNet(
        ResidualUNetConfig(in_channels=1, out_channels=1, width=4, depth=2)
    )
    image = torch.rand(1, 1, 32, 48)
    with torch.inference_mode():
        x, first = network.down[0](image)
        x, second = network.down[1](x)
        x = network.up[1](network.up[0](x, second), first)
        expected = torch.nn.functional.leaky_relu(network.head(x), 0.1)
        steps, fractions = network.steps(image), []
        try:
            while True:
                fractions.append(next(steps))
        except StopIteration as end:
            stepped = end.value
        assert torch.equal(stepped, expected)
        assert torch.equal(network(image), expected)
    assert fractions == [0, 0.25, 0.5, 0.75]


def test_residual_needs_equal_channels():
    with pytest.raises(ValueError, match="as many outputs as inputs"):
        ResidualUNetConfig(in_channels=1, out_channels=3, residual=True)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
class TestContract:
    """What every architecture in the registry must do."""

    def test_output_has_the_promised_shape(self, architecture):
        config = parse_config(architecture, TINY)
        network = build_network(architecture, TINY)
        side = config.size_multiple * 2
        result = network(torch.rand(2, 1, side, side * 2))
        assert result.shape == (2, 1, side * config.upscale, 2 * side * config.upscale)
        assert result.dtype == torch.float32

    def test_every_parameter_has_a_gradient(self, architecture):
        network = build_network(architecture, TINY)
        network(torch.rand(1, 1, 32, 32)).pow(2).sum().backward()
        assert all(p.grad is not None for p in network.parameters())

    def test_weights_survive_a_round_trip(self, architecture):
        torch.manual_seed(1)
        first, second = (build_network(architecture, TINY).eval() for _ in range(2))
        image = torch.rand(1, 1, 32, 32)
        assert not torch.equal(first(image), second(image))
        second.load_state_dict(first.state_dict())
        assert torch.equal(first(image), second(image))
