"""Settings that are made of options."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import typer


@contextlib.contextmanager
def wrong_option(spelled: Mapping[str, str] | None = None) -> Iterator[None]:
    """Say which option a record of settings refuses, and why.

    Parameters
    ----------
    spelled : mapping of str to str, optional
        Options of settings that are not named as their setting is.

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
            name = str(first["loc"][0])
            option = (spelled or {}).get(name, f"--{name.replace('_', '-')}")
            reason = f"{option} {first['input']}: {reason}"
        raise typer.BadParameter(reason) from error
