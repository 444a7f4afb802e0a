"""Where torch runs, and what goes wrong there."""

from __future__ import annotations

import os
from contextlib import contextmanager

# OpenMP threads that spin between tasks make two threads slower than one as soon as
# anything else, such as a window, wants a core. Must be set before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from typing import TYPE_CHECKING

import torch

from napari_gan_enhance.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFERRED = ("cuda", "mps", "cpu")
"""What "auto" takes, the first that is there."""


def select_device(name: str, preferred: tuple[str, ...] = PREFERRED) -> torch.device:
    """Return a device by name.

    Parameters
    ----------
    name : "auto", "cpu", "cuda" or "mps"
    preferred : tuple of str
        Of these "auto" takes the first that is there.

    Raises
    ------
    DeviceError
        If the device is not there.
    """
    available = [device for device in PREFERRED if _is_available(device)]
    if name == "auto":
        return torch.device(next(d for d in preferred if d in available))
    if name not in available:
        raise DeviceError(
            f"Device {name!r} is not there - this computer has "
            f"{', '.join(map(repr, available))} - choose one of them or 'auto'."
        )
    return torch.device(name)


def half_precision(device: torch.device) -> torch.dtype | None:
    """Return the half precision that makes a device faster; None where none does.

    A processor without AVX-512 has no fast bfloat16: torch then falls back to loops
    that take about ten times as long as float32 (pytorch/pytorch issue 118499).
    """
    if device.type != "cpu":
        return torch.float16
    has_fast_bfloat16 = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.bfloat16 if has_fast_bfloat16 else None


def limit_threads(count: int) -> None:
    """Let torch use at most so many processor threads, called from this thread."""
    torch.set_num_threads(max(1, count))


def free_device_bytes(device: torch.device) -> int | None:
    """Return the free memory of a CUDA device; None where main memory counts."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None


@contextmanager
def device_faults(device: str) -> Iterator[None]:
    """Turn torch's RuntimeErrors into MemoryError or DeviceError.

    A RuntimeError must never leave a job: Qt's workers swallow it.

    Parameters
    ----------
    device : str
        As torch names it, for the message.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise MemoryError(str(error)) from error
    except RuntimeError as error:
        reason = (str(error) or "no reason given").splitlines()[0]
        # The allocator for main memory raises a plain RuntimeError.
        if "allocate memory" in reason or "out of memory" in reason:
            raise MemoryError(reason) from error
        raise DeviceError(
            f"Device {device!r} failed ({reason}) - it must be able to run "
            "this job - try the device 'cpu'."
        ) from error


def _is_available(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    return name == "cpu" or torch.backends.mps.is_available()
