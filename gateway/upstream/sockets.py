"""A connection as httpcore2 speaks HTTP on it, with TLS or without, over the event loop's own transports."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

import httpcore2
import httpx

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


class Socket(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """The stream below one `httpcore2.AsyncHTTP11Connection`. One task at a time reads or writes.

    The event loop tells it of an end at once, so a kept connection that the vendor closed is known without asking.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._arrived = bytearray()
        self._ended = False
        self._failure: Exception | None = None
        self._held_back = False
        self._must_drain = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._arrived += data
        if len(self._arrived) > READ_AHEAD and not self._held_back:
            self._held_back = True
            self._connected.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Called by the event loop; it closes the transport next."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._ended = True
        self._failure = exc
        self._wake()

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self._must_drain = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._must_drain = False
        self._wake()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the interface
        """What has arrived, at least a byte; none at the end. Raises `httpcore2.ReadTimeout`, `httpcore2.ReadError`."""
        if not self._arrived and not self._ended:
            await self._until(lambda: bool(self._arrived) or self._ended, timeout, httpcore2.ReadTimeout)
        if not self._arrived and self._failure is not None:
            raise httpcore2.ReadError(str(self._failure)) from self._failure
        data = bytes(self._arrived[:max_bytes])
        del self._arrived[:max_bytes]
        if self._held_back and len(self._arrived) <= READ_AHEAD and not self._ended:
            self._held_back = False
            self._connected.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the interface
        """Hands the bytes on. Raises `httpcore2.WriteTimeout` if they pile up, `httpcore2.WriteError`."""
        if self._ended:
            raise httpcore2.WriteError("the connection is closed")
        self._connected.write(buffer)
        if self._must_drain:
            await self._until(lambda: not self._must_drain or self._ended, timeout, httpcore2.WriteTimeout)
            if self._ended:
                raise httpcore2.WriteError("the connection was closed")

    async def aclose(self) -> None:
        """Lets go at once: what was not sent yet is not sent any more. Never waits, so that nobody can cancel it."""
        self._connected.abort()

    def get_extra_info(self, info: str) -> Any:
        """``is_readable``: whether bytes or an end are there, which an idle connection's are not."""
        if info == "is_readable":
            return bool(self._arrived) or self._ended
        return self._connected.get_extra_info(info)

    @property
    def _connected(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - the event loop's first call
        return self._transport

    async def _until(self, ready: Callable[[], bool], seconds: float | None, late: type[Exception]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                while not ready():
                    self._waiter = loop.create_future()
                    await self._waiter
        except TimeoutError:
            raise late(f"nothing for {seconds} seconds") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
