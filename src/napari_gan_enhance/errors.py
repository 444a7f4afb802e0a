"""One small tree of errors; none derives from RuntimeError.

Qt's generator worker takes a ``RuntimeError`` to mean that the widget is gone and
drops it, so an error of ours must never be one.

A message is one sentence of three parts: what came - what is allowed - what to do.
"""


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
