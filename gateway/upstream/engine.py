"""The bottom of the stack: connections. Reads share kept ones; each write gets a fresh one.

On a kept connection a reset may mean that the vendor had closed it before the request was sent, or that it died at
work: nobody can tell. On a fresh one a failure to connect proves that nothing was sent.
"""

import functools
import ssl
from collections.abc import Awaitable, Callable

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import Call, call_of

__all__ = ["EngineTransport"]

KEPT_CONNECTIONS = 64
"""Idle connections kept for reads, over all backends; each costs a file descriptor and about 10 kB."""

KEEPALIVE_SECONDS = 20.0
"""Below the 30 to 60 seconds after which common servers and balancers close an idle connection."""


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom TLS trusts. Loaded once for all backends: it takes some 25 milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


def _marking(call: Call) -> Callable[[str, object], Awaitable[None]]:
    """Notes a call as sent when its head is about to be written: what its connection carried before was not it."""

    async def trace(event: str, _: object) -> None:
        if event.endswith("send_request_headers.started"):
            call.sent = True

    return trace


class EngineTransport(httpx.AsyncBaseTransport):
    """httpx's own engine, twice: with kept connections for reads, without for writes.

    It follows no redirect and reads no proxy from the environment.
    """

    def __init__(self, *, verify: ssl.SSLContext | None = None) -> None:
        verify = verify or _authorities()
        self._reads = httpx.AsyncHTTPTransport(
            verify=verify,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS
            ),
        )
        self._writes = httpx.AsyncHTTPTransport(
            verify=verify, trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request."""
        info: CallInfo | None = request.extensions.get(EXTENSION)
        engine = self._writes if info is not None and info.write else self._reads
        if (call := call_of(request)) is not None:
            request.extensions["trace"] = _marking(call)
        return await engine.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._reads.aclose()
        await self._writes.aclose()
