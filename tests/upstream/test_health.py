"""What is known of a backend is what its last call showed."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.errors import BadCredentials, TimedOut, Unavailable
from adapters.wire import EXTENSION, CallInfo
from gateway.problems import ProblemCode
from gateway.upstream.calls import begin_call
from gateway.upstream.health import Health, HealthState, HealthTransport

START = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


async def after(health: Health, *answers: int | Exception) -> None:
    planned = list(answers)

    async def handle(_: httpx.Request) -> httpx.Response:
        answer = planned.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)

    transport = HealthTransport(httpx.MockTransport(handle), health)
    for answer in answers:
        if isinstance(answer, Exception):
            with pytest.raises(type(answer)):
                await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1/"))
        else:
            await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1/"))


def test_nothing_is_known_before_the_first_call() -> None:
    health = Health(Clock())
    assert (health.state, health.since, health.problem) == (HealthState.UNKNOWN, None, None)


@pytest.mark.parametrize(
    ("answer", "state", "has_problem"),
    [
        (200, HealthState.UP, False),
        (302, HealthState.UP, False),
        (404, HealthState.UP, False),
        (429, HealthState.UP, False),
        (500, HealthState.DEGRADED, True),
        (503, HealthState.DEGRADED, True),
        (httpx.ConnectError("x"), HealthState.DOWN, True),
        (Unavailable("sign-in"), HealthState.DOWN, True),
        (TimedOut("sign-in"), HealthState.DOWN, True),
        (Unavailable("sign-in", status=503), HealthState.DEGRADED, True),
        (BadCredentials("sign-in", status=401), HealthState.UP, False),
        (httpx.ReadTimeout("x"), HealthState.DOWN, True),
        (httpx.RemoteProtocolError("x"), HealthState.DOWN, True),
    ],
)
async def test_a_call_shows_this(answer: int | Exception, state: HealthState, has_problem: bool) -> None:
    health = Health(Clock())
    await after(health, answer)
    assert (health.state, health.since) == (state, START + timedelta(minutes=1))
    code = health.problem.code if health.problem is not None else None
    assert code == (ProblemCode.UNAVAILABLE if has_problem else None)


async def test_a_state_is_as_old_as_its_first_call() -> None:
    health = Health(Clock())
    await after(health, 200, 200, 200)
    assert health.since == START + timedelta(minutes=1)


async def test_a_backend_recovers_with_its_next_good_answer() -> None:
    health = Health(Clock())
    await after(health, httpx.ConnectError("x"), 200)
    assert (health.state, health.problem, health.since) == (HealthState.UP, None, START + timedelta(minutes=2))


async def test_what_is_no_failure_of_the_vendor_changes_nothing() -> None:
    health = Health(Clock())
    await after(health, 200, RuntimeError("ours"))
    assert health.state is HealthState.UP


@pytest.mark.parametrize(
    ("seconds", "cut_short", "state"),
    [(0.0, False, HealthState.DOWN), (0.0, True, HealthState.UNKNOWN), (60.0, False, HealthState.UNKNOWN)],
)
async def test_a_call_that_its_deadline_ends_was_not_answered_and_one_whose_caller_leaves_shows_nothing(
    seconds: float, cut_short: bool, state: HealthState
) -> None:
    health, asked = Health(Clock()), asyncio.Event()

    async def silent(_: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    info = CallInfo(backend="a", operation="x")
    request = httpx.Request("GET", "http://127.0.0.1/", extensions={EXTENSION: info})
    begin_call(request, seconds).cut_short = cut_short
    transport = HealthTransport(httpx.MockTransport(silent), health)
    calling = asyncio.create_task(transport.handle_async_request(request))
    await asked.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert health.state is state
