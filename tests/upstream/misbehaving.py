"""A vendor's server on loopback that does on each connection what a test says, and what can be seen of it."""

import asyncio
import contextlib
import os
import socket
import ssl
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import httpx

from adapters.wire import EXTENSION, CallInfo
from tests.patience import PATIENCE
from tests.ports import reserved_ports

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
"""For localhost and 127.0.0.1, with its key; nobody trusts it but a test that says so."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Line:
    """One connection to the server, counted from 1."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self.number = server.connections
        self.last = b""

    async def request(self) -> None:
        """Reads a whole request; it counts as arrived."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = dict(field.lower().split(b": ", 1) for field in head.split(b"\r\n")[1:-2])
        body = await self._reader.readexactly(int(fields.get(b"content-length", b"0")))
        self._server.requests.append((self.number, head.split(b" ", 1)[0].decode()))
        self.last = head + body
        self._server.texts.append(self.last)

    def say(self, text: bytes) -> None:
        """Sends bytes, if there still is someone to send them to."""
        if not self._writer.is_closing():
            self._writer.write(text)

    def reset(self) -> None:
        """Breaks the connection off, so that the other side is told of a reset."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Waits until the other side has closed; what it still sends is not read as a request."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65536):
                pass


Behaviour = Callable[[Line], Awaitable[None]]


class Server:
    """What arrived: ``connections``, how many of them are ``closed``, and each request.

    ``requests`` has their connections' numbers and their methods, ``texts`` their bytes.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.connections = 0
        self.closed = 0
        self.requests: list[tuple[int, str]] = []
        self.texts: list[bytes] = []
        self.url = ""
        self.tasks: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its behaviour returns or the other side goes away."""
        self.connections += 1
        self.tasks.add(asyncio.current_task())
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self.behaviour(Line(self, reader, writer))
        except asyncio.CancelledError:  # the test failed: do not wait for it to read
            writer.transport.abort()
            raise
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self.closed += 1

    async def all_closed(self) -> None:
        """Waits until the server knows of every connection that it has ended."""
        async with asyncio.timeout(PATIENCE):
            while not self.connections or self.closed < self.connections:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a free port, until every connection to it has ended."""
    server = Server(behaviour)
    async with asyncio.timeout(PATIENCE):
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
        port = listening.sockets[0].getsockname()[1]
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/"
        try:
            yield server
        finally:
            listening.close()
            await asyncio.gather(*(task for task in server.tasks if task is not None))


async def answering(line: Line) -> None:
    """Answers every request."""
    while True:
        await line.request()
        line.say(OK)


def certified(**members: object) -> ssl.SSLContext:
    """A server's side of TLS, self-signed."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(SELF_SIGNED)
    for name, value in members.items():
        setattr(tls, name, value)
    return tls


def trusting() -> ssl.SSLContext:
    """A client's side of TLS that trusts the self-signed server."""
    return ssl.create_default_context(cafile=SELF_SIGNED)


@contextlib.contextmanager
def nobody_accepts() -> Iterator[str]:
    """The URL of a port whose queue is full: connecting to it takes for ever."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a port on which nobody listens."""
    with reserved_ports(1) as (port,):
        yield f"http://127.0.0.1:{port}/"


def call(
    url: str, *, write: bool, method: str = "POST", body: bytes = b"question", timeouts: Mapping[str, float] = {}
) -> httpx.Request:
    """A request as an adapter makes it; ``timeouts``: seconds by phase, long where not given."""
    info = CallInfo(backend="a", operation="x", write=write)
    phases = {**dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE), **timeouts}
    return httpx.Request(method, url, content=body, extensions={EXTENSION: info, "timeout": phases})


async def answer_of(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> tuple[int, bytes]:
    """The status and body that a request comes to."""
    response = await transport.handle_async_request(request)
    try:
        return response.status_code, await response.aread()
    finally:
        await response.aclose()


def open_sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers
        with contextlib.suppress(OSError):
            found += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
    return found


async def back_to(sockets: int) -> None:
    """Waits until no more sockets are open than these."""
    async with asyncio.timeout(PATIENCE):
        while open_sockets() > sockets:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
