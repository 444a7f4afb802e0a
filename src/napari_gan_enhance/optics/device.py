"""Where Richardson-Lucy runs, and what goes wrong there."""

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


def select_device(name: str) -> torch.device:
    """Return a device by name; "auto" takes CUDA, or else the processor.

    Apple's GPU is taken only by name: Fourier transforms on it have not been tried.

    Raises
    ------
    DeviceError
        If the device is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available.get(name):
        legal = ", ".join(repr(d) for d, there in available.items() if there)
        raise DeviceError(
            f"Device {name!r} is not there - this computer has {legal} - choose one of "
            "them or 'auto'."
        )
    return torch.device(name)


def free_device_bytes(device: torch.device) -> int | None:
    """Return the free memory of a CUDA device; None where main memory counts."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None


@contextmanager
def device_faults() -> Iterator[None]:
    """Turn torch's RuntimeErrors into MemoryError, which shrinks tiles, or DeviceError.

    A RuntimeError must never leave a job: Qt's workers swallow it.
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
            f"The device failed ({reason}) - it must be able to run Fourier transforms "
            "- try the device 'cpu'."
        ) from error
