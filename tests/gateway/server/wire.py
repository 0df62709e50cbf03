"""HTTP by hand: bytes to the endpoint over a real socket, and what comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec

from gateway.app import Gateway
from gateway.settings import ConnectionSettings, ServerSettings
from tests.gateway.server.endpoint import usual
from tests.gateway.serving import CONNECTIONS, SERVER, routes_of, serving
from tests.patience import PATIENCE

__all__ = ["HEAD", "QUERY", "WHOLE", "Wire", "listening", "reason_of"]

HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
QUERY = b'{"query": "{ __typename }"}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(QUERY) + QUERY


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, text: bytes) -> None:
        """Sends bytes."""
        self.writer.write(text)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body, which has a length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
        return int(head.split(b" ")[1]), await self.reader.readexactly(length)

    async def ask(self, text: bytes = WHOLE) -> tuple[int, bytes]:
        """The answer to a request."""
        await self.send(text)
        return await self.answer()

    async def ended(self) -> bool:
        """Waits until the other side has closed, and says that nothing came before that."""
        with contextlib.suppress(ConnectionResetError):
            return await self.reader.read() == b""
        return True


class Listening:
    """A gateway that is served; connections to it are closed at the end."""

    def __init__(self, address: str, stack: contextlib.AsyncExitStack) -> None:
        self.address = address
        self._stack = stack

    async def connect(self) -> Wire:
        """A new connection."""
        host, port = self.address.split(":")
        wire = Wire(*await asyncio.open_connection(host, int(port)))
        self._stack.callback(wire.writer.close)
        return wire


@contextlib.asynccontextmanager
async def listening(
    gateway: Gateway | None = None, server: ServerSettings = SERVER, **connections: Any
) -> AsyncIterator[Listening]:
    """A gateway whose connections have these settings."""
    settings: ConnectionSettings = msgspec.structs.replace(CONNECTIONS, **connections)
    served = gateway or usual()
    served.settings = replace(served.settings, connections=settings)
    async with (
        asyncio.timeout(PATIENCE),
        serving(routes_of(served), server, settings) as address,
        contextlib.AsyncExitStack() as stack,
    ):
        yield Listening(address, stack)


def reason_of(body: bytes | bytearray) -> str:
    """The message of the only error in an answer."""
    (error,) = msgspec.json.decode(body)["errors"]
    message: str = error["message"]
    return message
