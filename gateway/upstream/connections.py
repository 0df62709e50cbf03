"""HTTP/1.1 on one connection, one request after another (RFC 9112)."""

import functools
import re
import time
from collections.abc import AsyncIterator, Mapping

import httpx

from adapters.messages import TooLargeError
from gateway.upstream.answers import Answer, NotHttpError
from gateway.upstream.sockets import Socket

__all__ = ["Connection", "Server", "Timeouts", "outgoing"]

KEEPALIVE_SECONDS = 20.0
"""Below the 30 to 60 seconds after which common servers and balancers close an idle connection."""

UNUSED_SECONDS = 2.0
"""How long a connection is good over which nothing was sent: few servers wait less for a first request."""

TOGETHER_BYTES = 64 * 1024
"""Up to so many bytes of a body are sent with the head, in one write."""

_FIELD_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"[!-~]+")

Timeouts = Mapping[str, float | None]
Server = tuple[str, str, str, int | None]


class Connection:
    """A connection that speaks HTTP. Between two requests it is idle, and good until it expires."""

    def __init__(self, server: Server, socket: Socket) -> None:
        self.server = server
        self._socket = socket
        self._expires = time.monotonic() + UNUSED_SECONDS
        self._answer: Answer | None = None

    async def ask(self, head: bytes, body: bytes, timeouts: Timeouts, *, bodiless: bool) -> Answer:
        """Sends a request and reads the head of its answer. ``bodiless``: there is no body, whatever the head says.

        Raises `httpx.TransportError`: the request may have arrived.
        """
        answer = self._answer = Answer(bodiless=bodiless)
        await self._send(head, body, timeouts.get("write"))
        while not answer.head:
            _take(answer, await self._socket.read(timeouts.get("read")))
        return answer

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
        """Lets it be idle; False where nothing more may be asked on it."""
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
    target = request.url.raw_path
    if _TARGET.fullmatch(target) is None:
        raise httpx.LocalProtocolError("the path has what no path may have")
    block = _field_lines(tuple(request.headers.raw), len(body))
    return b"%b %b HTTP/1.1\r\n%b" % (request.method.encode("ascii"), target, block)


@functools.lru_cache(maxsize=256)  # most calls of a backend have the same
def _field_lines(fields: tuple[tuple[bytes, bytes], ...], length: int) -> bytes:
    """The fields and the line after them, with a body of so many bytes. Raises `httpx.LocalProtocolError`."""
    block = b"".join([b"%b: %b\r\n" % field for field in fields])
    if block.count(b"\r") != len(fields) or block.count(b"\n") != len(fields) or b"\0" in block:
        raise httpx.LocalProtocolError("a header has a line end or a null in it")
    for name, value in fields:
        if _FIELD_NAME.fullmatch(name) is None:
            raise httpx.LocalProtocolError("a header's name is none")
        lowered = name.lower()
        if lowered == b"transfer-encoding" or (lowered == b"content-length" and value != b"%d" % length):
            raise httpx.LocalProtocolError("the body is not as long as its header says")
    return block + b"\r\n"
