"""Run a job in a process of its own, as if it ran here.

A training keeps Python busy between its operations, and on a GPU it holds memory that
only the end of a process gives back for certain. A process that a window can end at any
time needs neither be waited for nor cleaned up after.

The two talk through a socket on this computer, in turns: a report comes, and the child
goes on when the next one is asked for. So a pause is a pause, and closing the job
closes it there. `multiprocessing` is not used to start the process: it would run the
user's own script again, which may open a second viewer.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Connection,
    answer_challenge,
    deliver_challenge,
)
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import DeviceError, GanEnhanceError
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
KEY_VARIABLE = "NAPARI_GAN_ENHANCE_KEY"
"""Environment variable that gives the child what it proves itself with."""

ASK_S = 0.2
"""Seconds between two looks at whether the child is still there."""

CLOSING_S = 20.0
"""Seconds a child may take to end: one step, and writing the state."""

ENDING_S = 5.0
"""Seconds a process may take to end after its connection has."""

NICENESS = 5
"""Of the child, 0 to 19: what draws the window comes first, which in software takes
more than the one core that is left to it. Alone, the child is as fast as ever."""

LOW_PRIORITY = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""The same on Windows, where it is given when a process is started."""

LOST = (EOFError, ConnectionError, AuthenticationError)
"""What a connection raises when the other side is gone, or is not ours."""


def in_child(make_job: Callable[..., Job[Any]], *arguments: Any) -> Job[Any]:
    """Run a job in another process and pass its reports on.

    Parameters
    ----------
    make_job : callable returning a job
        Found by its name in its module; it and its arguments are sent to the child.

    Yields
    ------
    Progress
        Those of the job; while the child is busy, the last one again without its
        detail, so that a stop is heard.

    Returns
    -------
    object
        What the job returned.

    Raises
    ------
    GanEnhanceError
        As the job does.
    DeviceError
        If the child ends without an answer.
    """
    key = secrets.token_hex(32)
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        # -P: else a random.py where napari was started would be taken for Python's own.
        python = [sys.executable, "-P", "-m", __spec__.name]
        command = [*python, str(port), str(NICENESS)]
        child = subprocess.Popen(  # its output goes where ours goes
            command,
            env={**os.environ, KEY_VARIABLE: key},
            stdin=subprocess.DEVNULL,
            creationflags=LOW_PRIORITY,
        )
        try:
            connection = yield from _accepted(server, child, key.encode())
            with connection:
                connection.send(sys.path)  # what is found here is found there
                connection.send((make_job, arguments))
                return (yield from _relayed(connection, child))
        except LOST as error:
            raise _ended(child) from error
        finally:
            _end(child)


def _accepted(
    server: socket.socket, child: subprocess.Popen[bytes], key: bytes
) -> Job[Connection]:
    """Wait for the child to call."""
    server.settimeout(ASK_S)
    while child.poll() is None:
        yield Progress(0, 1, "starting")
        try:
            caller, _ = server.accept()
        except TimeoutError:
            continue
        caller.setblocking(True)
        connection = Connection(caller.detach())
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
        return connection
    raise _ended(child)


def _relayed(connection: Connection, child: subprocess.Popen[bytes]) -> Job[Any]:
    """Pass reports on until the job returns or fails."""
    last = Progress(0, 1, "starting")
    has_begun = False
    try:
        while True:
            while not connection.poll(ASK_S):
                yield last
            kind, value = connection.recv()
            has_begun = True
            if kind == "failed":
                raise value
            if kind == "returned":
                return value
            last = Progress(value.done, value.total, value.stage, value.remaining_s)
            yield value
            connection.send("next")
    except GeneratorExit:
        # Before its first report it loads libraries, hears nothing, and holds nothing.
        if has_begun and child.poll() is None:
            connection.send("close")
            _wait(child, connection)
        raise


def _wait(child: subprocess.Popen[bytes], connection: Connection) -> None:
    """Let the child end by itself; what it still reports is not read."""
    end = time.monotonic() + CLOSING_S
    while child.poll() is None and time.monotonic() < end:
        try:
            if connection.poll(ASK_S):
                connection.recv()
        except LOST:
            with contextlib.suppress(subprocess.TimeoutExpired):  # then it is killed
                child.wait(CLOSING_S)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that the process is gone."""
    try:
        child.wait(ASK_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _ended(child: subprocess.Popen[bytes]) -> DeviceError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(ENDING_S)  # the socket closes a moment before the process ends
    code = child.poll()
    return DeviceError(
        f"The training process ended with code {code} - it must stay until the end - "
        "free some memory, or choose a smaller recipe, and start again."
    )


def main(port: int, niceness: int) -> None:
    """Be the child: take a job, report, and end when told or left alone."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(niceness)
    key = os.environ.pop(KEY_VARIABLE).encode()
    caller = socket.create_connection((HOST, port))
    with Connection(caller.detach()) as connection:
        answer_challenge(connection, key)
        deliver_challenge(connection, key)
        try:
            _serve(connection)
        except LOST:  # the window is gone, and its work with it
            return


def _serve(connection: Connection) -> None:
    sys.path[:] = connection.recv()
    make_job, arguments = connection.recv()
    job = make_job(*arguments)
    try:
        while True:
            connection.send(("report", next(job)))
            if connection.recv() == "close":
                return
    except StopIteration as end:
        connection.send(("returned", end.value))
    except GanEnhanceError as error:
        connection.send(("failed", error))
    except LOST:
        raise
    except Exception as error:  # a process that dies of it would be told as lost memory
        logger.error("A job failed", exc_info=error)  # the traceback is not sent
        connection.send(("failed", _sendable(error)))
    finally:
        job.close()


def _sendable(error: Exception) -> Exception:
    """Return an error of Python's own with the same text: others may not be picklable.

    Those kinds stay that are told apart when the user is told.
    """
    kinds = MemoryError, RuntimeError, ValueError, OSError
    kind = next((kind for kind in kinds if isinstance(error, kind)), None)
    return kind(str(error)) if kind else Exception(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
