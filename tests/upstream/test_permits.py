"""A backend is asked no more at once than it bears, and every turn ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.permits import Permits, PermitsTransport

PATIENCE = 10.0
URL = "http://127.0.0.1/"


class Body(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"body"

    async def aclose(self) -> None:
        return


class Vendor(httpx.AsyncBaseTransport):
    """Answers when it is let, and counts how many it is asked at once."""

    def __init__(self) -> None:
        self.release = asyncio.Semaphore(0)
        self.arrived = asyncio.Semaphore(0)
        self.inside = 0
        self.most = 0
        self.fails: Exception | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url == URL
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.arrived.release()
        try:
            await self.release.acquire()
        finally:
            self.inside -= 1
        if self.fails is not None:
            raise self.fails
        return httpx.Response(200, stream=Body())

    def let(self, count: int) -> None:
        for _ in range(count):
            self.release.release()


def request(*, stream: bool = True) -> httpx.Request:
    info = CallInfo(backend="a", operation="x", stream=stream)
    return httpx.Request("GET", URL, extensions={EXTENSION: info})


async def read(transport: httpx.AsyncBaseTransport) -> bytes:
    response = await transport.handle_async_request(request())
    body = await response.aread()
    await response.aclose()
    return body


async def settled() -> None:
    """Lets every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_than_allowed_are_asked_at_once_and_all_are_answered(concurrency: int) -> None:
    vendor, permits = Vendor(), Permits(concurrency)
    transport = PermitsTransport(vendor, permits)
    async with asyncio.timeout(PATIENCE):
        reads = [asyncio.create_task(read(transport)) for _ in range(10)]
        for _ in range(concurrency):
            await vendor.arrived.acquire()
        await settled()
        assert (vendor.inside, permits.remaining, permits.queued) == (concurrency, 0, 10 - concurrency)
        vendor.let(10)
        assert await asyncio.gather(*reads) == [b"body"] * 10
    assert (vendor.most, permits.remaining, permits.queued) == (concurrency, concurrency, 0)


@pytest.mark.parametrize("end", [httpx.Response.aread, httpx.Response.aclose])
async def test_a_turn_lasts_until_the_answer_is_read_or_closed(end: Callable[[httpx.Response], Any]) -> None:
    vendor, permits = Vendor(), Permits(1)
    transport = PermitsTransport(vendor, permits)
    vendor.let(2)
    response = await transport.handle_async_request(request())
    second = asyncio.create_task(read(transport))
    await settled()
    before = (second.done(), permits.remaining, permits.queued)
    await end(response)
    async with asyncio.timeout(PATIENCE):
        await second
    assert (before, permits.remaining) == ((False, 0, 1), 1)


async def test_a_turn_is_over_with_an_answer_that_was_read_whole() -> None:
    vendor, permits = Vendor(), Permits(1)
    vendor.let(1)
    await PermitsTransport(vendor, permits).handle_async_request(request(stream=False))
    assert permits.remaining == 1


async def test_an_answer_closed_twice_ends_one_turn() -> None:
    vendor, permits = Vendor(), Permits(2)
    vendor.let(1)
    response = await PermitsTransport(vendor, permits).handle_async_request(request())
    for _ in range(2):
        await response.stream.aclose()  # type: ignore[union-attr]
    assert permits.remaining == 2


async def test_a_call_that_fails_ends_its_turn() -> None:
    vendor, permits = Vendor(), Permits(1)
    vendor.fails = httpx.ConnectError("refused")
    vendor.let(1)
    with pytest.raises(httpx.ConnectError):
        await PermitsTransport(vendor, permits).handle_async_request(request())
    assert (permits.remaining, permits.queued) == (1, 0)


async def test_a_body_that_fails_while_it_is_closed_ends_its_turn() -> None:
    class Torn(Body):
        async def aclose(self) -> None:
            raise httpx.ReadError("torn")

    async def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Torn())

    permits = Permits(1)
    response = await PermitsTransport(httpx.MockTransport(handle), permits).handle_async_request(request())
    with pytest.raises(httpx.ReadError):
        await response.stream.aclose()  # type: ignore[union-attr]
    assert permits.remaining == 1


@pytest.mark.parametrize("place", ["waiting", "asking"])
async def test_a_call_that_is_cancelled_ends_its_turn(place: str) -> None:
    vendor, permits = Vendor(), Permits(1)
    transport = PermitsTransport(vendor, permits)
    async with asyncio.timeout(PATIENCE):
        first = asyncio.create_task(read(transport))
        await vendor.arrived.acquire()
        second = asyncio.create_task(read(transport))
        await settled()
        cancelled, other = (second, first) if place == "waiting" else (first, second)
        cancelled.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cancelled
        vendor.let(1)
        assert await other == b"body"
    assert (permits.remaining, permits.queued) == (1, 0)


async def test_a_call_whose_turn_does_not_come_in_its_time_is_never_sent() -> None:
    vendor, permits = Vendor(), Permits(1)
    transport = PermitsTransport(vendor, permits)
    held = asyncio.create_task(read(transport))
    await vendor.arrived.acquire()
    late = request()
    late.extensions["timeout"] = {"pool": 0.01}
    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(late)
    vendor.let(1)

    assert (await held, vendor.most, permits.remaining, permits.queued) == (b"body", 1, 1, 0)
