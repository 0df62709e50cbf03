"""A backend is asked no more at once than it bears, and every turn ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from adapters.contract import Limits, Rate
from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import begin_call
from gateway.upstream.limits import QUEUED_PER_PERMIT, Limiter, LimitsTransport
from gateway.upstream.limits_turns import Bounds
from tests.connecting import NOW
from tests.patience import PATIENCE

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


def limited(concurrency: int, rate: Rate | None = None, **options: Any) -> Limiter:
    return Limiter(Bounds.of(Limits(page_size=1, concurrency=concurrency, rate=rate)), **options)


def request(*, write: bool = False) -> httpx.Request:
    info = CallInfo(backend="b", operation="o", write=write)
    return httpx.Request("POST", URL, extensions={EXTENSION: info})


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
    vendor, limiter = Vendor(), limited(concurrency)
    transport = LimitsTransport(vendor, limiter)
    async with asyncio.timeout(PATIENCE):
        reads = [asyncio.create_task(read(transport)) for _ in range(10)]
        for _ in range(concurrency):
            await vendor.arrived.acquire()
        await settled()
        assert (vendor.inside, limiter.remaining, limiter.queued) == (concurrency, 0, 10 - concurrency)
        vendor.let(10)
        assert await asyncio.gather(*reads) == [b"body"] * 10
    assert (vendor.most, limiter.remaining, limiter.queued) == (concurrency, concurrency, 0)


@pytest.mark.parametrize("end", [httpx.Response.aread, httpx.Response.aclose])
async def test_a_turn_lasts_until_the_answer_is_read_or_closed(end: Callable[[httpx.Response], Any]) -> None:
    vendor, limiter = Vendor(), limited(1)
    transport = LimitsTransport(vendor, limiter)
    vendor.let(2)
    response = await transport.handle_async_request(request())
    second = asyncio.create_task(read(transport))
    await settled()
    before = (second.done(), limiter.remaining, limiter.queued)
    await end(response)
    async with asyncio.timeout(PATIENCE):
        await second
    assert (before, limiter.remaining) == ((False, 0, 1), 1)


async def test_an_answer_closed_twice_ends_one_turn() -> None:
    vendor, limiter = Vendor(), limited(2)
    vendor.let(1)
    response = await LimitsTransport(vendor, limiter).handle_async_request(request())
    for _ in range(2):
        await response.stream.aclose()  # type: ignore[union-attr]
    assert limiter.remaining == 2


async def test_a_call_that_fails_ends_its_turn() -> None:
    vendor, limiter = Vendor(), limited(1)
    vendor.fails = httpx.ConnectError("refused")
    vendor.let(1)
    with pytest.raises(httpx.ConnectError):
        await LimitsTransport(vendor, limiter).handle_async_request(request())
    assert (limiter.remaining, limiter.queued) == (1, 0)


async def test_a_body_that_fails_while_it_is_closed_ends_its_turn() -> None:
    class Torn(Body):
        async def aclose(self) -> None:
            raise httpx.ReadError("torn")

    async def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Torn())

    limiter = limited(1)
    response = await LimitsTransport(httpx.MockTransport(handle), limiter).handle_async_request(request())
    with pytest.raises(httpx.ReadError):
        await response.stream.aclose()  # type: ignore[union-attr]
    assert limiter.remaining == 1


@pytest.mark.parametrize("place", ["waiting", "asking"])
async def test_a_call_that_is_cancelled_ends_its_turn(place: str) -> None:
    vendor, limiter = Vendor(), limited(1)
    transport = LimitsTransport(vendor, limiter)
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
    assert (limiter.remaining, limiter.queued) == (1, 0)


async def test_a_call_whose_turn_does_not_come_in_its_time_is_never_sent() -> None:
    vendor, limiter = Vendor(), limited(1)
    transport = LimitsTransport(vendor, limiter)
    held = asyncio.create_task(read(transport))
    await vendor.arrived.acquire()
    late = request()
    late.extensions["timeout"] = {"pool": 0.01}
    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(late)
    vendor.let(1)

    assert (await held, vendor.most, limiter.remaining, limiter.queued) == (b"body", 1, 1, 0)


async def test_what_is_read_whole_already_ends_its_turn_at_once() -> None:
    limiter = limited(1)
    transport = LimitsTransport(httpx.MockTransport(lambda _: httpx.Response(200, content=b"whole")), limiter)
    response = await transport.handle_async_request(request())
    assert (response.content, limiter.remaining) == (b"whole", 1)


async def test_a_call_waits_until_its_own_deadline_and_knows_how_long_it_queued() -> None:
    vendor, limiter = Vendor(), limited(1)
    transport = LimitsTransport(vendor, limiter)
    held = asyncio.create_task(read(transport))
    await vendor.arrived.acquire()
    late = request()
    late.extensions["timeout"] = {"pool": PATIENCE}
    call = begin_call(late, 0.01)
    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(late)
    vendor.let(1)
    assert (await held, 0 < call.queued < PATIENCE) == (b"body", True)


async def test_past_what_can_have_its_turn_in_time_nobody_queues() -> None:
    vendor, limiter = Vendor(), limited(1)
    transport = LimitsTransport(vendor, limiter)
    reads = [asyncio.create_task(read(transport)) for _ in range(1 + QUEUED_PER_PERMIT)]
    await settled()
    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(request())
    assert limiter.queued == QUEUED_PER_PERMIT
    vendor.let(len(reads))
    assert set(await asyncio.gather(*reads)) == {b"body"}


async def test_reads_move_while_writes_wait_and_writes_have_their_turn_among_reads() -> None:
    vendor, limiter = Vendor(), limited(2)
    transport = LimitsTransport(vendor, limiter)

    async def ask(*, write: bool) -> None:
        response = await transport.handle_async_request(request(write=write))
        await response.aread()

    async with asyncio.timeout(PATIENCE):
        writes = [asyncio.create_task(ask(write=True)) for _ in range(3)]
        await settled()
        assert (vendor.inside, limiter.remaining, limiter.queued) == (1, 1, 2)
        reads = [asyncio.create_task(ask(write=False)) for _ in range(6)]
        await settled()
        vendor.let(4)
        await settled()
        assert (sum(map(asyncio.Task.done, writes)), sum(map(asyncio.Task.done, reads))) == (2, 2)
        vendor.let(5)
        await asyncio.gather(*writes, *reads)


async def test_what_exceeds_the_rate_waits_for_the_window_to_open() -> None:
    limiter = limited(8, Rate(calls=3, seconds=1.0), clock=lambda: NOW)
    transport = LimitsTransport(httpx.MockTransport(lambda _: httpx.Response(200, content=b"")), limiter)
    assert limiter.resets_at is None
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await transport.handle_async_request(request())
        late = request()
        call = begin_call(late, PATIENCE)
        assert (limiter.remaining, limiter.resets_at is not None and limiter.resets_at > NOW) == (0, True)
        await transport.handle_async_request(late)
    assert call.queued > 0
    await transport.aclose()


async def test_a_call_that_leaves_as_its_turn_comes_gives_it_on() -> None:
    limiter = limited(1)
    first = await limiter.acquire(write=False, seconds=None)
    second = asyncio.create_task(limiter.acquire(write=False, seconds=None))
    third = asyncio.create_task(limiter.acquire(write=False, seconds=None))
    await settled()
    limiter.release(first)
    second.cancel()
    async with asyncio.timeout(PATIENCE):
        limiter.release(await third)
    assert (second.cancelled(), limiter.remaining, limiter.queued) == (True, 1, 0)


async def test_each_who_waits_gives_up_in_its_own_time_and_the_others_wait_on() -> None:
    limiter = Limiter(Bounds(concurrency=1, writes=1))
    held = await limiter.acquire(write=False, seconds=None)
    given_up = []

    async def waiting(seconds: float) -> None:
        try:
            await limiter.acquire(write=False, seconds=seconds)
        except TimeoutError:
            given_up.append(seconds)

    calls = [asyncio.create_task(waiting(seconds)) for seconds in (60.0, 0.1, 0.02)]
    await asyncio.wait(calls[1:])
    limiter.release(held)
    await calls[0]
    assert (given_up, limiter.held) == ([0.02, 0.1], 1)
