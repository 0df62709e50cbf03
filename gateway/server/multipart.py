"""Incremental answers as multipart/mixed: a part for each frame, each ended by its boundary as soon as it is there.

https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md
"""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from gateway.server.json_writing import to_json

__all__ = ["HEADERS", "multipart"]

HEADERS: Final = {
    "Content-Type": 'multipart/mixed; boundary="-"',
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect parts otherwise
}


async def multipart(frames: AsyncGenerator[Mapping[str, Any], None]) -> AsyncGenerator[bytes, None]:
    """The bytes of the body. Closing it closes the frames."""
    opening = b"\r\n---"
    async with contextlib.aclosing(frames):
        async for frame in frames:
            content = to_json(frame)
            yield (
                opening
                + b"\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(content)
                + content
                + b"\r\n---"
            )
            opening = b""
    yield b"--\r\n"
