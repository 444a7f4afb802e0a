"""Settings that are made of options."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer


@contextlib.contextmanager
def wrong_option() -> Iterator[None]:
    """Say which option a record of settings refuses, and why.

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
            option = str(first["loc"][0]).replace("_", "-")
            reason = f"--{option} {first['input']}: {reason}"
        raise typer.BadParameter(reason) from error
