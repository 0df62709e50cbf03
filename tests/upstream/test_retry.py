"""What passes by itself is read again, within the deadline and the backend's budget; a write never is."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, RateLimited, TimedOut, Unavailable
from gateway.upstream.calls import TurnedAway
from gateway.upstream.retry import FIRST_TOKENS, MOST_TOKENS, SHARE, RetryBudget, RetryTransport
from tests.upstream.calling import Clock, Scripted, begun, called

PASSING: list[Any] = [
    429,
    502,
    503,
    504,
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("no answer"),
    Unavailable("sign-in"),
    RateLimited("sign-in"),
]
STAYING: list[Any] = [
    200,
    301,
    400,
    401,
    404,
    500,
    501,
    httpx.ReadTimeout("slow"),
    httpx.PoolTimeout("queue"),
    httpx.DecodingError("not gzip"),
    httpx.UnsupportedProtocol("ftp"),
    BadCredentials("sign-in"),
    MalformedAnswer("too large"),
    TimedOut("sign-in"),
    TurnedAway("open"),
]


def retrying(vendor: Scripted, clock: Clock, *, jitter: float = 0.5, **options: Any) -> RetryTransport:
    return RetryTransport(vendor, sleep=clock.sleep, jitter=lambda: jitter, **options)


async def ended(transport: httpx.AsyncBaseTransport, one: httpx.Request) -> int | str:
    """The status of the answer, or the name of the failure."""
    try:
        return (await transport.handle_async_request(one)).status_code
    except (httpx.RequestError, AdapterError) as error:
        return type(error).__name__


def shown(answer: Any) -> int | str:
    return answer if isinstance(answer, int) else type(answer).__name__


@pytest.mark.parametrize("answer", PASSING, ids=shown)
async def test_a_read_is_tried_again_and_answered(answer: Any) -> None:
    vendor, one = Scripted(answer, 200), begun(method="POST")
    assert (await ended(retrying(vendor, Clock()), one), vendor.calls, called(one).attempts) == (200, 2, 2)


@pytest.mark.parametrize("answer", PASSING, ids=shown)
async def test_a_read_is_tried_three_times_at_most(answer: Any) -> None:
    vendor, one = Scripted(answer), begun()
    assert (await ended(retrying(vendor, Clock()), one), vendor.calls) == (shown(answer), 3)


@pytest.mark.parametrize("answer", STAYING, ids=shown)
async def test_what_does_not_pass_is_told_at_once(answer: Any) -> None:
    vendor, clock = Scripted(answer), Clock()
    assert (await ended(retrying(vendor, clock), begun()), vendor.calls, clock.slept) == (shown(answer), 1, [])


@pytest.mark.parametrize("answer", PASSING, ids=shown)
async def test_a_write_is_never_sent_again_whatever_its_method(answer: Any) -> None:
    vendor, one = Scripted(answer), begun(write=True, method="GET")
    assert (await ended(retrying(vendor, Clock()), one), vendor.calls, called(one).attempts) == (shown(answer), 1, 1)


async def test_an_answer_that_hides_an_outage_is_asked_for_again() -> None:
    vendor = Scripted(httpx.Response(400, content=b"-2146232060"), httpx.Response(200, content=b"-2146232060"))
    transport = retrying(vendor, Clock(), is_outage=lambda status, body: status == 400 and body == b"-2146232060")
    assert (await ended(transport, begun()), vendor.calls) == (200, 2)


class Body(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"part"
        raise httpx.ReadError("reset")

    async def aclose(self) -> None:
        self.closed = True


async def test_a_streams_head_is_tried_again_and_the_answer_before_it_let_go() -> None:
    refused = Body()
    vendor = Scripted(httpx.Response(503, stream=refused), httpx.Response(200, stream=Body()))
    assert (await ended(retrying(vendor, Clock()), begun(stream=True)), vendor.calls) == (200, 2)
    assert refused.closed


async def test_a_streams_body_is_not() -> None:
    vendor = Scripted(httpx.Response(200, stream=Body()))
    response = await retrying(vendor, Clock()).handle_async_request(begun(stream=True))
    with pytest.raises(httpx.ReadError):
        await response.aread()
    assert vendor.calls == 1


@pytest.mark.parametrize(("jitter", "slept"), [(0.0, [0.0, 0.0]), (0.5, [0.1, 0.2]), (1.0, [0.2, 0.4])])
async def test_the_waits_grow_and_lie_anywhere_up_to_their_longest(jitter: float, slept: list[float]) -> None:
    clock = Clock()
    await ended(retrying(Scripted(503), clock, jitter=jitter), begun())
    assert clock.slept == slept


async def test_the_vendor_is_not_asked_before_it_says() -> None:
    clock, vendor = Clock(), Scripted(httpx.Response(429, headers={"retry-after": "7"}), 200)
    assert (await ended(retrying(vendor, clock), begun()), clock.slept) == (200, [7.1])


async def test_the_vendors_own_headers_are_heeded() -> None:
    clock, vendor = Clock(), Scripted(429, 200)
    await ended(retrying(vendor, clock, patience=lambda _: 3.0), begun())
    assert clock.slept == [3.1]


async def test_a_sign_in_that_asks_for_patience_is_heeded() -> None:
    clock, vendor = Clock(), Scripted(RateLimited("sign-in", retry_after=2), 200)
    assert (await ended(retrying(vendor, clock), begun()), clock.slept) == (200, [2.1])


async def test_what_would_come_after_the_deadline_is_told_at_once() -> None:
    clock, vendor = Clock(), Scripted(httpx.Response(429, headers={"retry-after": "7"}))
    assert (await ended(retrying(vendor, clock), begun(seconds=7)), vendor.calls, clock.slept) == (429, 1, [])


async def test_a_call_whose_time_is_over_is_not_tried_again() -> None:
    one = begun()
    called(one).deadline = time.monotonic()
    vendor = Scripted(httpx.ReadError("reset"))
    assert (await ended(retrying(vendor, Clock(), jitter=0), one), vendor.calls) == ("ReadError", 1)


async def test_a_caller_who_leaves_while_it_waits_is_not_held_up() -> None:
    class LeftError(BaseException):
        pass

    async def leave(_: float) -> None:
        raise LeftError

    vendor = Scripted(503)
    with pytest.raises(LeftError):
        await RetryTransport(vendor, sleep=leave).handle_async_request(begun())
    assert vendor.calls == 1


@pytest.mark.parametrize("calls", [1, 10, 500, 10_000])
async def test_in_an_outage_a_fifth_of_the_calls_are_tried_again_and_no_more(calls: int) -> None:
    vendor, clock = Scripted(503), Clock()
    transport = retrying(vendor, clock)
    for _ in range(calls):
        await ended(transport, begun())
    assert calls + SHARE * calls - 1 <= vendor.calls <= calls + SHARE * calls + FIRST_TOKENS


async def test_writes_earn_no_repetitions_of_reads() -> None:
    vendor = Scripted(*[200] * 1000, 503)
    transport = retrying(vendor, Clock())
    for _ in range(1000):
        await ended(transport, begun(write=True))
    for _ in range(3):
        await ended(transport, begun())
    assert vendor.calls == 1000 + 3 + FIRST_TOKENS


def test_what_quiet_times_save_up_is_bounded() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(12)] == [True] * int(MOST_TOKENS) + [False] * 2
