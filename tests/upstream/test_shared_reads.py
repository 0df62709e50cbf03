"""Reads that are begun now and whose answers are taken later: what is told of them, and what they leave behind."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.errors import AdapterError, NotFound, TimedOut, Unavailable
from adapters.sendings import Apart, Sending, Taking
from adapters.wire import Wire, WireRequest
from gateway.problems import incident_of
from gateway.upstream.calls import CallOutcome, Operation, running
from gateway.upstream.limits_turns import Bounds
from gateway.upstream.shared_reads import SharedRead
from tests.patience import PATIENCE
from tests.upstream.misbehaving import Line, Server, serving
from tests.upstream.ways_out import WayOut

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
AWAY = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"
PLENTY = Bounds(concurrency=8, writes=1)


def reading(*path: str) -> WireRequest:
    return WireRequest(operation="letter.get", method="GET", path=path)


class Stage:
    """A vendor that answers when it is told to, and two ways to it: one that begins reads, and one that has tasks."""

    def __init__(self, way: WayOut, server: Server, may_answer: asyncio.Event, *, begins: bool) -> None:
        self.way = way
        self.server = server
        self.may_answer = may_answer
        self.wire = Wire(
            backend="a",
            base_url=server.url,
            transport=way.transport if begins else way.deadline,
            timeout=PATIENCE,
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)


@asynccontextmanager
async def staged(*, begins: bool = True, bounds: Bounds = PLENTY) -> AsyncIterator[Stage]:
    way, may_answer = WayOut(plain=True, bounds=bounds), asyncio.Event()

    async def answering(line: Line) -> None:
        while True:
            await line.request()
            path = line.last.split(b" ", 2)[1]
            await may_answer.wait()
            if path == b"/reset":
                line.reset()
                return
            line.say(AWAY if path == b"/away" else OK)

    async with serving(answering) as server:
        yield Stage(way, server, may_answer, begins=begins)
        may_answer.set()
        await way.aclose()


async def coming(sending: Sending) -> None:
    """Waits until an answer can be taken."""
    there = asyncio.Event()
    sending.tell(there.set)
    async with asyncio.timeout(PATIENCE):
        await there.wait()


async def outcome(sending: Sending) -> str | type[AdapterError]:
    await coming(sending)
    try:
        return sending.take().body.decode()
    except AdapterError as error:
        return type(error)


@pytest.mark.parametrize("begins", [True, False])
async def test_all_that_are_begun_are_asked_before_the_first_is_taken(begins: bool) -> None:
    async with staged(begins=begins) as stage:
        sendings = [stage.wire.begin(reading(f"{number}")) for number in range(4)]
        await stage.until(lambda: len(stage.server.requests) == 4)
        stage.may_answer.set()
        assert [await outcome(one) for one in sendings] == ["ok"] * 4
        assert stage.way.told() == {"answered": 4}


@pytest.mark.parametrize("begins", [True, False])
async def test_each_comes_to_what_it_comes_to_by_itself(begins: bool) -> None:
    async with staged(begins=begins) as stage:
        stage.may_answer.set()
        sendings = [stage.wire.begin(reading(path)) for path in ("1", "away", "reset", "2")]
        assert [await outcome(one) for one in sendings] == ["ok", "no", Unavailable, "ok"]
        assert stage.way.told() == {"answered": 2, "not_found": 1, "broken_off": 1}


async def test_one_that_the_way_out_begins_has_no_task() -> None:
    async with staged() as stage:
        stage.may_answer.set()
        await outcome(stage.wire.begin(reading("1")))
        known = asyncio.all_tasks()
        sending = stage.wire.begin(reading("2"))
        assert (type(sending), asyncio.all_tasks()) == (Taking, known)
        await outcome(sending)


async def test_one_that_it_does_not_begin_has_one() -> None:
    async with staged(begins=False) as stage:
        stage.may_answer.set()
        sending = stage.wire.begin(reading("1"))
        assert type(sending) is Apart
        assert await outcome(sending) == "ok"


@pytest.mark.parametrize("begins", [True, False])
async def test_who_leaves_leaves_nothing_under_way_and_is_told_to_have_left(begins: bool) -> None:
    async with staged(begins=begins) as stage:
        sendings = [stage.wire.begin(reading(f"{number}")) for number in range(3)]
        await stage.until(lambda: len(stage.server.requests) == 3)
        for one in sendings:
            one.leave()
        await stage.until(lambda: stage.way.told() == {"left": 3})
        await stage.until(lambda: stage.way.noted()["under way"] == (0, 0))
        assert (stage.way.limiter.held, stage.way.busy()) == (0, [])


async def test_who_leaves_an_answer_that_is_there_is_told_what_it_was_and_only_once() -> None:
    async with staged() as stage:
        stage.may_answer.set()
        sending = stage.wire.begin(reading("1"))
        await coming(sending)
        sending.leave()
        sending.leave()
        assert stage.way.told() == {"answered": 1}


async def test_one_that_was_taken_is_not_told_again_when_it_is_left() -> None:
    async with staged() as stage:
        stage.may_answer.set()
        sending = stage.wire.begin(reading("1"))
        assert await outcome(sending) == "ok"
        sending.leave()
        assert stage.way.told() == {"answered": 1}


async def test_one_whose_time_is_over_ends_then_and_not_when_it_is_taken() -> None:
    async with staged() as stage:
        operation = Operation(deadline=time.monotonic() + PATIENCE)
        with running(operation):
            sending = stage.wire.begin(reading("1"))
        await stage.until(lambda: bool(stage.server.requests))
        operation.calls[0].deadline = time.monotonic()
        stage.way.deadline.watches._look()
        await stage.until(lambda: stage.way.noted()["under way"] == (0, 0))
        assert (stage.way.limiter.held, stage.way.busy()) == (0, [])
        assert await outcome(sending) is TimedOut
        assert operation.calls[0].outcome is CallOutcome.LEFT


async def too_late(stage: Stage) -> AdapterError:
    try:
        sending = stage.wire.begin(reading("1"))
        await coming(sending)
        sending.take()
    except AdapterError as error:
        return error
    pytest.fail("it was answered")


@pytest.mark.parametrize("begins", [True, False])
async def test_one_that_comes_after_its_operations_time_is_never_sent(begins: bool) -> None:
    async with staged(begins=begins) as stage:
        with running(Operation(deadline=time.monotonic())):
            came = await too_late(stage)
        assert (type(came), came.never_sent, stage.server.requests) == (TimedOut, True, [])


async def test_those_who_ask_the_same_meanwhile_share_a_call_and_those_who_come_later_do_not() -> None:
    async with staged() as stage:
        first, second = stage.wire.begin(reading("1")), stage.wire.begin(reading("1"))
        await stage.until(lambda: bool(stage.server.requests))
        stage.may_answer.set()
        await coming(first)
        later = stage.wire.begin(reading("1"))
        assert [await outcome(one) for one in (first, second, later)] == ["ok"] * 3
        assert len(stage.server.requests) == 2


@pytest.mark.parametrize("begins", [True, False])
async def test_failures_of_several_calls_are_several_incidents_however_they_were_begun(begins: bool) -> None:
    async with staged(begins=begins) as stage:
        stage.may_answer.set()
        sendings = [stage.wire.begin(reading(path)) for path in ("away", "reset", "1")]
        failures: list[AdapterError] = []
        for sending in sendings:
            await coming(sending)
            try:
                sending.take()
                failures += [NotFound("x"), NotFound("y")]  # both by this call
            except AdapterError as error:
                failures.append(error)
        incidents = [incident_of(error) for error in failures]
        assert len(set(incidents)) == 3
        assert (incidents[0] == incidents[1], incidents[3] == incidents[4]) == (True, True)


async def test_it_is_gone_when_it_was_taken_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        async with staged(bounds=Bounds(concurrency=1, writes=1)) as stage:
            stage.may_answer.set()
            sendings = [stage.wire.begin(reading(path)) for path in ("1", "2", "away")]
            for sending in sendings:
                await outcome(sending)
            del sendings, sending
            left = [one for one in gc.get_objects() if isinstance(one, SharedRead)]
    finally:
        gc.enable()
    assert left == []


async def test_a_request_that_shares_nothing_is_passed_on() -> None:
    async with staged() as stage:
        stage.may_answer.set()
        answer = await stage.wire.send(
            WireRequest(operation="letter.send", method="POST", path=("1",), body=b"x", write=True)
        )
        assert (answer.status, answer.body) == (200, b"ok")
