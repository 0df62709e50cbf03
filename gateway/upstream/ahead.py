"""Connections opened ahead of the writes they are for: the vendor is reached while the ledger commits a claim.

Nothing has been sent over one, so a write on it is as safe as on one that it opens itself, and its failure proves as
much. One that nobody took is closed.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from gateway.upstream.connections import Connection, Server

__all__ = ["Ahead"]

_Opening = asyncio.Task[Connection]


class Ahead:
    """The connections that are open, or being opened, and not taken. ``drop`` closes one."""

    def __init__(self, drop: Callable[[Connection], None]) -> None:
        self._drop = drop
        self._waiting: dict[Server, deque[_Opening]] = {}

    @contextlib.contextmanager
    def opening(
        self, server: Server, connect: Callable[[], Coroutine[Any, Any, Connection]]
    ) -> Iterator[Callable[[], None]]:
        """What opens one, called in any thread, for the writes made inside, or for another's that comes first."""
        loop, waiting = asyncio.get_running_loop(), self._waiting.setdefault(server, deque())
        opened: list[_Opening] = []
        ended = False

        def begin() -> None:
            if not (opened or ended):
                opened.append(loop.create_task(connect()))
                waiting.extend(opened)

        def reach() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever would write
                loop.call_soon_threadsafe(begin)

        try:
            yield reach
        finally:
            ended = True
            for task in opened:
                if task in waiting:
                    waiting.remove(task)
                    self._give_up(task)

    async def take(self, server: Server) -> Connection | None:
        """A connection for a write; None where there is none, and one that could not be opened counts as none.

        One that is being opened is waited for, and what keeps it from being opened is raised.
        """
        waiting = self._waiting.get(server)
        while waiting:
            task = waiting.popleft()
            if task.done() and not _is_good(task):
                self._give_up(task)
                continue
            try:
                return await task
            except BaseException:
                self._give_up(task)
                raise
        return None

    def close(self) -> None:
        """Gives up all."""
        for waiting in self._waiting.values():
            while waiting:
                self._give_up(waiting.popleft())

    def _give_up(self, task: _Opening) -> None:
        task.cancel()
        task.add_done_callback(self._given_up)

    def _given_up(self, task: _Opening) -> None:
        if not task.cancelled() and task.exception() is None:
            self._drop(task.result())


def _is_good(task: _Opening) -> bool:
    return not task.cancelled() and task.exception() is None and not task.result().has_expired()
