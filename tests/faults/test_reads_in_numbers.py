"""Many reads at a vendor that breaks off some, or answers none: how many succeed, and what they cost the vendor."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import pytest

from adapters.contract import Adapter
from adapters.errors import AdapterError, Unavailable
from tests.connecting import asking
from tests.faults.conftest import NoteRead
from tests.faults.fault_proxy import Fault
from tests.faults.proxied import NAMES, Proxied
from tests.faults.test_reads_under_faults import read
from tests.faults.wire_faults import answers, reset
from tests.patience import PATIENCE

VENDORS = ["kashflow", *(pytest.param(name, marks=pytest.mark.whole) for name in NAMES if name != "kashflow")]
READS = 2_000
AT_ONCE = 8
SUCCEEDING = 0.995
REQUESTS = 500
ATTEMPTS_A_REQUEST = 1.2
TURNS = 100
"""Of the event loop, which are all that who is told at once takes: it waits for nothing."""

OUTAGES: dict[str, Fault] = {"503": answers(503), "reset": reset("before")}


async def keys(adapter: Adapter) -> list[str]:
    """The customers that are read."""
    assert adapter.customers is not None
    return [customer.native_id for customer in (await adapter.customers.page(asking(50))).records]


async def told(adapter: Adapter, wanted: Sequence[str]) -> Counter[str]:
    """What reads of these customers, one after the other, came to."""
    found: Counter[str] = Counter()
    for key in wanted:
        answer = await read(adapter, key)
        found["read" if answer == key else type(answer).__name__] += 1
    return found


async def turned_away(proxied: Proxied, adapter: Adapter, key: str) -> tuple[str | AdapterError, bool, float]:
    """What a read comes to for which nothing is asked, whether without waiting for anything, and in what time."""
    while True:
        calls, begun = len(proxied.proxy.calls), time.monotonic()
        reading = asyncio.create_task(read(adapter, key))
        for _ in range(TURNS):
            if not reading.done():
                await asyncio.sleep(0)
        at_once, took = reading.done(), time.monotonic() - begun
        answer = await reading
        if len(proxied.proxy.calls) == calls:  # else it was the probe
            return answer, at_once, took


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.whole)])
async def test_with_one_call_in_ten_reset_nearly_all_reads_succeed(
    proxied: Proxied, when: Literal["before", "after"], note_read: NoteRead
) -> None:
    async with proxied.connected(timeout=30) as adapter:
        customers = await keys(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(reset(when), probability=0.1)
        begun = time.monotonic()
        share = READS // AT_ONCE
        lanes = [customers[lane::AT_ONCE] for lane in range(AT_ONCE)]  # no two ask the same, and share its answer
        lists = [[lane[place % len(lane)] for place in range(share)] for lane in lanes]
        found = sum(await asyncio.gather(*(told(adapter, one) for one in lists)), Counter[str]())
        seconds, calls = time.monotonic() - begun, len(proxied.proxy.calls)
    said = f"{found['read']} of {READS}"
    note_read(f"10 % reset {when} the work", proxied.name, said, seconds=seconds, timeout=30, calls=calls)
    assert found.total() == READS
    assert found["read"] >= SUCCEEDING * READS
    assert calls > READS  # some were tried again


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_vendor_that_is_down_is_asked_little_and_told_of_at_once(
    proxied: Proxied, outage: str, note_read: NoteRead
) -> None:
    async with proxied.connected(timeout=30) as adapter:
        customers = await keys(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(OUTAGES[outage])
        begun = time.monotonic()
        found = await told(adapter, [customers[place % len(customers)] for place in range(REQUESTS)])
        seconds, calls = time.monotonic() - begun, len(proxied.proxy.calls)
        answer, at_once, took = await turned_away(proxied, adapter, customers[0])
    said = f"{calls / REQUESTS:.2f} a request"
    note_read(f"outage ({outage}), {REQUESTS} reads", proxied.name, said, seconds=seconds, timeout=30, calls=calls)
    assert found.total() - found["read"] == REQUESTS
    assert calls <= ATTEMPTS_A_REQUEST * REQUESTS
    note_read(
        f"outage ({outage}), breaker open", proxied.name, f"{took * 1000:.2f} ms", seconds=took, timeout=30, calls=0
    )
    assert isinstance(answer, Unavailable)
    assert (answer.never_sent, at_once) == (True, True)
    assert answer.retry_after is not None
    assert answer.retry_after >= 1


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_vendor_that_comes_back_is_read_again(proxied: Proxied) -> None:
    async with proxied.connected(timeout=30) as adapter:
        customers = await keys(adapter)
        proxied.proxy.play(answers(503))
        await told(adapter, [customers[0]] * 30)
        proxied.proxy.heal()
        answer: str | AdapterError = ""
        async with asyncio.timeout(PATIENCE):
            while answer != customers[0]:
                answer = await read(adapter, customers[0])
                await asyncio.sleep(0.05)
    assert answer == customers[0]
