"""Waiting for what was begun, though not for ever."""

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["Patience", "drained", "endless"]

Patience = Callable[[], float | None]
"""The seconds that may still be waited; None: as long as it takes."""


def endless() -> None:
    """As long as it takes."""


async def drained(tasks: set[asyncio.Task[Any]], patience: Patience) -> int:
    """Waits for tasks, and for those that are added meanwhile; how many had not ended in time.

    Those are cancelled: what they claimed is UNKNOWN when its lease ends, as after a crash.
    """
    while tasks:
        seconds = patience()
        if seconds is not None and seconds <= 0:
            break
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    late = list(tasks)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)
    return len(late)
