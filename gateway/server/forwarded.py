"""From whom a request came, where a proxy in front of the gateway says so."""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

__all__ = ["Forwarded"]

_FIELDS: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))


class Forwarded:
    """uvicorn's reading of what proxies add, passed by requests to which none has added anything.

    ``trusted`` are the proxies' addresses, as uvicorn takes them.
    """

    def __init__(self, app: ASGIApp, trusted: list[str] | str) -> None:
        self._app = app
        self._read = ProxyHeadersMiddleware(app, trusted_hosts=trusted)  # type: ignore[arg-type] # uvicorn's own types

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answers as the application does."""
        if _FIELDS.isdisjoint(dict(scope.get("headers", ()))):
            return self._app(scope, receive, send)
        return self._read(scope, receive, send)  # type: ignore[arg-type]
