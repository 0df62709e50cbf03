"""A read of each vendor under each fault between it and us: what it says, how long it took, how many calls it made."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.contract import Adapter
from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, RateLimited, TimedOut, Unavailable
from adapters.wire import MAX_ANSWER_BYTES
from tests.connecting import asking
from tests.faults.conftest import NoteRead
from tests.faults.fault_proxy import Fault
from tests.faults.proxied import NAMES, TIMEOUT, Proxied
from tests.faults.wire_faults import (
    another_records_answer,
    answers,
    badly_chunked,
    badly_zipped,
    drips,
    endless,
    late,
    oddly_coded,
    reset,
    stalled,
    truncated,
    wrong_length,
    wrong_type,
)

LIMIT = 5.0
"""Seconds in which a read has ended, one way or the other, unless its bytes are many."""

MANY_BYTES_LIMIT = 60.0
"""Seconds for those."""

ROOM = 16 * 1024 * 1024
"""Bytes for everything else that is alive during a read."""

WANTED = frozenset({"emails"})
"""Has each vendor read a customer by a GET of its own."""


@dataclass(frozen=True)
class Asked:
    """The customer that is read, and another one."""

    key: str
    other: str


@dataclass(frozen=True)
class Case:
    """A fault at every call, and the error that a read then ends in; None: none."""

    fault: Callable[[Asked], Fault]
    error: type[AdapterError] | None
    slow: bool = False
    timeout: float = TIMEOUT


def always(fault: Fault) -> Callable[[Asked], Fault]:
    return lambda _: fault


def in_days(days: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)


CASES: Mapping[str, Case] = {
    "latency before": Case(always(late(before=60)), TimedOut, slow=True),
    "latency after": Case(always(late(after=60)), TimedOut, slow=True),
    "half open, reads": Case(always(stalled("answering")), TimedOut, slow=True),
    "half open, reads nothing": Case(always(stalled("reading")), TimedOut, slow=True),
    "drip, from the head": Case(always(drips(0.1, begin="head")), TimedOut, slow=True),
    "drip, the body": Case(always(drips(0.1)), TimedOut, slow=True),
    "drip, a byte a second": Case(always(drips(1)), TimedOut, slow=True, timeout=3.0),
    "reset before": Case(always(reset("before")), Unavailable),
    "reset after": Case(always(reset("after")), Unavailable),
    "reset in the head": Case(always(reset("head")), Unavailable),
    "reset in the body": Case(always(reset("body")), Unavailable),
    "truncated": Case(always(truncated()), Unavailable),
    "length too small": Case(always(wrong_length(by=7)), MalformedAnswer),
    "bad chunk": Case(always(badly_chunked()), Unavailable),
    "bad gzip": Case(always(badly_zipped()), MalformedAnswer),
    "gzip cut off": Case(always(badly_zipped(cut=True)), MalformedAnswer),
    "unknown coding": Case(always(oddly_coded()), MalformedAnswer),
    "1 GB": Case(always(endless("identity")), MalformedAnswer, slow=True, timeout=MANY_BYTES_LIMIT),
    "1 GB, gzip": Case(always(endless("gzip")), MalformedAnswer, slow=True, timeout=MANY_BYTES_LIMIT),
    "1 GB, gzip twice": Case(always(endless("gzip, gzip")), MalformedAnswer, slow=True, timeout=MANY_BYTES_LIMIT),
    "another record": Case(lambda asked: another_records_answer(asked.key, asked.other), MalformedAnswer),
    "not JSON": Case(always(answers(200, "<h1>Welcome</h1>")), MalformedAnswer),
    "not JSON, said to be": Case(always(answers(200, "<h1>", content_type="application/json")), MalformedAnswer),
    "nothing": Case(always(answers(200)), MalformedAnswer),
    "JSON, not said to be": Case(always(wrong_type()), None),
    "429": Case(always(answers(429)), RateLimited),
    "429, seconds": Case(always(answers(429, retry_after=7)), RateLimited),
    "429, date": Case(always(answers(429, retry_after=in_days(1))), RateLimited),
    "502": Case(always(answers(502)), Unavailable),
    "503": Case(always(answers(503)), Unavailable),
    "504": Case(always(answers(504)), TimedOut),
    "session refused": Case(always(answers(401)), BadCredentials),
}


def each_vendor(names: Sequence[str]) -> list[Any]:
    """The named cases × all vendors; a slow one is played with one vendor only, unless all are."""
    return [
        pytest.param(
            name,
            vendor,
            id=f"{name}-{vendor}",
            marks=[pytest.mark.whole] if CASES[name].slow and vendor != "kashflow" else [],
        )
        for name in names
        for vendor in NAMES
    ]


async def warm(adapter: Adapter) -> Asked:
    """Signs in, and leaves a kept connection behind."""
    assert adapter.customers is not None
    first, second = (await adapter.customers.page(asking(2))).records
    return Asked(first.native_id, second.native_id)


async def read(adapter: Adapter, key: str) -> str | AdapterError:
    """The native id of the customer that was read, or the error."""
    assert adapter.customers is not None
    try:
        found = (await adapter.customers.by_key([key], WANTED))[key]
    except AdapterError as error:
        return error
    assert found is not None
    return found if isinstance(found, AdapterError) else found.native_id


@pytest.mark.parametrize(("name", "vendor"), each_vendor(list(CASES)))
async def test_a_read_ends_in_what_the_fault_is(name: str, proxied: Proxied, note_read: NoteRead) -> None:
    case = CASES[name]
    async with proxied.connected(timeout=case.timeout) as adapter:
        asked = await warm(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(case.fault(asked))
        begun = time.monotonic()
        answer: str | AdapterError = "none within the limit"
        try:
            async with asyncio.timeout(LIMIT if case.timeout == TIMEOUT else MANY_BYTES_LIMIT):
                answer = await read(adapter, asked.key)
        finally:
            said = type(answer).__name__ if isinstance(answer, AdapterError) else answer
            seconds = time.monotonic() - begun
            calls = len(proxied.proxy.calls)
            note_read(name, proxied.name, said, seconds=seconds, timeout=case.timeout, calls=calls)
    assert (asked.key if case.error is None else case.error.__name__) == said
    if isinstance(answer, AdapterError):
        assert answer.backend == "test"


@pytest.mark.parametrize("vendor", ["sage_intacct", *(pytest.param(name, marks=pytest.mark.whole) for name in NAMES)])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("coding", ["identity", "gzip", "gzip, gzip"])
async def test_an_endless_answer_takes_no_more_memory_than_the_largest_that_is_read(
    coding: Any, status: int, proxied: Proxied
) -> None:
    async with proxied.connected(timeout=MANY_BYTES_LIMIT) as adapter:
        asked = await warm(adapter)
        proxied.proxy.play(endless(coding, status=status))
        tracemalloc.start()
        try:
            async with asyncio.timeout(MANY_BYTES_LIMIT):
                answer = await read(adapter, asked.key)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(answer, MalformedAnswer)
    assert peak < MAX_ANSWER_BYTES + ROOM
