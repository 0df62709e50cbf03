"""A backend that fails too often is left alone: what counts, what is told, and that reading and sending are apart."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, RateLimited, TimedOut, Unavailable
from gateway.upstream.breaker import READING, SENDING, BreakerTransport
from gateway.upstream.calls import Call, TurnedAway
from gateway.upstream.health import Health, HealthState, HealthTransport
from tests.upstream.calling import Clock, begun, called

FAILING: list[Any] = [
    500,
    502,
    503,
    504,
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("no answer"),
    Unavailable("sign-in"),
    TimedOut("sign-in"),
]
HARMLESS: list[Any] = [
    200,
    301,
    400,
    401,
    404,
    409,
    422,
    httpx.PoolTimeout("queue"),
    httpx.DecodingError("not gzip"),
    BadCredentials("sign-in"),
    MalformedAnswer("too large"),
    RuntimeError("ours"),
    asyncio.CancelledError(),
]
KNOBS = {False: READING, True: SENDING}


def shown(answer: Any) -> int | str:
    return answer if isinstance(answer, int) else type(answer).__name__


class Stage:
    """A breaker before a vendor whose answers are set as the test goes."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.health = Health(lambda: datetime(2026, 6, 30, 12, tzinfo=UTC))
        self.answer: Any = 200
        self.calls = 0
        self.waits: asyncio.Event | None = None
        self.during: Callable[[Call], None] | None = None
        inner = HealthTransport(httpx.MockTransport(self._handle), self.health)
        self.transport = BreakerTransport(inner, self.health, monotonic=self.clock, **options)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.during is not None:
            self.during(called(request))
        if self.waits is not None:
            await self.waits.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return httpx.Response(self.answer) if isinstance(self.answer, int) else self.answer

    async def ask(self, *, write: bool = False, one: httpx.Request | None = None) -> int | str:
        """The status of the answer, or the name of the failure."""
        try:
            return (await self.transport.handle_async_request(one or begun(write=write))).status_code
        except (httpx.RequestError, AdapterError, RuntimeError, asyncio.CancelledError) as error:
            return type(error).__name__

    async def broken(self, *, write: bool = False) -> "Stage":
        """With the breaker open."""
        self.answer = 503
        for _ in range(KNOBS[write].least):
            await self.ask(write=write)
        return self


@pytest.mark.parametrize("write", [False, True], ids=["reading", "sending"])
@pytest.mark.parametrize("answer", FAILING, ids=shown)
async def test_what_fails_often_enough_is_left_alone(answer: Any, write: bool) -> None:
    stage = Stage()
    stage.answer = answer
    told = [await stage.ask(write=write) for _ in range(KNOBS[write].least + 1)]
    assert (told[-2:], stage.calls) == ([shown(answer), "TurnedAway"], KNOBS[write].least)


@pytest.mark.parametrize("write", [False, True], ids=["reading", "sending"])
@pytest.mark.parametrize("answer", HARMLESS, ids=shown)
async def test_what_is_no_fault_of_the_vendor_is_not_held_against_it(answer: Any, write: bool) -> None:
    stage = Stage()
    stage.answer = answer
    told = {await stage.ask(write=write) for _ in range(60)}
    assert (told, stage.calls) == ({shown(answer)}, 60)


@pytest.mark.parametrize("answer", [429, RateLimited("sign-in")], ids=shown)
async def test_of_a_streak_of_429_those_past_a_peak_are_failures(answer: Any) -> None:
    stage = Stage()
    stage.answer = answer
    for _ in range(100):
        await stage.ask()
    assert stage.calls == READING.streak - 1 + READING.least


async def test_429_between_answers_are_none() -> None:
    stage = Stage()
    for _ in range(30):
        for stage.answer in (*[429] * (READING.streak - 1), 200):
            await stage.ask()
    assert stage.calls == 30 * READING.streak


async def test_an_answer_that_hides_an_outage_is_a_failure() -> None:
    stage = Stage(is_outage=lambda status, body: status == 400 and body == b"out of order")
    stage.answer = httpx.Response(400, content=b"out of order")
    assert [await stage.ask() for _ in range(READING.least + 1)][-1] == "TurnedAway"


async def test_a_vendor_that_fails_less_than_half_the_time_is_used() -> None:
    stage = Stage()
    for _ in range(100):
        for stage.answer in (503, 200, 200):
            await stage.ask()
    assert stage.calls == 300


@pytest.mark.parametrize(("broken", "other"), [(False, True), (True, False)], ids=["reading", "sending"])
async def test_broken_reading_never_stops_sending_nor_the_reverse(broken: bool, other: bool) -> None:
    stage = await Stage().broken(write=broken)
    stage.answer = 200
    assert (await stage.ask(write=broken), await stage.ask(write=other)) == ("TurnedAway", 200)


@pytest.mark.parametrize("write", [False, True], ids=["reading", "sending"])
async def test_who_is_turned_away_is_told_when_to_come_back(write: bool) -> None:
    stage = await Stage().broken(write=write)
    stage.clock.now += KNOBS[write].first_pause - 0.25
    with pytest.raises(TurnedAway) as caught:
        await stage.transport.handle_async_request(begun(write=write))
    error = caught.value
    assert (error.retry_after, error.never_sent, error.backend, error.operation) == (1, True, "a", "customer.list")


async def test_half_open_exactly_one_call_is_the_probe() -> None:
    stage = await Stage().broken()
    stage.clock.now += READING.first_pause
    stage.answer, stage.waits = 200, asyncio.Event()
    calls = [asyncio.create_task(stage.ask()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert [call.result() for call in calls if call.done()] == ["TurnedAway"] * 19
    stage.waits.set()
    assert ([await call for call in calls].count(200), stage.calls) == (1, READING.least + 1)
    assert await stage.ask() == 200


async def test_a_probe_whose_caller_leaves_leaves_the_probe_to_the_next() -> None:
    stage = await Stage().broken()
    stage.clock.now += READING.first_pause
    stage.answer, stage.waits = 200, asyncio.Event()
    probe = asyncio.create_task(stage.ask())
    await asyncio.sleep(0)
    probe.cancel()
    await probe
    stage.waits.set()
    assert await stage.ask() == 200


async def test_each_failed_probe_doubles_the_pause_up_to_its_bound() -> None:
    stage = await Stage().broken()
    pauses = []
    for _ in range(7):
        begun_at = stage.clock.now
        calls = stage.calls
        while stage.calls == calls:
            stage.clock.now += 0.5
            await stage.ask()
        pauses.append(stage.clock.now - begun_at)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


async def test_the_users_mistake_answers_a_probe() -> None:
    stage = await Stage().broken()
    stage.clock.now += READING.first_pause
    stage.answer = 404
    assert [await stage.ask(), await stage.ask()] == [404, 404]


async def at_their_deadline(*, had: float, sent: bool = True, cut_short: bool = False) -> int | str:
    """What the next caller is told after calls that were all cut off at their deadline, the vendor having ``had`` so
    many seconds of three."""
    stage = Stage()

    def cut_off(call: Call) -> None:
        stage.clock.now += had
        call.begun, call.deadline = call.begun - 3, call.deadline - 3

    stage.during, stage.answer = cut_off, asyncio.CancelledError()
    for _ in range(READING.least):
        one = begun(seconds=3)
        called(one).sent, called(one).cut_short = sent, cut_short
        await stage.ask(one=one)
    stage.during, stage.answer = None, 200
    return await stage.ask()


async def test_a_vendor_that_lets_every_deadline_pass_is_left_alone() -> None:
    assert await at_their_deadline(had=2.9) == "TurnedAway"


async def test_deadlines_that_pass_in_our_own_queue_are_not_held_against_it() -> None:
    assert await at_their_deadline(had=2.9, sent=False) == 200


async def test_a_last_attempt_with_little_time_left_is_not_held_against_it() -> None:
    assert await at_their_deadline(had=0.5) == 200


async def test_an_operation_that_ends_before_the_backends_time_is_not_held_against_it() -> None:
    assert await at_their_deadline(had=2.9, cut_short=True) == 200


@pytest.mark.parametrize(("write", "words"), [(False, "reading"), (True, "sending")])
async def test_what_is_left_alone_shows_in_the_backends_health(write: bool, words: str) -> None:
    stage = await Stage().broken(write=write)
    stage.answer = 200
    await stage.ask(write=not write)
    assert (stage.health.state, stage.health.problem is not None) == (HealthState.DOWN, True)
    assert words in str(stage.health.problem)
    stage.clock.now += KNOBS[write].first_pause
    await stage.ask(write=write)
    assert (stage.health.state, stage.health.problem) == (HealthState.UP, None)
