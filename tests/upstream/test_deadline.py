"""Every call ends by its deadline, and what it ends in says whether it was sent."""

import asyncio
import contextlib
import gc
import time
import weakref
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import Operation, call_of, running
from gateway.upstream.deadline import DeadlineTransport, SignInDeadlineTransport, Watches
from gateway.upstream.limits import Limiter, LimitsTransport
from gateway.upstream.limits_turns import Bounds
from tests.patience import PATIENCE
from tests.upstream.calling import URL, Scripted, called, request

SOON = 0.02


async def forever(_: httpx.Request) -> None:
    await asyncio.Event().wait()


async def sent_and_forever(one: httpx.Request) -> None:
    called(one).sent = True
    await asyncio.Event().wait()


class Dripping(httpx.AsyncByteStream):
    """So many pieces, with so many seconds before each."""

    def __init__(self, pieces: int, seconds: float) -> None:
        self._pieces = pieces
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._pieces):
            await asyncio.sleep(self._seconds)
            yield b"x"

    async def aclose(self) -> None:
        return


@pytest.mark.parametrize("write", [False, True])
async def test_what_was_not_sent_by_its_deadline_is_known_not_to_have_been(write: bool) -> None:
    transport = DeadlineTransport(Scripted(200, before=forever), SOON)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(httpx.PoolTimeout):
            await transport.handle_async_request(request(write=write))


@pytest.mark.parametrize("write", [False, True])
async def test_what_was_sent_is_not_known_to_have_been_left_undone(write: bool) -> None:
    transport = DeadlineTransport(Scripted(200, before=sent_and_forever), SOON)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(httpx.ReadTimeout):
            await transport.handle_async_request(request(write=write))


async def test_each_of_several_ends_by_its_own_deadline_however_late_it_came() -> None:
    transport = DeadlineTransport(Scripted(200, before=forever), PATIENCE)
    ended: list[str] = []

    async def ask(name: str, seconds: float) -> None:
        with running(Operation(deadline=time.monotonic() + seconds)), pytest.raises(httpx.PoolTimeout):
            await transport.handle_async_request(request())
        ended.append(name)

    async with asyncio.timeout(PATIENCE):
        long = asyncio.ensure_future(ask("long", 1000 * SOON))
        await asyncio.gather(ask("later", 10 * SOON), ask("sooner", SOON), ask("between", 5 * SOON))
    assert (sorted(ended), long.done()) == (["between", "later", "sooner"], False)
    long.cancel()
    await asyncio.wait([long])
    await transport.aclose()


@pytest.mark.parametrize("write", [False, True])
async def test_a_read_ends_with_its_operation_and_a_write_does_not(write: bool) -> None:
    ended = asyncio.Event()

    async def late(_: httpx.Request) -> None:
        await asyncio.sleep(5 * SOON)
        ended.set()

    transport = DeadlineTransport(Scripted(200, before=late), PATIENCE)
    with running(Operation(deadline=time.monotonic() + SOON)), contextlib.suppress(httpx.PoolTimeout):
        await transport.handle_async_request(request(write=write))
    assert ended.is_set() is write


async def test_a_read_of_an_operation_that_is_over_makes_no_call() -> None:
    vendor = Scripted(200)
    with running(Operation(deadline=time.monotonic() - 1)), pytest.raises(httpx.PoolTimeout):
        await DeadlineTransport(vendor, PATIENCE).handle_async_request(request())
    assert vendor.calls == 0


async def test_a_write_of_an_operation_that_is_over_is_sent() -> None:
    vendor = Scripted(200)
    with running(Operation(deadline=time.monotonic() - 1)):
        await DeadlineTransport(vendor, PATIENCE).handle_async_request(request(write=True))
    assert vendor.calls == 1


async def test_an_operation_knows_its_calls_and_when_they_ended() -> None:
    with running(Operation(deadline=time.monotonic() + PATIENCE)) as operation:
        await DeadlineTransport(Scripted(200), PATIENCE).handle_async_request(request())
    (call,) = operation.calls
    assert call.ended is not None
    assert call.begun <= call.ended <= call.deadline


async def test_a_caller_who_leaves_is_not_held_up_nor_told_of_a_deadline() -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def until_cancelled(_: httpx.Request) -> None:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    transport = DeadlineTransport(Scripted(200, before=until_cancelled), PATIENCE)
    caller = asyncio.create_task(transport.handle_async_request(request()))
    await arrived.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert left.is_set()


async def test_who_leaves_as_the_deadline_comes_has_left() -> None:
    async def left_at_the_deadline(_: httpx.Request) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            caller.cancel()
            raise

    transport = DeadlineTransport(Scripted(200, before=left_at_the_deadline), SOON)
    caller = asyncio.create_task(transport.handle_async_request(request()))
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_a_task_whose_call_came_to_its_deadline_goes_on() -> None:
    transport = DeadlineTransport(Scripted(200, before=forever), SOON)
    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(request())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_time_out_that_is_not_the_deadline_is_passed_on_as_it_is() -> None:
    with pytest.raises(TimeoutError):
        await DeadlineTransport(Scripted(TimeoutError()), PATIENCE).handle_async_request(request())


async def test_the_body_of_a_stream_may_take_longer_than_its_head() -> None:
    answer = httpx.Response(200, stream=Dripping(4, SOON))
    response = await DeadlineTransport(Scripted(answer), 2 * SOON).handle_async_request(request(stream=True))
    assert await response.aread() == b"xxxx"


async def test_the_body_of_a_stream_ends_in_its_own_time() -> None:
    answer = httpx.Response(200, stream=Dripping(1_000_000, SOON / 10))
    transport = DeadlineTransport(Scripted(answer), PATIENCE, stream_seconds=SOON)
    response = await transport.handle_async_request(request(stream=True))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(httpx.ReadTimeout):
            await response.aread()


def sign_in() -> httpx.Request:
    return httpx.Request("POST", URL, extensions={EXTENSION: CallInfo(backend="a", operation="session.login")})


async def test_a_sign_in_that_never_ends_ends() -> None:
    answer = httpx.Response(200, stream=Dripping(1_000_000, SOON / 10))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(httpx.ReadTimeout):
            await SignInDeadlineTransport(Scripted(answer), SOON).handle_async_request(sign_in())


async def test_the_answer_of_a_sign_in_is_read_in_time() -> None:
    answer = httpx.Response(200, stream=Dripping(3, 0))
    response = await SignInDeadlineTransport(Scripted(answer), PATIENCE).handle_async_request(sign_in())
    assert response.content == b"xxx"


async def test_a_call_has_its_own_deadline_and_not_that_of_a_sign_in() -> None:
    signed_in = SignInDeadlineTransport(Scripted(httpx.Response(200, stream=Dripping(3, SOON))), SOON)
    response = await DeadlineTransport(signed_in, PATIENCE).handle_async_request(request(stream=True))
    assert await response.aread() == b"xxx"


async def test_a_sign_in_is_no_call_of_the_operation() -> None:
    one = sign_in()
    with running(Operation(deadline=time.monotonic() + PATIENCE)) as operation:
        await SignInDeadlineTransport(Scripted(200), PATIENCE).handle_async_request(one)
    assert (operation.calls, call_of(one)) == ([], None)


@pytest.mark.parametrize(("write", "answered"), [(True, True), (False, False)])
async def test_a_writes_time_begins_anew_with_its_turn_and_a_reads_does_not(write: bool, answered: bool) -> None:
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.3)
        return httpx.Response(200)

    limiter = Limiter(Bounds(concurrency=1, writes=1))
    transport = DeadlineTransport(LimitsTransport(httpx.MockTransport(slow), limiter), 0.5)
    held = await limiter.acquire(write=False, seconds=1)
    info = CallInfo(backend="a", operation="x", write=write)
    asked = httpx.Request("POST", "http://127.0.0.1/", extensions={EXTENSION: info})
    calling = asyncio.create_task(transport.handle_async_request(asked))
    await asyncio.sleep(0.3)
    limiter.release(held)
    outcome = await asyncio.gather(calling, return_exceptions=True)
    assert [isinstance(one, httpx.Response) for one in outcome] == [answered]


class Watching:
    """A call whose time is over at once, or not for long."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.call: Any = Operation(deadline=time.monotonic() + seconds)
        self.told = asyncio.Event()

    def over(self) -> None:
        self.told.set()


class Failing(Watching):
    def over(self) -> None:
        raise RuntimeError("this one cannot end")


async def test_a_call_that_cannot_end_keeps_no_other_from_ending() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    watches, others = Watches(), [Watching(), Watching(), Watching(SOON)]
    for watch in (others[0], Failing(), *others[1:], Failing()):
        watches.begin(watch)
    async with asyncio.timeout(PATIENCE):
        for watch in others:
            await watch.told.wait()
    assert [str(one["exception"]) for one in told] == ["this one cannot end"] * 2
    watches.close()


class Kept(Operation, weakref=True):
    """One that can be seen to be gone."""


async def test_an_operation_is_not_kept_by_the_timer_of_its_calls() -> None:
    watches = Watches()

    async def operate() -> "weakref.ref[Kept]":
        operation = Kept(deadline=PATIENCE)
        with running(operation):
            watches.begin(Watching(PATIENCE))
        return weakref.ref(operation)

    gone = await asyncio.create_task(operate())
    gc.collect()
    assert gone() is None
    watches.close()
