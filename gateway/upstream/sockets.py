"""A connection below HTTP, with TLS or without, over the event loop's own transports."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

import httpx

from gateway.upstream.alarms import Alarm
from gateway.upstream.reaching import reached

__all__ = ["Socket", "open_socket"]

READ_AHEAD = 64 * 1024
"""Bytes that may lie unread; past them the other side is held back."""


async def open_socket(host: str, port: int, trust: ssl.SSLContext | None, timeout: float | None) -> "Socket":  # noqa: ASYNC109 - whose error says that it was this one
    """A connection over which nothing has been sent, inside TLS if ``trust`` says whom it believes.

    Raises `httpx.ConnectTimeout` or `httpx.ConnectError`, and no other error: name, address, TCP and handshake.
    ``timeout``: seconds for all of them together.
    """
    try:
        async with asyncio.timeout(timeout):
            connected = await reached(host, port)
            _, made = await asyncio.get_running_loop().create_connection(
                Socket, sock=connected, ssl=trust, server_hostname=None if trust is None else host
            )
    except TimeoutError:
        raise httpx.ConnectTimeout("no connection in time") from None
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be one, to the resolver or to TLS
        raise httpx.ConnectError(str(error)) from error
    return made


class Socket(asyncio.Protocol):
    """The bytes of one connection. One task at a time reads or writes.

    ``is_readable`` says whether bytes or an end are there, which an idle connection's are not.
    The event loop tells it of an end at once, so a kept connection that the vendor closed is known without asking.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._arrived = b""
        self._ended = False
        self.is_readable = False
        self._failure: Exception | None = None
        self._held_back = False
        self._must_drain = False
        self._waiter: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._alarm = Alarm(self._give_up)
        self._late = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._arrived = self._arrived + data if self._arrived else data
        self.is_readable = True
        if len(self._arrived) > READ_AHEAD and not self._held_back:
            self._held_back = True
            self._connected.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Called by the event loop; it closes the transport next."""
        self._ended = self.is_readable = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._ended = self.is_readable = True
        self._failure = exc
        self._alarm.close()
        self._wake()

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self._must_drain = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._must_drain = False
        self._wake()

    async def read(self, seconds: float | None = None) -> bytes:
        """What has arrived, at least a byte; none at the end. Raises `httpx.ReadTimeout`, `httpx.ReadError`."""
        while (data := self.take()) is None:  # what it is told of may be another thing
            await self._told(seconds)
        return data

    def take(self) -> bytes | None:
        """What has arrived by now, like `read`; None where nothing has, and its time is not over."""
        if not self._arrived and not self._ended:
            if self._late:
                raise httpx.ReadTimeout("nothing came in time")
            return None
        data, self._arrived = self._arrived, b""
        self.is_readable = self._ended
        if not data and self._failure is not None:
            raise httpx.ReadError(str(self._failure)) from self._failure
        if self._held_back and not self._ended:
            self._held_back = False
            self._connected.resume_reading()
        return data

    def listen(self, told: Callable[[], None], seconds: float | None = None) -> None:
        """Calls ``told``, instead of waking a reader, when something may be there, or nothing is after so long."""
        self._listener = told
        self._late = False
        if seconds is not None:
            self._alarm.set(seconds)

    def listen_no_more(self) -> None:
        """Ends `listen`."""
        self._listener = None
        self._alarm.stop()

    def hand_on(self, data: bytes) -> None:
        """Writes what is so little that it never piles up, on a connection that has not ended."""
        self._connected.write(data)

    async def write(self, data: bytes, seconds: float | None = None) -> None:
        """Hands the bytes on. Raises `httpx.WriteTimeout` if they pile up, `httpx.WriteError`."""
        if self._ended:
            raise httpx.WriteError("the connection is closed")
        self._connected.write(data)
        if self._must_drain:
            while self._must_drain and not self._ended:
                if not await self._told(seconds):
                    raise httpx.WriteTimeout(f"nothing for {seconds} seconds")
            if self._ended:
                raise httpx.WriteError("the connection was closed")

    def abort(self) -> None:
        """Lets go at once: what was not sent yet is not sent any more."""
        self._connected.abort()

    def get_extra_info(self, name: str) -> Any:
        """What the event loop's transport knows of itself."""
        return self._connected.get_extra_info(name)

    @property
    def _connected(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - the event loop's first call
        return self._transport

    async def _told(self, seconds: float | None) -> bool:
        """Waits until the event loop has told something; False where that took so many seconds."""
        self._late = False
        self._waiter = self._loop.create_future()
        if seconds is not None:
            self._alarm.set(seconds)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._alarm.stop()
        return not self._late

    def _give_up(self) -> None:
        self._late = True
        self._wake()

    def _wake(self) -> None:
        if self._listener is not None:
            self._listener()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
