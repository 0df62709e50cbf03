"""A client that leaves takes its work with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

__all__ = ["until_left"]


async def until_left(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, or cancels it when the client leaves, and waits until it has let go of all that it held.

    The request's body must have been read: what is received after it is that the client has left.
    """
    working, leaving = asyncio.create_task(work), asyncio.create_task(_left(receive))
    try:
        done, _ = await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait((working, leaving))
    if working in done:
        working.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
