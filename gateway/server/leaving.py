"""A client that leaves takes its work with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

__all__ = ["until_left"]


async def until_left(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, or cancels it when the client leaves, and waits until it has let go of all that it held.

    The request's body must have been read: what is received after it is that the client has left. Work that never
    waits is over before anybody could be seen to leave, and is not watched.
    """
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - it runs in one
    left = False
    leaving: asyncio.Task[None] | None = None

    def leave(done: asyncio.Task[None]) -> None:
        nonlocal left
        if not done.cancelled():
            done.exception()
            left = True
            this.cancel()

    def watch() -> None:
        nonlocal leaving
        leaving = asyncio.create_task(_left(receive))
        leaving.add_done_callback(leave)

    watching = asyncio.get_running_loop().call_soon(watch)
    try:
        await work
    except asyncio.CancelledError:
        if not left or this.uncancel() > 0:  # somebody else cancels it, too
            raise
    finally:
        watching.cancel()
        if leaving is not None:
            leaving.remove_done_callback(leave)
            leaving.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
