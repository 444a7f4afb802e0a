"""Where a training runs: one device or several, through Lightning Fabric."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Literal, TypeVar

from napari_gan_enhance.device import (
    device_faults,
    half_precision,
    select_device,
)
from napari_gan_enhance.errors import DeviceError, InputError
from napari_gan_enhance.signals import handled_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from lightning_fabric import Fabric

    from napari_gan_enhance.training.recipe import Recipe

Value = TypeVar("Value")


class FirstStoppedError(Exception):
    """The first process has stopped where its loop rests; so do the others."""


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
    """Return the value that the first process has, to all of them; never None.

    Raises
    ------
    FirstStoppedError
        If the first process has stopped the others.
    DeviceError
        If the first process is gone.
    """
    if fabric.world_size == 1:
        return value
    with device_faults(fabric.device.type):
        shared: Value | None = fabric.broadcast(value)
    if shared is None:
        raise FirstStoppedError
    return shared


def stop_others(fabric: Fabric) -> None:
    """Stop the other processes, which wait in `from_first` for this, the first."""
    if fabric.world_size > 1:
        with (
            contextlib.suppress(DeviceError),  # they are gone
            device_faults(fabric.device.type),
        ):
            fabric.broadcast(None)


@contextlib.contextmanager
def led() -> Iterator[None]:
    """Work until the first process stops this one.

    Who asks this process to end has asked the first as well, as a terminal does: ended
    in the middle of a step, this one would cost the first its state. Only who asks
    again means this one.
    """
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        with handled_signals(names, ask):
            yield
    except FirstStoppedError:
        pass
    except DeviceError:
        if not asked:  # else the first was asked again, and went at once
            raise


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
