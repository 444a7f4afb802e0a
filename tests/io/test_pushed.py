"""Items arrive in order, failures on either side end both."""

from __future__ import annotations

import pytest

from napari_gan_enhance.io.pushed import pushed


def push_all(pull, fails_at: int = -1) -> None:
    with pushed(pull) as push:
        for i in range(100):
            push(i if i != fails_at else 1 // 0)


def test_items_arrive_in_order() -> None:
    taken: list[int] = []
    push_all(taken.extend)
    assert taken == list(range(100))


def test_failure_of_the_puller_reaches_the_pusher() -> None:
    def fail(items):
        next(items)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        push_all(fail)


def test_failure_of_the_pusher_ends_the_puller() -> None:
    ended = []

    def take(items):
        try:
            list(items)
        finally:
            ended.append(True)

    with pytest.raises(ZeroDivisionError):
        push_all(take, fails_at=3)
    assert ended == [True]
