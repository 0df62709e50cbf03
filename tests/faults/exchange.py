"""One request on its way through the fault proxy, and what a fault can do with it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal

import h11
from msgspec import Struct
from msgspec.structs import replace

__all__ = ["Answer", "Call", "Client", "ClientLeft", "Exchange", "Request"]

Headers = tuple[tuple[bytes, bytes], ...]

_OF_ONE_CONNECTION = frozenset((b"connection", b"keep-alive", b"transfer-encoding"))
_READ = 65_536
_LINGER_NOT = struct.pack("ii", 1, 0)
"""Closing a socket with it resets the connection."""


class ClientLeft(ConnectionError):
    """The client closed the connection before it had its answer."""


class Call(Struct, kw_only=True):
    """A request in the journal.

    ``at`` is when it arrived, on the monotonic clock. ``sent`` counts the bytes written in answer; ``left`` says that
    the client went before all were.
    """

    at: float
    connection: int
    method: str
    path: str
    headers: Headers
    body: bytes = b""
    fault: str | None = None
    forwarded: bool = False
    sent: int = 0
    left: bool = False


class Request(Struct, frozen=True):
    """A request as the client sent it."""

    method: str
    target: str
    headers: Headers
    body: bytes


class Answer(Struct, frozen=True):
    """An answer as the emulator gave it, without what concerned that connection only."""

    status: int
    headers: Headers
    body: bytes

    def head(self, length: int | None = None) -> bytes:
        """Status line and headers, with the body's length or another, or with none where it is negative."""
        length = len(self.body) if length is None else length
        lines = [b"HTTP/1.1 %d Answer" % self.status]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"content-length"]
        lines += [b"content-length: %d" % length] if length >= 0 else []
        return b"\r\n".join((*lines, b"", b""))

    def having(self, **headers: str) -> "Answer":
        """The same with these headers instead of its own, underscores for hyphens."""
        new = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        kept = ((name, value) for name, value in self.headers if name not in new)
        return replace(self, headers=(*kept, *new.items()))


class Client:
    """A connection to the proxy."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self.over = False
        self._ahead = b""
        self._parser = h11.Connection(h11.SERVER)

    async def head(self) -> h11.Request | None:
        """The next request's head; None when the client closes the connection."""
        self._parser = h11.Connection(h11.SERVER)
        if self._ahead:
            self._parser.receive_data(self._ahead)
        event = await self._event()
        return event if isinstance(event, h11.Request) else None

    async def body(self) -> bytes:
        """The rest of the request."""
        body = b""
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
        if not isinstance(event, h11.EndOfMessage):
            raise ClientLeft
        self._ahead = self._parser.trailing_data[0]
        return body

    async def left(self) -> None:
        """Returns when the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(_READ):
                self._ahead += data

    async def write(self, data: bytes) -> None:
        """Sends bytes, at the pace of the client."""
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        """Ends the connection in order."""
        self.over = True
        self.writer.close()

    def reset(self) -> None:
        """Breaks the connection off."""
        self.over = True
        with contextlib.suppress(OSError):  # the client was quicker
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.writer.transport.abort()

    def stop_reading(self) -> None:
        """Takes nothing more in: what the client sends fills its own buffers."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        if transport.is_reading():
            transport.pause_reading()

    async def _event(self) -> Any:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(await self.reader.read(_READ))
        return event


class Exchange:
    """One request, where it would go, and what has been done with it."""

    def __init__(
        self, client: Client, head: h11.Request, call: Call, upstream: tuple[str, int], healed: asyncio.Event
    ) -> None:
        self.client = client
        self.call = call
        self._head = head
        self._upstream = upstream
        self._healed = healed
        self._request: Request | None = None

    async def request(self) -> Request:
        """The request, read to its end."""
        if self._request is None:
            self.call.body = await self.client.body()
            self._request = Request(self.call.method, self.call.path, self.call.headers, self.call.body)
        return self._request

    async def forward(self, change: Callable[[Request], Request] = lambda request: request) -> Answer:
        """The emulator's answer to the request, or to what ``change`` makes of it."""
        request = change(await self.request())
        self.call.forwarded = True
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            return await _asked(request, reader, writer)
        finally:
            writer.close()

    async def answer(self, answer: Answer) -> None:
        """Answers the request as it should be."""
        await self.send(answer.head() + answer.body)

    async def send(self, data: bytes) -> None:
        """Sends bytes of an answer."""
        await self.client.write(data)
        self.call.sent += len(data)

    async def wait(self, seconds: float) -> None:
        """Lets time pass. Raises `ClientLeft` when the client does not wait for it."""
        await self.request()
        try:
            async with asyncio.timeout(seconds):
                await self.client.left()
        except TimeoutError:
            return
        raise ClientLeft

    async def stall(self, what: Literal["answering", "reading"]) -> None:
        """Never goes on: ends when the client leaves (seen only while reading), or the proxy heals or closes."""
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._healed.wait())]
        if what == "reading":
            self.client.stop_reading()
        else:
            await self.request()
            waiting.append(asyncio.ensure_future(self.client.left()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        raise ClientLeft


async def _asked(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    headers = [header for header in request.headers if header[0] not in _OF_ONE_CONNECTION | {b"content-length"}]
    headers += [(b"connection", b"close")]
    headers += [(b"content-length", b"%d" % len(request.body))] if request.body or request.method == "POST" else []
    outgoing = h11.Request(method=request.method, target=request.target, headers=headers)
    for event in (outgoing, h11.Data(data=request.body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    head: h11.Response | None = None
    body = b""
    while True:
        received = connection.next_event()
        if received is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ))
        elif isinstance(received, h11.Response):
            head = received
        elif isinstance(received, h11.Data):
            body += received.data
        elif head is not None:
            kept = tuple((name, value) for name, value in head.headers if name not in _OF_ONE_CONNECTION)
            return Answer(head.status_code, kept, body)
        elif received is not h11.PAUSED and not isinstance(received, h11.InformationalResponse):
            raise ConnectionResetError("the emulator broke off")
