"""What is being read for one request, in tasks of their own: whoever waits may leave, and others may still wait."""

import asyncio
from typing import Any

__all__ = ["Reads"]


class Reads:
    """The reads under way for a request, so that they end when it does."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stopped = False

    def begin(self) -> None:
        """Says that the task which calls this reads for the request."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Ends all reads, and lets none begin: nobody waits for them any more."""
        self.stopped = True
        for task in self._tasks:
            task.cancel()
