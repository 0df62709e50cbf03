"""Waiting for what other processes do, with an upper bound and nothing else said about time."""

import time
from collections.abc import Callable

from tests.patience import PATIENCE

__all__ = ["until"]

_BETWEEN_LOOKS = 0.005


def until(happened: Callable[[], object], what: Callable[[], str] | str, *, seconds: float = PATIENCE) -> None:
    """Waits until something has happened; fails, saying ``what`` was waited for, when it has not in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:g} seconds: {what() if callable(what) else what}")
        time.sleep(_BETWEEN_LOOKS)
