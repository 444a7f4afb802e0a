"""Where a training runs: one device or several, through Lightning Fabric."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Literal, TypeVar

from napari_gan_enhance.device import (
    device_faults,
    half_precision,
    select_device,
)
from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

    from napari_gan_enhance.training.recipe import Recipe

Value = TypeVar("Value")


def launched_fabric(device: str, devices: int, recipe: Recipe) -> Fabric:
    """Return Fabric on its devices; with several, one process runs for each.

    Started by hand this process is the first and starts the others with its own command
    line. Started by `torchrun`, all are there already.

    Parameters
    ----------
    device : "auto", "cpu", "cuda" or "mps"
    devices : int, >= 1
        How many of that kind; of processors, how many processes.
    recipe : Recipe

    Raises
    ------
    DeviceError
        If the device is not there.
    InputError
        If there are not so many.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import (
        LightningEnvironment,
    )

    # It tells what it does on standard error.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    chosen = select_device(device)
    kind = chosen.type
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", devices))
    _check_count(kind, devices)
    world = int(os.environ.get("WORLD_SIZE", devices))
    # What a batch job asked its scheduler for says nothing of a process on its own.
    alone = LightningEnvironment() if max(world, devices) == 1 else None
    fabric = Fabric(
        accelerator=kind,
        devices=devices,
        num_nodes=max(1, world // devices),
        strategy="ddp" if world > 1 or devices > 1 else "auto",
        precision=precision_on(chosen, recipe),
        plugins=alone,
    )
    fabric.launch()
    return fabric


def precision_on(
    device: torch.device, recipe: Recipe
) -> Literal["bf16-mixed", "32-true"]:
    """Return the recipe's precision, or float32 where mixing would only be slower."""
    if recipe.precision == "bf16-mixed" and half_precision(device) is None:
        return "32-true"
    return recipe.precision


def from_first(fabric: Fabric, value: Value) -> Value:
    """Return the value that the first process has, to all of them.

    Raises
    ------
    DeviceError
        If the first process is gone.
    """
    if fabric.world_size == 1:
        return value
    with device_faults(fabric.device.type):
        shared: Value = fabric.broadcast(value)
    return shared


def leave(fabric: Fabric) -> None:
    """End what connects the processes."""
    import torch.distributed

    if fabric.world_size > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _check_count(kind: str, devices: int) -> None:
    import torch

    there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(kind, os.cpu_count() or 1)
    if not 1 <= devices <= max(there, 2 if kind == "cpu" else 1):
        raise InputError(
            f"{devices} devices of kind {kind!r} cannot be used - this computer has "
            f"{there} - ask for fewer."
        )
