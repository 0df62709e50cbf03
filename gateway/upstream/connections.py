"""HTTP/1.1 on one connection, one request after another (RFC 9112)."""

import functools
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping

import httpx
from msgspec import Struct

from adapters.messages import Row, TooLargeError, parts_of, rows_of
from gateway.upstream.answers import Answer, Heads, NotHttpError
from gateway.upstream.sockets import Socket

__all__ = ["AT_ONCE_BYTES", "Connection", "Ended", "Server", "Timeouts", "head_of", "outgoing"]

KEEPALIVE_SECONDS = 20.0
"""Below the 30 to 60 seconds after which common servers and balancers close an idle connection."""

UNUSED_SECONDS = 2.0
"""How long a connection is good over which nothing was sent: few servers wait less for a first request."""

TOGETHER_BYTES = 64 * 1024
"""Up to so many bytes of a body are sent with the head, in one write."""

AT_ONCE_BYTES = 16 * 1024
"""Far less than what event loops take before they say that it piles up (64 KiB)."""

_FIELD_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

Timeouts = Mapping[str, float | None]
Server = tuple[str, str, str, int | None]
Ended = Callable[[Answer, httpx.TransportError | None], None]
"""What is told of an exchange: its answer as far as it came, and what broke it off."""


class _Exchange(Struct):
    """How an answer is read by the event loop's own calls."""

    most: int
    seconds: float | None
    ended: Ended


class Connection:
    """A connection that speaks HTTP. Between two requests it is idle, and good until it expires."""

    def __init__(self, server: Server, socket: Socket, heads: Heads | None = None) -> None:
        self.server = server
        self._heads = heads
        self._socket = socket
        self._expires = time.monotonic() + UNUSED_SECONDS
        self._answer: Answer | None = None
        self._exchange: _Exchange | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer that is under way on it, as far as it has come."""
        return self._answer

    async def ask(self, head: bytes, body: bytes, timeouts: Timeouts, *, bodiless: bool) -> Answer:
        """Sends a request and reads the head of its answer. ``bodiless``: there is no body, whatever the head says.

        Raises `httpx.TransportError`: the request may have arrived.
        """
        answer = self._answer = Answer(bodiless=bodiless, heads=self._heads)
        await self._send(head, body, timeouts.get("write"))
        while not answer.head:
            _take(answer, await self._socket.read(timeouts.get("read")))
        return answer

    def exchange(self, sent: bytes, most: int, timeouts: Timeouts, ended: "Ended") -> None:
        """Sends a request of at most `AT_ONCE_BYTES` and reads its answer, by the event loop's own calls.

        ``ended`` is called once, when the answer is whole, has more than ``most`` bytes, or has failed. Until then
        `close` ends it, and nothing is called.
        """
        self._answer = Answer(heads=self._heads)
        seconds = timeouts.get("read")
        self._exchange = _Exchange(most, seconds, ended)
        self._socket.hand_on(sent)
        self._socket.listen(self._told, seconds)

    def _told(self) -> None:
        answer, exchange = self._answer, self._exchange
        assert answer is not None and exchange is not None  # noqa: S101, PT018 - it listens as long as it has both
        failure: httpx.TransportError | None = None
        try:
            data = self._socket.take()
            if data is None:
                return
            _take(answer, data)
            if not answer.whole and answer.size <= exchange.most:
                self._socket.listen(self._told, exchange.seconds)
                return
        except httpx.TransportError as error:
            failure = error.with_traceback(None)  # which holds this frame, as that does the failure
        self._exchange = None
        self._socket.listen_no_more()
        exchange.ended(answer, failure)

    async def pieces(self, answer: Answer, timeouts: Timeouts) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `httpx.TransportError` where it does not come whole."""
        while True:
            pieces, answer.pieces = answer.pieces, []
            for piece in pieces:
                yield piece
            if answer.whole:
                return
            if not answer.pieces:
                _take(answer, await self._socket.read(timeouts.get("read")))

    async def body(self, answer: Answer, timeouts: Timeouts, most: int) -> bytes:
        """The body whole. Raises `TooLargeError` past ``most`` bytes, and what `pieces` raises."""
        while not answer.whole:
            if answer.size > most:
                raise TooLargeError
            _take(answer, await self._socket.read(timeouts.get("read")))
        if answer.size > most:
            raise TooLargeError
        return answer.body()

    def rest(self) -> bool:
        """Lets it be idle, and good for a while; False where nothing more may be asked on it."""
        answer, self._answer = self._answer, None
        self._expires = time.monotonic() + KEEPALIVE_SECONDS
        return answer is not None and answer.keeps and not self._socket.is_readable

    def is_idle(self) -> bool:
        """Whether no request is under way on it."""
        return self._answer is None

    def has_expired(self) -> bool:
        """Whether it was idle for too long, or the vendor has closed it or spoken unasked."""
        return self._socket.is_readable or time.monotonic() >= self._expires

    def close(self) -> None:
        """Lets go at once. It never waits, so that nobody can cancel it."""
        if self._exchange is not None:
            self._exchange = None
            self._socket.listen_no_more()
        self._socket.abort()

    async def _send(self, head: bytes, body: bytes, seconds: float | None) -> None:
        """A vendor that closes before it has read all may have answered why."""
        try:
            if len(body) <= TOGETHER_BYTES:
                await self._socket.write(head + body, seconds)
            else:
                await self._socket.write(head, seconds)
                await self._socket.write(body, seconds)
        except httpx.WriteError:
            pass


def _take(answer: Answer, data: bytes) -> None:
    """Gives an answer what has been read, which is nothing at the connection's end."""
    try:
        if data:
            answer.feed(data)
        else:
            answer.end()
    except NotHttpError:
        raise httpx.RemoteProtocolError("this is not HTTP/1.1, or not whole") from None


def outgoing(request: httpx.Request, body: bytes) -> bytes:
    """A request's head, as it is sent. Raises `httpx.LocalProtocolError` where it would be none, or of another body."""
    return head_of(request.method, request.url, tuple(rows_of(request.headers)), len(body))


def head_of(method: str, url: httpx.URL, rows: tuple[Row, ...], length: int) -> bytes:
    """The same out of its parts, with the fields of `headers_of` and a body of so many bytes."""
    at = parts_of(url)
    target = at.path or "/" if at.query is None else f"{at.path or '/'}?{at.query}"
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise httpx.LocalProtocolError("the path has what no path may have")
    return f"{method} {target} HTTP/1.1\r\n".encode("ascii") + _field_lines(rows, length)


@functools.lru_cache(maxsize=256)  # most calls of a backend have the same
def _field_lines(rows: tuple[Row, ...], length: int) -> bytes:
    """The fields of `headers_of` and the line after them, with a body of so many bytes.

    Raises `httpx.LocalProtocolError`.
    """
    block = b"".join([b"%b: %b\r\n" % (name, value) for name, _, value in rows])
    if block.count(b"\r") != len(rows) or block.count(b"\n") != len(rows) or b"\0" in block:
        raise httpx.LocalProtocolError("a header has a line end or a null in it")
    for name, lowered, value in rows:
        if _FIELD_NAME.fullmatch(name) is None:
            raise httpx.LocalProtocolError("a header's name is none")
        if lowered == b"transfer-encoding" or (lowered == b"content-length" and value != b"%d" % length):
            raise httpx.LocalProtocolError("the body is not as long as its header says")
    return block + b"\r\n"
