"""A read and its answer without a task that waits: the event loop's own calls carry it on."""

import asyncio
import contextvars
from collections.abc import Callable

import httpx
from msgspec import Struct

from adapters.messages import body_of, server_of
from adapters.signing import SigningTransport
from adapters.wire import MAX_ANSWER_BYTES
from gateway.upstream.answers import Answer
from gateway.upstream.calls import Call
from gateway.upstream.connections import AT_ONCE_BYTES, Connection, Server, Timeouts, head_of
from gateway.upstream.engine import EngineTransport

__all__ = ["Exchange", "Outgoing", "prepared"]

Ended = Callable[[Answer | None, BaseException | None], None]
"""What is told of an exchange: its answer as far as it came, and what broke it off."""


class Outgoing(Struct, frozen=True):
    """A request as it is sent, and to where."""

    sent: bytes
    server: Server
    url: httpx.URL
    timeouts: Timeouts


def prepared(request: httpx.Request, credential: SigningTransport) -> Outgoing | None:
    """A request with its credential that is sent in one piece; None for one that cannot be."""
    signed = credential.sent(request)
    if signed is None or request.method == "HEAD":
        return None
    url, rows = signed
    body = body_of(request)
    try:
        sent = head_of(request.method, url, tuple(rows), len(body)) + body
    except httpx.LocalProtocolError:
        return None
    if len(sent) > AT_ONCE_BYTES:
        return None
    return Outgoing(sent, server_of(url), url, request.extensions.get("timeout", {}))


class Exchange:
    """One read over an engine's connections, as `EngineTransport` does it.

    ``ended`` is called once, and never before this is made, unless it is left: with an answer that is whole, or has
    more bytes than it may, or with what broke it off.
    """

    __slots__ = ("_call", "_connection", "_ended", "_engine", "_left", "_opening", "_outgoing")

    def __init__(self, engine: EngineTransport, outgoing: Outgoing, call: Call, ended: Ended) -> None:
        self._engine = engine
        self._outgoing = outgoing
        self._call = call
        self._ended = ended
        self._left = False
        self._opening: asyncio.Task[Connection] | None = None
        self._connection = engine.kept(outgoing.server)
        if self._connection is None:
            connecting = engine.connect(outgoing.server, outgoing.url, outgoing.timeouts.get("connect"))
            self._opening = asyncio.get_running_loop().create_task(connecting, context=contextvars.Context())
            self._opening.add_done_callback(self._opened)
        else:
            self._send(self._connection)

    @property
    def answer(self) -> Answer | None:
        """Its answer as far as it has come."""
        return None if self._connection is None else self._connection.answer

    def leave(self) -> None:
        """Ends it: nobody wants its answer."""
        self._left = True
        if self._opening is not None:
            self._opening.cancel()
        elif self._connection is not None:
            self._engine.drop(self._connection)

    def _opened(self, opening: asyncio.Task[Connection]) -> None:
        self._opening = None
        failure = asyncio.CancelledError() if opening.cancelled() else opening.exception()
        if self._left:
            if failure is None:
                self._engine.drop(opening.result())
        elif failure is not None:
            self._ended(None, failure)
        else:
            self._connection = opening.result()
            self._send(self._connection)

    def _send(self, connection: Connection) -> None:
        self._call.sent = True
        connection.exchange(self._outgoing.sent, MAX_ANSWER_BYTES, self._outgoing.timeouts, self._came)

    def _came(self, answer: Answer, failure: httpx.TransportError | None) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101 - it is what calls
        self._engine.let_go(connection, keep=failure is None and answer.whole)
        self._ended(answer, failure)
