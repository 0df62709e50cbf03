"""Connections that are waited for, but not for ever: uvicorn's protocols, with times for what comes in and goes out.

uvicorn itself bounds the silence between two requests, and nothing else: a head that comes a byte a minute, a body that
stops half way or an answer that nobody takes would hold a connection, and with it a file descriptor, for good.
"""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.server.exchanges import Exchange, QuickHttp
from gateway.server.heads import Heads
from gateway.server.requests_reading import MAX_DISCARDED_BYTES
from gateway.settings_connections import ConnectionSettings

__all__ = ["MAX_HEAD_BYTES", "http_protocol", "socket_protocol"]

MAX_HEAD_BYTES: Final = 128 * 1024
"""Of a request's line and headers. The longest document that is taken fits into a URL, every character escaped."""

LOOK_SECONDS: Final = 5.0
"""So often it is looked whether a body, or an answer on its way out, has got any further."""

LEAST_BYTES: Final = 2_500
"""What must have come or gone in that time: 500 bytes a second, slower than any modem (Apache's choice, too)."""

LINGER_SECONDS: Final = 2.0
"""How long a refused request is still read for nothing: closed at once, its sender would see a reset and no reason."""


class _Unread(asyncio.Protocol):
    """Gives up an answer that its receiver does not take."""

    connection_settings: ClassVar[ConnectionSettings]
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _flushing: asyncio.TimerHandle | None = None
    _unsent: int = 0
    _stuck_seconds: float = 0.0

    def pause_writing(self) -> None:
        """More is waiting to be sent than should."""
        super().pause_writing()
        self.await_flush()

    def resume_writing(self) -> None:
        """The receiver takes it."""
        super().resume_writing()
        self.stop_flushing()

    def await_flush(self) -> None:
        """Watches what is waiting to be sent, until little of it is left or it gets no further."""
        if self._flushing is None:
            self._unsent, self._stuck_seconds = self.transport.get_write_buffer_size(), 0.0
            self._flushing = self.loop.call_later(self._look_seconds, self._look_at_flush)

    def stop_flushing(self) -> None:
        """Watches no more."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    @property
    def _look_seconds(self) -> float:
        return min(LOOK_SECONDS, self.connection_settings.unread_seconds)

    def _look_at_flush(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._stuck_seconds = 0.0 if self._unsent - unsent >= LEAST_BYTES else self._stuck_seconds + self._look_seconds
        self._unsent = unsent
        if self._stuck_seconds >= self.connection_settings.unread_seconds:
            self._flushing = None
            self.transport.abort()
        else:
            self._flushing = self.loop.call_later(self._look_seconds, self._look_at_flush)


class _PatientHttp(_Unread, QuickHttp):
    """HTTP/1.1: a head has its time, a body its time and a least speed, and there is a most of all connections.

    A request that comes in one piece, as nearly all do, costs no timer of its own.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: asyncio.TimerHandle | None = None
        self._coming = False  # a request has begun, and is not whole
        self._in_body = False
        self._refused = False
        self._size: int | None = None  # of what came since the piece that the request began in
        self._size_before = 0
        self._paused_before = False
        self._body_seconds = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for a head; at the limit only where an idle connection can make room."""
        super().connection_made(transport)
        if len(self.connections) > self.connection_settings.limit and not self._made_room():
            transport.write(_answer(503, "The gateway has as many connections as it takes.", b"retry-after: 1\r\n"))
            transport.close()
            return
        self._waiting = self.loop.call_later(self.connection_settings.head_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)
        self.stop_flushing()

    def data_received(self, data: bytes) -> None:
        """Takes what came, and waits for what is still missing of a request."""
        if self._refused:
            self._size = (self._size or 0) + len(data)
            if self._size > MAX_DISCARDED_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if self._coming:
            self._await_rest(len(data))
        elif self.cycle is not None:
            if self._waiting is not None:
                self._stop_waiting()
            if self.cycle.response_complete and not self.resting:  # nothing but line ends came
                self.rest()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._coming, self._in_body, self._size = True, False, None

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        super().on_message_complete()
        self._coming = False

    def on_response_complete(self) -> None:
        """The whole answer is on its way; that it arrives is waited for where the connection ends with it."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.await_flush()

    def handle_websocket_upgrade(self) -> None:
        """From here on the other protocol has the connection."""
        self._stop_waiting()
        self.stop_flushing()
        self._coming = False
        super().handle_websocket_upgrade()
        self.cycle = None  # type: ignore[assignment]

    def let_go(self) -> None:
        """Nothing came for a while."""
        super().let_go()
        self.await_flush()

    @property
    def idle(self) -> bool:
        """Whether it is kept for a next request alone."""
        return self.resting and not self._coming and not self.transport.is_closing()

    def _made_room(self) -> bool:
        for one in self.connections:
            if isinstance(one, _PatientHttp) and one.idle:
                one.transport.close()
                return True
        return False

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _await_rest(self, count: int) -> None:
        # Other requests may have come in the same piece.
        self._size = 0 if self._size is None else self._size + count
        if self._in_body:
            if self._size > MAX_DISCARDED_BYTES + MAX_HEAD_BYTES:  # a chunked body's trailers are nobody's to count
                self.transport.abort()
        elif self.cycle is not None and self.cycle.scope is self.scope:
            self._in_body = True
            self._stop_waiting()
            # What of it came with the head is not counted: the first look passes.
            self._body_seconds, self._size_before, self._paused_before = 0.0, self._size - LEAST_BYTES, False
            self._waiting = self.loop.call_later(self._body_look_seconds, self._look_at_body)
        elif self._size > MAX_HEAD_BYTES and self._answering:
            self.transport.abort()
        elif self._size > MAX_HEAD_BYTES:
            self._refuse(431, f"The request's line and headers are larger than {MAX_HEAD_BYTES} bytes.")
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self.connection_settings.head_seconds, self._too_slow)

    @property
    def _body_look_seconds(self) -> float:
        return min(LOOK_SECONDS, self.connection_settings.body_seconds)

    def _look_at_body(self) -> None:
        paused = self.flow.read_paused  # by us: until the application takes what has come
        size = self._size or 0
        if not (paused or self._paused_before):
            self._body_seconds += self._body_look_seconds
            late = self._body_seconds >= self.connection_settings.body_seconds
            if late or size - self._size_before < LEAST_BYTES:
                self._too_slow()
                return
        self._size_before, self._paused_before = size, paused
        self._waiting = self.loop.call_later(self._body_look_seconds, self._look_at_body)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _too_slow(self) -> None:
        self._waiting = None
        if not self._coming:  # not a byte: a connection that was opened in case it would be needed
            self.transport.close()
        elif not self._in_body and self._answering:
            self.cycle.keep_alive = False  # the answer to the request before this one is still on its way
        elif self._in_body and (self.cycle.response_started or self.pipeline):
            self.transport.close()
            self.await_flush()
        else:
            self._refuse(408, "The request did not come in time.")

    def _refuse(self, status: int, reason: str) -> None:
        if self.transport.is_closing():
            return
        self._stop_waiting()
        self._refused, self._size = True, 0
        if self._in_body:  # whoever reads it hears that its sender is gone, and answers nothing
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_answer(status, reason))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._waiting = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class _PatientSocket(_Unread, WebSocketsSansIOProtocol):
    """A WebSocket; what its peer does not take is given up."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        super().connection_lost(exc)
        self.stop_flushing()

    def keepalive_timeout(self) -> None:
        """The peer answers no ping, and will hardly take what else is on its way."""
        super().keepalive_timeout()
        self.await_flush()


def http_protocol(settings: ConnectionSettings) -> type[HttpToolsProtocol]:
    """Uvicorn's `http`, for these settings."""

    class OurExchange(Exchange):
        heads = Heads()

    class PatientHttp(_PatientHttp):
        connection_settings = settings
        exchange = OurExchange

    return PatientHttp


def socket_protocol(settings: ConnectionSettings) -> type[WebSocketsSansIOProtocol]:
    """Uvicorn's `ws`, for these settings."""

    class PatientSocket(_PatientSocket):
        connection_settings = settings

    return PatientSocket


def _answer(status: int, reason: str, header: bytes = b"") -> bytes:
    body = reason.encode("ascii") + b"\n"
    return (
        STATUS_LINE[status]
        + header
        + b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        + body
    )
