"""Settings that are made of options."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import typer


def as_option(setting: str) -> str:
    """Return the option of a setting that is named as it is."""
    return f"--{setting.replace('_', '-')}"


@contextlib.contextmanager
def wrong_option(spelled: Callable[[str], str] = as_option) -> Iterator[None]:
    """Say which option a record of settings refuses, and why.

    Parameters
    ----------
    spelled : callable, optional
        Returns the option of a setting.

    Raises
    ------
    typer.BadParameter
        Instead of pydantic's ValidationError.
    """
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        if first["loc"]:
            reason = f"{spelled(str(first['loc'][0]))} {first['input']}: {reason}"
        raise typer.BadParameter(reason) from error
