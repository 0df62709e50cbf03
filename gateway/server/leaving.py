"""A client that leaves takes its work with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive, Scope

from gateway.server.exchanges import LEAVING, Telling

__all__ = ["until_left"]


async def until_left(scope: Scope, receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, or cancels it when the client leaves, and waits until it has let go of all that it held.

    The request's body must have been read: what is received after it is that the client has left. A connection that
    tells by itself when it is lost is not asked: that took a task and an event of their own.
    """
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - it runs in one
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        this.cancel()

    tell: Telling = scope.get(LEAVING) or _Asking(receive)
    tell(leave)
    try:
        await work
    except asyncio.CancelledError:
        if not left or this.uncancel() > 0:  # somebody else cancels it, too
            raise
    finally:
        tell(None)


class _Asking:
    """Asks whether the client has left, where a server has no other way to tell."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._asking: asyncio.Task[None] | None = None

    def __call__(self, when_left: Any) -> None:
        if when_left is not None:
            self._asking = asyncio.create_task(self._ask(when_left))
        elif self._asking is not None:
            self._asking.cancel()

    async def _ask(self, when_left: Any) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._asking = None
        when_left()
