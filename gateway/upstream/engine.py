"""The bottom of the stack: connections. Reads share kept ones; each write gets a fresh one, perhaps opened ahead.

On a kept connection a reset may mean that the vendor had closed it before the request was sent, or that it died at
work: nobody can tell. On a fresh one a failure to connect proves that nothing was sent. So connecting is a step of its
own, which alone raises `httpx.ConnectError` and `httpx.ConnectTimeout`: a failure's class says how far the request got,
and no error of the HTTP that follows can be taken for one of those.
"""

import contextlib
import functools
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx

from adapters.messages import BoundedBody, body_of, finished_response, headers_of, new_response, server_of
from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.ahead import Ahead
from gateway.upstream.answers import Answer, Heads
from gateway.upstream.calls import call_of
from gateway.upstream.connections import Connection, Server, Timeouts, outgoing
from gateway.upstream.sockets import open_socket

__all__ = ["EngineTransport", "prepare_for"]

KEPT_CONNECTIONS = 64
"""Idle connections kept for a backend's reads; each costs a file descriptor and about 10 kB."""

_PORTS = {"http": 80, "https": 443}


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom TLS trusts. Loaded once for all backends: it takes some 25 milliseconds, and 1 to 2 MiB."""
    return _speaking_http(httpx.create_ssl_context(trust_env=False))


def _speaking_http(trust: ssl.SSLContext) -> ssl.SSLContext:
    trust.set_alpn_protocols(["http/1.1"])
    return trust


def prepare_for(url: str) -> None:
    """Loads whom TLS trusts where a server is asked inside TLS, so that no call waits for that."""
    if httpx.URL(url).scheme == "https":
        _authorities()


class EngineTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 on connections of our own: kept ones for reads, a new one for each write.

    It follows no redirect, keeps no cookie, reads no proxy from the environment and sends nothing twice. How many
    calls are under way at once is bounded above it.
    """

    def __init__(self, *, verify: ssl.SSLContext | None = None) -> None:
        self._verify = None if verify is None else _speaking_http(verify)
        self._open: set[Connection] = set()
        self._idle: dict[Server, deque[Connection]] = {}
        self._ahead = Ahead(self.drop)
        self._heads = Heads()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request.

        Raises `httpx.UnsupportedProtocol`, `httpx.LocalProtocolError`, `httpx.ConnectError` and `httpx.ConnectTimeout`
        before any of it was sent, and other kinds of `httpx.TransportError` when it may have arrived. Cancelled, it
        closes the connection.
        """
        info: CallInfo | None = request.extensions.get(EXTENSION)
        write = info is not None and info.write
        timeouts: Timeouts = request.extensions.get("timeout", {})
        body = body_of(request) if isinstance(request.stream, httpx.ByteStream) else await request.aread()
        head = outgoing(request, body)
        server = server_of(request.url)
        connection = await self._ahead.take(server) if write else self.kept(server)
        if connection is None:
            connection = await self.connect(server, request.url, timeouts.get("connect"))
        if (call := call_of(request)) is not None:
            call.sent = True
        try:
            answer = await connection.ask(head, body, timeouts, bodiless=request.method == "HEAD")
        except BaseException:
            self.drop(connection)
            raise
        headers, told = headers_of(answer.headers), {"http_version": answer.version, "reason_phrase": answer.reason}
        if answer.whole and not answer.is_coded:
            self.let_go(connection, keep=not write)
            return finished_response(answer.status, headers, answer.body(), told)
        body_to_come = _Body(self, connection, answer, timeouts, keep=not write)
        return new_response(answer.status, headers, body_to_come, told)

    def let_go(self, connection: Connection, *, keep: bool) -> None:
        """Ends an exchange; the connection is kept if it may be, and nothing on it can be taken for the next answer."""
        if keep and connection.rest() and not self._closed:
            idle = self._idle.get(connection.server)
            if idle is None:
                idle = self._idle[connection.server] = deque()
            idle.append(connection)
            while idle and (len(idle) > KEPT_CONNECTIONS or idle[0].has_expired()):
                self.drop(idle.popleft())
        else:
            self.drop(connection)

    def ahead(self, url: httpx.URL, seconds: float) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """What opens a connection for a write that may be made inside; ``seconds``: how long connecting may take."""
        server = server_of(url)
        return self._ahead.opening(server, lambda: self.connect(server, url, seconds))

    async def aclose(self) -> None:
        """Closes all connections, those in use too."""
        self._closed = True
        self._ahead.close()
        self._idle.clear()
        for connection in tuple(self._open):
            self.drop(connection)

    async def connect(self, server: Server, url: httpx.URL, seconds: float | None) -> Connection:
        """A new connection. Raises what proves that nothing was sent."""
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol("only http and https are spoken")
        trust = (self._verify or _authorities()) if url.scheme == "https" else None
        port = url.port or _PORTS[url.scheme]
        socket = await open_socket(url.raw_host.decode("ascii"), port, trust, seconds)
        connection = Connection(server, socket, self._heads)
        self._open.add(connection)
        return connection

    def kept(self, server: Server) -> Connection | None:
        """The idle connection that was used last and is still good, if there is one."""
        idle = self._idle.get(server)
        while idle:
            connection = idle.pop()
            if not connection.has_expired():
                return connection
            self.drop(connection)
        return None

    def drop(self, connection: Connection) -> None:
        """Closes a connection."""
        self._open.discard(connection)
        connection.close()


class _Body(BoundedBody):
    """An answer's body as it comes; closing it, once, says what becomes of the connection."""

    def __init__(
        self, engine: EngineTransport, connection: Connection, answer: Answer, timeouts: Timeouts, *, keep: bool
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._answer = answer
        self._timeouts = timeouts
        self._keep = keep
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._connection.pieces(self._answer, self._timeouts):
            yield piece

    async def read(self, most: int) -> bytes:
        return await self._connection.body(self._answer, self._timeouts, most)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._engine.let_go(self._connection, keep=self._keep)
