"""The connection below HTTP: which address it goes to, and what it says once it is broken."""

import asyncio
import socket
import unittest.mock
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.upstream import reaching
from gateway.upstream.sockets import READ_AHEAD, open_socket
from tests.patience import PATIENCE
from tests.upstream.misbehaving import (
    Line,
    answering,
    back_to,
    closed_port,
    nobody_accepts,
    open_sockets,
    serving,
)


@contextmanager
def named(*urls: str) -> Iterator[None]:
    """The name localhost means these servers, in this order."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", urlsplit(url).port)) for url in urls]

    kind = type(asyncio.get_running_loop())
    unnamed = kind.getaddrinfo

    async def looked_up(loop: Any, host: Any, *arguments: Any, **options: Any) -> Any:
        return found if host == "localhost" else await unnamed(loop, host, *arguments, **options)

    with unittest.mock.patch.object(kind, "getaddrinfo", looked_up):
        yield


async def test_of_a_names_addresses_the_first_that_answers_is_taken() -> None:
    async with serving(answering) as first, serving(answering) as second:
        with named(first.url, second.url):
            made = await open_socket("localhost", 80, None, PATIENCE)
        made.abort()
        await first.all_closed()
    assert (first.connections, second.connections) == (1, 0)


async def test_an_address_that_refuses_is_passed_over() -> None:
    async with serving(answering) as server:
        with closed_port() as refusing, named(refusing, server.url):
            (await open_socket("localhost", 80, None, PATIENCE)).abort()
        await server.all_closed()
    assert server.connections == 1


async def test_an_address_that_is_silent_holds_the_next_back_only_for_a_moment() -> None:
    before = open_sockets()
    with nobody_accepts() as silent:
        async with serving(answering) as server:
            with named(silent, server.url):
                (await open_socket("localhost", 80, None, PATIENCE)).abort()
            await server.all_closed()
    await back_to(before)
    assert server.connections == 1


async def test_of_two_that_answer_at_once_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    both = asyncio.Event()

    async def attempt(_: object) -> socket.socket:
        one = socket.socket()
        made.append(one)
        if len(made) == 2:
            both.set()
        try:
            await both.wait()
        except BaseException:
            one.close()
            raise
        return one

    monkeypatch.setattr(reaching, "HEAD_START", 0.0)
    monkeypatch.setattr(reaching, "_attempt", attempt)
    with named("http://127.0.0.1:1", "http://127.0.0.1:2"):
        chosen = await reaching.reached("localhost", 80)
    closed = [one.fileno() == -1 for one in made if one is not chosen]
    chosen.close()
    assert closed == [True]


async def test_when_all_addresses_refuse_it_is_a_connect_error() -> None:
    with closed_port() as one, closed_port() as other, named(one, other), pytest.raises(httpx.ConnectError):
        await open_socket("localhost", 80, None, PATIENCE)


async def test_a_name_without_an_address_is_a_connect_error() -> None:
    with named(), pytest.raises(httpx.ConnectError):
        await open_socket("localhost", 80, None, PATIENCE)


async def test_writing_to_a_broken_connection_is_a_write_error() -> None:
    async def resets(line: Line) -> None:
        line.reset()

    async with serving(resets) as server:
        made = await open_socket("127.0.0.1", urlsplit(server.url).port or 0, None, PATIENCE)
        made._connected.pause_reading()  # so that only writing can tell

        async def write_on() -> None:
            while True:
                await made.write(b"head")
                await made.write(b"body")
                await asyncio.sleep(0)

        with pytest.raises(httpx.WriteError):
            await write_on()
        made.abort()


async def test_what_is_not_read_holds_the_vendor_back() -> None:
    sent = bytes(16_000_000)

    async def generous(line: Line) -> None:
        line.say(sent)
        await line.gone()

    async with serving(generous) as server:
        made = await open_socket("127.0.0.1", urlsplit(server.url).port or 0, None, PATIENCE)
        got = len(await made.read(PATIENCE))
        most = 0
        while got < len(sent):
            await asyncio.sleep(0)
            most = max(most, len(made._arrived))
            got += len(await made.read(PATIENCE))
        made.abort()
    assert (got, most < READ_AHEAD + 2 * 1024 * 1024) == (len(sent), True)


async def test_room_to_write_again_is_not_taken_for_the_end_of_what_is_read() -> None:
    async def silent(line: Line) -> None:
        await line.gone()

    async with serving(silent) as server:
        made = await open_socket("127.0.0.1", urlsplit(server.url).port or 0, None, PATIENCE)
        reading = asyncio.create_task(made.read(PATIENCE))
        await asyncio.sleep(0)
        made.pause_writing()
        made.resume_writing()
        await asyncio.sleep(0)
        made.data_received(b"answer")
        assert await reading == b"answer"
        made.abort()
