"""One small tree of errors; none derives from RuntimeError.

Qt's generator worker takes a ``RuntimeError`` to mean that the widget is gone and
drops it, so an error of ours must never be one.

A message is one sentence of three parts: what came - what is allowed - what to do.
"""

import os

DEBUG = "NAPARI_GAN_ENHANCE_DEBUG"
"""Environment variable that lets an unexpected error show its traceback."""


class GanEnhanceError(Exception):
    """Root of every error that is meant to be read by a user."""


class InputError(GanEnhanceError, ValueError):
    """A value from the user or the caller cannot be used."""


class FileFormatError(GanEnhanceError, ValueError):
    """A file is not what it should be."""


class OutputError(GanEnhanceError, OSError):
    """A result cannot be written where it was asked for."""


class CheckpointError(GanEnhanceError, ValueError):
    """A checkpoint is unknown, damaged or unsuitable."""


class MissingExtraError(GanEnhanceError, ImportError):
    """An optional library is not installed; the message names the extra."""


class DeviceError(GanEnhanceError):
    """The device failed, is absent, or has no memory for the smallest tile."""


class TrainingError(GanEnhanceError):
    """Training cannot start or go on."""


def explained(error: Exception) -> str:
    """Return a sentence for the user, whatever was raised.

    Raises
    ------
    Exception
        The error itself, where it is unexpected and the user wants to see it.
    """
    if isinstance(error, GanEnhanceError):
        return str(error)
    if isinstance(error, MemoryError):
        reason = f" ({error})" if str(error) else ""
        return (
            f"The computer ran out of memory{reason} - what is asked for must fit - "
            "ask for less, or close other programs."
        )
    if os.environ.get(DEBUG):
        raise error
    return (
        f"{type(error).__name__}: {error} - this should not happen - set {DEBUG}=1 to "
        "see where, and please report it."
    )
