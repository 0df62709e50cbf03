"""The bottom of the stack: connections. Reads share kept ones; each write gets a fresh one.

On a kept connection a reset may mean that the vendor had closed it before the request was sent, or that it died at
work: nobody can tell. On a fresh one a failure to connect proves that nothing was sent. So connecting is a step of its
own, which alone raises `httpx.ConnectError` and `httpx.ConnectTimeout`: a failure's class says how far the request got,
and no error of the HTTP that follows can be taken for one of those.
"""

import functools
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import h11
import httpcore2
import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import call_of
from gateway.upstream.sockets import open_socket

__all__ = ["EngineTransport"]

KEPT_CONNECTIONS = 64
"""Idle connections kept for a backend's reads; each costs a file descriptor and about 10 kB."""

KEEPALIVE_SECONDS = 20.0
"""Below the 30 to 60 seconds after which common servers and balancers close an idle connection."""

_PERHAPS_SENT: Final[dict[type[Exception], type[httpx.RequestError]]] = {
    httpcore2.ReadError: httpx.ReadError,
    httpcore2.ReadTimeout: httpx.ReadTimeout,
    httpcore2.WriteError: httpx.WriteError,
    httpcore2.WriteTimeout: httpx.WriteTimeout,
    httpcore2.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore2.LocalProtocolError: httpx.LocalProtocolError,
    h11.LocalProtocolError: httpx.LocalProtocolError,  # a body that is not as long as its header says
}
"""All that can go wrong once there is a connection."""


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom TLS trusts. Loaded once for all backends: it takes some 25 milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class EngineTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 by httpcore2 on connections of our own: kept ones for reads, a new one for each write.

    It follows no redirect, keeps no cookie, reads no proxy from the environment and sends nothing twice. How many
    calls are under way at once is bounded above it.
    """

    def __init__(self, *, verify: ssl.SSLContext | None = None) -> None:
        self._trust = verify or _authorities()
        self._trust.set_alpn_protocols(["http/1.1"])
        self._open: set[httpcore2.AsyncHTTP11Connection] = set()
        self._idle: dict[str, deque[httpcore2.AsyncHTTP11Connection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request.

        Raises `httpx.UnsupportedProtocol`, `httpx.ConnectError` and `httpx.ConnectTimeout` before any of it was sent,
        and other kinds of `httpx.TransportError` when it may have arrived. Cancelled, it closes the connection.
        """
        info: CallInfo | None = request.extensions.get(EXTENSION)
        write = info is not None and info.write
        timeouts = request.extensions.get("timeout", {})
        url = _url(request.url)
        connection = None if write else await self._kept(url.origin)
        if connection is None:
            connection = await self._connect(url.origin, timeouts.get("connect"))
        if (call := call_of(request)) is not None:
            call.sent = True
        try:
            with _told():
                answer = await connection.handle_async_request(_outgoing(request, url, timeouts))
        except BaseException:
            await self._drop(connection)
            raise
        if write:
            done = functools.partial(self._drop, connection)
        else:
            done = functools.partial(self._give_back, connection, url.origin, answer)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, done),
            extensions={name: answer.extensions[name] for name in ("http_version", "reason_phrase")},
        )

    async def aclose(self) -> None:
        """Closes all connections, those in use too."""
        self._closed = True
        self._idle.clear()
        for connection in tuple(self._open):
            await self._drop(connection)

    async def _connect(self, origin: httpcore2.Origin, seconds: float | None) -> httpcore2.AsyncHTTP11Connection:
        trust = self._trust if origin.scheme == b"https" else None
        stream = await open_socket(origin.host.decode("ascii"), origin.port, trust, seconds)
        connection = httpcore2.AsyncHTTP11Connection(origin, stream, keepalive_expiry=KEEPALIVE_SECONDS)
        self._open.add(connection)
        return connection

    async def _kept(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTP11Connection | None:
        """The idle connection that was used last and is still good, if there is one."""
        idle = self._idle.get(str(origin))
        while idle:
            connection = idle.pop()
            if not connection.has_expired():
                return connection
            await self._drop(connection)
        return None

    async def _give_back(
        self, connection: httpcore2.AsyncHTTP11Connection, origin: httpcore2.Origin, answer: httpcore2.Response
    ) -> None:
        """Keeps the connection, if nothing on it can be taken for the answer to the next request."""
        await answer.aclose()
        if self._closed or not connection.is_available() or _doubtful(connection, answer):
            await self._drop(connection)
            return
        idle = self._idle.setdefault(str(origin), deque())
        idle.append(connection)
        while idle and (len(idle) > KEPT_CONNECTIONS or idle[0].has_expired()):
            await self._drop(idle.popleft())

    async def _drop(self, connection: httpcore2.AsyncHTTP11Connection) -> None:
        self._open.discard(connection)
        await connection.aclose()


class _Body(httpx.AsyncByteStream):
    """An answer's body as it comes; closing it, once, says what becomes of the connection."""

    def __init__(self, answer: httpcore2.Response, done: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._done: Callable[[], Awaitable[None]] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            await done()


def _url(url: httpx.URL) -> httpcore2.URL:
    if url.scheme not in ("http", "https"):
        raise httpx.UnsupportedProtocol("only http and https are spoken")
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _outgoing(request: httpx.Request, url: httpcore2.URL, timeouts: dict[str, float | None]) -> httpcore2.Request:
    assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous client's
    return httpcore2.Request(
        request.method, url, headers=request.headers.raw, content=request.stream, extensions={"timeout": timeouts}
    )


def _doubtful(connection: httpcore2.AsyncHTTP11Connection, answer: httpcore2.Response) -> bool:
    """Whether it is unsure where the answer ended: bytes came after it, or it told its length in two ways.

    RFC 9112, sections 6.3 and 9.2. httpcore2 looks for neither.
    """
    names = {name.lower() for name, _ in answer.headers}
    after = connection._h11_state.trailing_data[0]  # noqa: SLF001 - there is no public way to it
    return bool(after) or names >= {b"content-length", b"transfer-encoding"}


@contextmanager
def _told() -> Iterator[None]:
    """Raises httpx's error for httpcore2's. What h11 says of bytes it refuses is not repeated: it quotes them."""
    try:
        yield
    except tuple(_PERHAPS_SENT) as error:
        kind = next(told for known, told in _PERHAPS_SENT.items() if isinstance(error, known))
        quotes = issubclass(kind, httpx.ProtocolError)
        raise kind("this is not HTTP/1.1, or not whole" if quotes else str(error)) from None
