"""What passes by itself is read after all: a fault that strikes once, a session that ends in the midst of a page."""

import time

import pytest

from adapters.errors import BadCredentials, RateLimited
from tests.connecting import asking
from tests.faults.conftest import NoteRead
from tests.faults.fault_proxy import Fault
from tests.faults.proxied import NAMES, TIMEOUT, Proxied
from tests.faults.test_reads_under_faults import in_days, read, warm
from tests.faults.wire_faults import answers, badly_chunked, reset, truncated

PASSING: dict[str, Fault] = {
    "reset before": reset("before"),
    "reset after": reset("after"),
    "reset in the head": reset("head"),
    "reset in the body": reset("body"),
    "truncated": truncated(),
    "bad chunk": badly_chunked(),
    "429": answers(429),
    "429, seconds": answers(429, retry_after=1),
    "502": answers(502),
    "503": answers(503),
    "504": answers(504),
}
PAGE = 10


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("vendor", NAMES)
async def test_a_read_survives_a_fault_that_strikes_once(proxied: Proxied, name: str) -> None:
    async with proxied.connected(timeout=30) as adapter:
        asked = await warm(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(PASSING[name], times=1)
        answer = await read(adapter, asked.key)
    assert (answer, [call.fault is None for call in proxied.proxy.calls]) == (asked.key, [False, True])


@pytest.mark.parametrize("vendor", ["kashflow"])
async def test_a_read_survives_a_database_time_out_dressed_as_a_mistake(proxied: Proxied) -> None:
    async with proxied.connected(timeout=30) as adapter:
        asked = await warm(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(answers(400, '{"Error": "-2146232060"}', content_type="application/json"), times=1)
        answer = await read(adapter, asked.key)
    assert (answer, len(proxied.proxy.calls)) == (asked.key, 2)


@pytest.mark.parametrize("vendor", NAMES)
async def test_what_would_come_after_the_deadline_is_told_at_once(proxied: Proxied) -> None:
    async with proxied.connected() as adapter:
        asked = await warm(adapter)
        proxied.proxy.forget()
        proxied.proxy.play(answers(429, retry_after=60))
        answer = await read(adapter, asked.key)
    assert (type(answer), len(proxied.proxy.calls)) == (RateLimited, 1)


@pytest.mark.parametrize(("vendor", "calls_to_sign_in"), [("kashflow", 2), ("sage_intacct", 1)])
async def test_a_session_that_ends_in_the_midst_of_a_page_is_renewed_once(
    proxied: Proxied, calls_to_sign_in: int, note_read: NoteRead
) -> None:
    async with proxied.connected(limits={"page_size": PAGE}) as adapter:
        assert adapter.customers is not None
        whole = await adapter.customers.page(asking(3 * PAGE))
        proxied.proxy.forget()
        proxied.proxy.play(answers(401), skip=1, times=1)
        begun = time.monotonic()
        again = await adapter.customers.page(asking(3 * PAGE))
        seconds = time.monotonic() - begun
    said, calls = f"{len(again.records)} records", len(proxied.proxy.calls)
    note_read("session ends mid-page", proxied.name, said, seconds=seconds, timeout=TIMEOUT, calls=calls)
    assert again.records == whole.records
    assert len(proxied.proxy.calls) == 3 + 1 + calls_to_sign_in  # three parts, one of them asked for twice


@pytest.mark.parametrize("vendor", ["billing_platform", "smallinvoice"])
async def test_a_token_that_is_refused_between_two_calls_is_not_tried_again(proxied: Proxied) -> None:
    async with proxied.connected() as adapter:
        assert adapter.customers is not None
        proxied.proxy.play(answers(401), skip=1)
        part = await adapter.customers.page(asking(1))
        with pytest.raises(BadCredentials):
            await adapter.customers.page(asking(1, position=part.end))
    assert len(proxied.proxy.calls) == 2


@pytest.mark.parametrize("vendor", NAMES)
async def test_a_date_to_come_back_at_is_told_in_seconds(proxied: Proxied) -> None:
    async with proxied.connected() as adapter:
        asked = await warm(adapter)
        proxied.proxy.play(answers(429, retry_after=in_days(1)))
        error = await read(adapter, asked.key)
    assert isinstance(error, RateLimited)
    assert error.retry_after is not None
    assert 86_000 < error.retry_after <= 86_400
