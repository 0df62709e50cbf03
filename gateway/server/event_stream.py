"""Answers as server-sent events, as graphql-sse's "distinct connections mode" has them.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: a `next` event for each result, then `complete`.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final

from gateway.server.executing import Begun
from gateway.server.json_writing import to_json
from gateway.server.stopping import StoppingError

__all__ = ["HEADERS", "PING_SECONDS", "event_stream"]

PING_SECONDS = 15.0
"""A silent stream says this often that it is alive: proxies commonly cut a connection after a minute of silence."""

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect events otherwise
}

_OPENED = b": open\n\n"
_PING = b": ping\n\n"
# Browsers drop an event that has no data.
_COMPLETE = b"event: complete\ndata: \n\n"


def event_stream(begin: Callable[[], Awaitable[Begun]]) -> AsyncGenerator[bytes, None]:
    """The bytes of the stream: something at once when the operation has begun, and every 15 seconds at least.

    Raises what ``begin`` raises. Closing it closes what it was reading from. When this process stops, the stream ends
    without saying that the operation has: clients then ask again, and another process answers.
    """
    return _pinged(_events(begin))


async def _events(begin: Callable[[], Awaitable[Begun]]) -> AsyncGenerator[bytes, None]:
    begun = await begin()
    async with contextlib.aclosing(begun.frames) as frames:
        yield _OPENED
        try:
            async for frame in frames:
                yield _next(frame)
        except StoppingError:
            return
    yield _COMPLETE


def _next(frame: Mapping[str, Any]) -> bytes:
    return b"event: next\ndata: " + to_json(frame) + b"\n\n"


async def _pinged(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The events, and a comment whenever none came for a while."""
    coming = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait((coming,), timeout=PING_SECONDS)
            if not done:
                yield _PING
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            yield event
            coming = asyncio.ensure_future(anext(events))
    finally:
        coming.cancel()
        await asyncio.wait((coming,))
        await events.aclose()
