"""What is being read for one request, in tasks of their own: whoever waits may leave, and others may still wait."""

import asyncio
from typing import Any

__all__ = ["Reads"]


class Reads:
    """The reads under way for a request, so that they end when it does.

    ``one_by_one`` says that the request asks for one thing at a time, so that nothing is gained by waiting for what
    else it may ask for.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stopped = False
        self.one_by_one = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Task[Any]":
        """Says that the loop's current task, which is the one that calls this, reads for the request."""
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._tasks.add(task)
        return task

    def end(self, task: "asyncio.Task[Any]") -> None:
        """Says that the task has read."""
        self._tasks.discard(task)

    def stop(self) -> None:
        """Ends all reads, and lets none begin: nobody waits for them any more."""
        self.stopped = True
        for task in self._tasks:
            task.cancel()
