"""What each failure comes to, on real sockets, is what the table in failures.md says."""

import asyncio
import contextlib
import socket
import ssl
import unittest.mock
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.wire import CallInfo, _transport_error
from gateway.upstream.engine import EngineTransport
from gateway.upstream.limits import Limiter, LimitsTransport
from gateway.upstream.limits_turns import Bounds
from tests.upstream.misbehaving import (
    OK,
    Behaviour,
    Line,
    Server,
    answer_of,
    answering,
    call,
    certified,
    closed_port,
    nobody_accepts,
    serving,
    trusting,
)

TABLE = Path(__file__).with_name("failures.md")
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

Stage = Callable[[], AbstractAsyncContextManager[Server]]


@dataclass
class Failure:
    """A vendor that fails, and what of our side matters for it."""

    stage: Stage
    timeouts: dict[str, float] = field(default_factory=dict)
    body: bytes = b"question"
    verify: Callable[[], ssl.SSLContext | None] = lambda: None


@contextlib.asynccontextmanager
async def absent(url: str) -> AsyncIterator[Server]:
    server = Server(answering)
    server.url = url
    yield server


@contextlib.asynccontextmanager
async def refused() -> AsyncIterator[Server]:
    with closed_port() as url:
        async with absent(url) as server:
            yield server


@contextlib.asynccontextmanager
async def full() -> AsyncIterator[Server]:
    with nobody_accepts() as url:
        async with absent(url) as server:
            yield server


@contextlib.asynccontextmanager
async def nameless() -> AsyncIterator[Server]:
    async def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    loop = type(asyncio.get_running_loop())
    with unittest.mock.patch.object(loop, "getaddrinfo", unknown):
        async with absent("http://localhost/") as server:
            yield server


@contextlib.asynccontextmanager
async def unread() -> AsyncIterator[Server]:
    over = asyncio.Event()

    async def behave(_: Line) -> None:
        await over.wait()

    async with serving(behave) as server:
        try:
            yield server
        finally:
            over.set()


def over(behaviour: Behaviour, tls: Callable[[], ssl.SSLContext] | None = None) -> Stage:
    return lambda: serving(behaviour, tls() if tls else None)


def says(*texts: bytes, then: str = "close") -> Stage:
    """Reads the request, says this, and closes, resets, or leaves it at that."""

    async def behave(line: Line) -> None:
        await line.request()
        for text in texts:
            line.say(text)
        if then == "reset":
            line.reset()
        if then == "wait":
            await line.gone()

    return over(behave)


def without_tls(text: bytes, *, then: str = "close") -> Stage:
    """Expects no TLS, and says this to a client's first bytes of it."""

    async def behave(line: Line) -> None:
        line.say(text)
        if then == "wait":
            await line.gone()

    @contextlib.asynccontextmanager
    async def stage() -> AsyncIterator[Server]:
        async with serving(behave) as server:
            server.url = server.url.replace("http:", "https:")
            yield server

    return stage


def as_localhost(stage: Stage) -> Stage:
    @contextlib.asynccontextmanager
    async def named() -> AsyncIterator[Server]:
        async with stage() as server:
            server.url = server.url.replace("127.0.0.1", "localhost")
            yield server

    return named


async def resets(line: Line) -> None:
    line.reset()


FAILURES: dict[str, Failure] = {
    "nobody listens": Failure(refused),
    "nobody accepts": Failure(full, {"connect": 0.05}),
    "no such name": Failure(nameless),
    "no such protocol": Failure(lambda: absent("ftp://localhost/")),
    "TLS: the other side speaks none": Failure(without_tls(b"220 mail.example.com ESMTP\r\n")),
    "TLS: closed in the handshake": Failure(without_tls(b"")),
    "TLS: the handshake does not go on": Failure(without_tls(b"", then="wait"), {"connect": 0.05}),
    "TLS: self-signed": Failure(over(answering, certified)),
    "TLS: another name": Failure(over(answering, certified), verify=trusting),  # it is certified as localhost
    "TLS: our certificate is asked for": Failure(
        as_localhost(over(answering, lambda: certified(verify_mode=ssl.CERT_REQUIRED))), verify=trusting
    ),
    "no turn among the calls under way": Failure(over(answering), {"pool": 0.0}),
    "reset before the request is read": Failure(over(resets)),
    "reset after the request is read": Failure(says(then="reset")),
    "closed without an answer": Failure(says()),
    "nothing is read": Failure(unread, {"write": 0.05}, body=bytes(32_000_000)),
    "no answer": Failure(says(then="wait"), {"read": 0.05}),
    "half a head, then closed": Failure(says(b"HTTP/1.1 200 OK\r\ncontent-le")),
    "half a head, then nothing": Failure(says(b"HTTP/1.1 200 OK\r\ncontent-le", then="wait"), {"read": 0.05}),
    "half a body, then closed": Failure(says(OK[:-1])),
    "half a body, then reset": Failure(says(OK[:-1], then="reset")),
    "half a body, then nothing": Failure(says(OK[:-1], then="wait"), {"read": 0.3}),
    "half a body in chunks, then closed": Failure(says(CHUNKED, b"5\r\nhel")),
    "no status line": Failure(says(b"<html>Bad gateway</html>\r\n\r\n")),
    "another protocol's first bytes": Failure(says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n")),
    "a protocol nobody asked for": Failure(says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n")),
    "a chunk without a size": Failure(says(CHUNKED, b"five\r\nhello\r\n")),
    "a length that is no number": Failure(says(b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok")),
    "two lengths": Failure(says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok")),
    "an encoding nobody knows": Failure(says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: squeezed\r\n\r\nok")),
    "a head that does not end": Failure(says(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, then="wait")),
}


async def outcome(failure: Failure, *, write: bool) -> tuple[str, bool, int]:
    """The error's class, whether it tells that nothing was sent, and the number of requests that arrived."""
    async with failure.stage() as server, EngineTransport(verify=failure.verify()) as engine:
        transport: httpx.AsyncBaseTransport = engine
        if "pool" in failure.timeouts:
            transport = LimitsTransport(engine, Limiter(Bounds(concurrency=0, writes=0)))
        request = call(server.url, write=write, body=failure.body, timeouts=failure.timeouts)
        with pytest.raises(httpx.RequestError) as caught:
            await answer_of(transport, request)
        assert engine._open == set()
    info = CallInfo(backend="a", operation="x", write=write)
    return type(caught.value).__name__, _transport_error(caught.value, info).never_sent, len(server.requests)


def rows() -> dict[str, tuple[str, str, str, str]]:
    """The table: by what happens, the cells that follow."""
    lines = [line.strip("| ").split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines() if "|" in line]
    return {name: (cells[0], cells[1], cells[2], cells[3]) for name, *cells in lines[2:]}


def test_the_table_has_every_failure_and_no_other() -> None:
    assert list(FAILURES) == list(rows())


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_comes_to_what_the_table_says(name: str) -> None:
    read, write, sent, arrived = rows()[name]
    for is_write, errors in ((False, read), (True, write)):
        error, never_sent, requests = await outcome(FAILURES[name], write=is_write)
        assert (error in errors.split(" or "), sent, arrived) == (
            True,
            "never" if never_sent else "perhaps",
            str(requests),
        )
