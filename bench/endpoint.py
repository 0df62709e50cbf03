"""What serves a hand-written handler: the least of an endpoint, on the same server as Postroom."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

__all__ = ["Handler", "serve"]

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Answers an operation's data, given its variables."""


class _Endpoint:
    """ASGI. It looks at nothing of a request but the operation's name and the variables."""

    def __init__(self, begin: Callable[[], Mapping[str, Handler]]) -> None:
        self._begin = begin
        self._handlers: Mapping[str, Handler] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await receive()
            self._handlers = self._begin()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        asked = orjson.loads(body)
        answer = orjson.dumps({"data": await self._handlers[asked["operationName"]](asked["variables"])})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def serve(begin: Callable[[], Mapping[str, Handler]], port: int) -> None:
    """Serves until it is told to stop. ``begin`` makes the handlers, by operation name, where the loop runs."""
    engines = {"loop": "uvloop", "http": "httptools", "lifespan": "on"}
    quiet = {"log_config": None, "access_log": False, "server_header": False}
    options: dict[str, Any] = {"port": port, "timeout_keep_alive": 75, **engines, **quiet}
    uvicorn.Server(uvicorn.Config(_Endpoint(begin), **options)).run()
