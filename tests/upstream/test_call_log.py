"""Each call is told once: in a line, whose level says whether to look, in the metrics, and in the call itself."""

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, OutcomeUnknown, RateLimited, Unavailable
from adapters.wire import EXTENSION, CallInfo
from gateway.logs import configure_logs
from gateway.metrics import Metrics
from gateway.upstream.call_log import SLOW_SECONDS, CallLogTransport
from gateway.upstream.calls import CacheUse, Operation, begin_call, call_of, running
from gateway.upstream.needs import Need, for_keys
from tests.gateway.postroom import logs_restored

INFO = CallInfo(backend="uk", operation="letter.get", path=("letters", "4711"), ids=("4711",))


def asked() -> httpx.Request:
    request = httpx.Request("GET", "http://127.0.0.1/base/letters/4711?q=secret", extensions={EXTENSION: INFO})
    begin_call(request, 30.0)
    return request


class Inner(httpx.AsyncBaseTransport):
    """Answers, fails, or does something with the call first."""

    def __init__(self, ending: int | BaseException, meanwhile: Callable[[Any], None] = lambda _: None) -> None:
        self._ending = ending
        self._meanwhile = meanwhile

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._meanwhile(call_of(request))
        if isinstance(self._ending, BaseException):
            raise self._ending
        return httpx.Response(self._ending)


class Clock:
    """Each reading is so many seconds after the one before."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._now = 0.0
        self._seconds = seconds

    def __call__(self) -> float:
        self._now += self._seconds
        return self._now


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logs_restored():
        configure_logs(stream=stream, level=logging.DEBUG)
        yield stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines of calls; asyncio's own are of its selector."""
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in found if line["logger"] == "postroom.upstream"]


async def told(
    ending: int | BaseException, *, seconds: float = 0.0, meanwhile: Callable[[Any], None] = lambda _: None
) -> Metrics:
    """The metrics after one call."""
    metrics = Metrics()
    transport = CallLogTransport(Inner(ending, meanwhile), metrics, monotonic=Clock(seconds))
    with contextlib.suppress(*([type(ending)] if isinstance(ending, BaseException) else [])):
        await transport.handle_async_request(asked())
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


ENDINGS: list[tuple[int | BaseException, str, str]] = [
    (200, "answered", "debug"),
    (302, "answered", "debug"),
    (404, "not_found", "debug"),
    (400, "refused", "info"),
    (401, "refused", "info"),
    (429, "limited", "info"),
    (500, "server_error", "info"),
    (503, "server_error", "info"),
    (httpx.ConnectError("x"), "unreachable", "info"),
    (httpx.ConnectTimeout("x"), "unreachable", "info"),
    (httpx.PoolTimeout("x"), "no_turn", "info"),
    (httpx.ReadTimeout("x"), "timeout", "info"),
    (httpx.ReadError("x"), "broken_off", "info"),
    (httpx.RemoteProtocolError("x"), "broken_off", "info"),
    (httpx.DecodingError("x"), "malformed", "info"),
    (BadCredentials("x", status=401), "sign_in", "info"),
    (RateLimited("x", status=429), "limited", "info"),
    (Unavailable("x", status=503), "server_error", "info"),
    (Unavailable("x", status=503, never_sent=True), "server_error", "info"),
    (Unavailable("x", never_sent=True), "unreachable", "info"),
    (Unavailable("x"), "broken_off", "info"),
    (MalformedAnswer("x"), "malformed", "info"),
    (OutcomeUnknown("x"), "malformed", "info"),
    (asyncio.CancelledError(), "left", "debug"),
]


@pytest.mark.parametrize(("ending", "outcome", "level"), ENDINGS, ids=str)
async def test_an_ending_has_an_outcome_and_a_level(
    stream: io.StringIO, ending: int | BaseException, outcome: str, level: str
) -> None:
    metrics = await told(ending)
    (line,) = lines(stream)
    assert (line["outcome"], line["level"]) == (outcome, level)
    labels = {"backend": "uk", "operation": "letter.get", "outcome": outcome, "cache": "none"}
    assert value(metrics, "postroom_vendor_calls_total", **labels) == 1.0


async def test_a_line_says_what_was_called_and_how_it_went_and_no_url(stream: io.StringIO) -> None:
    def meanwhile(call: Any) -> None:
        call.attempts, call.queued, call.cache, call.shared = 2, 0.25, CacheUse.MISS, True

    await told(Unavailable("busy with 4711", status=503, request_id="r-1"), seconds=0.5, meanwhile=meanwhile)
    (line,) = lines(stream)
    del line["timestamp"]
    assert line == {
        "event": "vendor call",
        "level": "info",
        "logger": "postroom.upstream",
        "backend": "uk",
        "operation": "letter.get",
        "route": "GET /letters/{id}",
        "outcome": "server_error",
        "status": 503,
        "seconds": 0.5,
        "queued": 0.25,
        "attempts": 2,
        "cache": "MISS",
        "shared": True,
        "error": "Unavailable",
        "vendor_request": "r-1",
    }


async def test_a_slow_call_is_worth_a_line_though_it_was_answered(stream: io.StringIO) -> None:
    await told(200, seconds=SLOW_SECONDS)
    assert [line["level"] for line in lines(stream)] == ["info"]


async def test_what_went_well_is_not_logged_at_the_usual_level(stream: io.StringIO) -> None:
    logging.getLogger().setLevel(logging.INFO)
    await told(200)
    assert lines(stream) == []


async def test_time_queue_attempts_and_shared_answers_are_measured() -> None:
    def meanwhile(call: Any) -> None:
        call.attempts, call.queued, call.shared, call.cache = 3, 0.25, True, CacheUse.HIT

    metrics = await told(200, seconds=0.5, meanwhile=meanwhile)
    one = {"backend": "uk", "operation": "letter.get"}
    assert value(metrics, "postroom_vendor_call_seconds_sum", **one) == 0.5
    assert value(metrics, "postroom_vendor_queue_seconds_sum", backend="uk") == 0.25
    assert value(metrics, "postroom_vendor_retries_total", backend="uk") == 2.0
    assert value(metrics, "postroom_vendor_shared_calls_total", backend="uk") == 1.0
    assert value(metrics, "postroom_vendor_calls_total", **one, outcome="answered", cache="hit") == 1.0


async def test_a_call_keeps_its_status_outcome_and_reason() -> None:
    async def ask() -> None:
        with pytest.raises(AdapterError):
            await CallLogTransport(Inner(Unavailable("x", status=503)), Metrics()).handle_async_request(asked())

    with running(Operation(deadline=1e12)) as operation:
        await for_keys("record", ["a.b", "a.b", "c"], 7, ask())
    (call,) = operation.calls
    assert (call.status, call.outcome) == (503, "server_error")
    assert call.need == Need(loader="record", fields=("a.b", "c"), keys=7)


async def test_an_operation_keeps_a_bounded_number_of_its_calls() -> None:
    transport = CallLogTransport(Inner(200), Metrics())
    with running(Operation(deadline=1e12)) as operation:
        for _ in range(1_010):
            await transport.handle_async_request(asked())
    assert len(operation.calls) == 1_000
