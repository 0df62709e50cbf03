"""An answer for another record than the one asked for is never believed, whichever way the record is asked for."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.contract import Adapter
from adapters.errors import AdapterError, MalformedAnswer
from tests.connecting import asking
from tests.contract.offers import offered
from tests.faults.proxied import NAMES, Proxied
from tests.faults.wire_faults import another_records_answer, one_answer_too_many

PARTS = ("customers", "correspondence", "letters", "templates", "messages")
RAW = frozenset({"raw"})
READS_WHOLE_LIST = frozenset({"smallinvoice"})
"""Cannot be asked for a code: there is no other code's answer."""


def asked_with(adapter: Adapter, part: str) -> Any:
    return getattr(adapter, part)


def offering(*parts: str) -> list[tuple[str, str]]:
    """Each vendor with each of these parts that it has."""
    return [(name, part) for name in NAMES for part in parts if part in offered(name)]


async def two(adapter: Adapter, part: str) -> tuple[Any, Any]:
    first, second = (await asked_with(adapter, part).page(asking(2))).records
    return first, second


async def error_of(awaitable: Any) -> str:
    """The name of the error that a read of one key raised or answered, or what it answered instead."""
    try:
        results: Mapping[str, Any] = await awaitable
    except AdapterError as error:
        return type(error).__name__
    (answer,) = results.values()
    return type(answer).__name__ if isinstance(answer, AdapterError) else repr(answer)


@pytest.mark.parametrize("wanted", [frozenset[str](), RAW], ids=["short", "raw"])
@pytest.mark.parametrize(("vendor", "part"), offering(*PARTS))
async def test_another_records_answer_to_a_read_by_key_is_not_believed(
    proxied: Proxied, part: str, wanted: frozenset[str]
) -> None:
    async with proxied.connected() as adapter:
        one, other = await two(adapter, part)
        proxied.proxy.play(another_records_answer(one.native_id, other.native_id))
        found = await error_of(asked_with(adapter, part).by_key([one.native_id], wanted))
    assert found == MalformedAnswer.__name__


@pytest.mark.parametrize("wanted", [frozenset({"name"}), frozenset({"body"})], ids=["short", "whole"])
@pytest.mark.parametrize("vendor", ["sage_intacct"])
async def test_another_email_templates_answer_is_not_believed(proxied: Proxied, wanted: frozenset[str]) -> None:
    async with proxied.connected() as adapter:
        assert adapter.templates is not None
        templates = (await adapter.templates.page(asking(50))).records
        one, other, *_ = sorted({row.email_template.native_id for row in templates if row.email_template is not None})
        proxied.proxy.play(another_records_answer(one, other))
        found = await error_of(adapter.templates.email_templates([one], wanted))
    assert found == MalformedAnswer.__name__


@pytest.mark.parametrize("wanted", [frozenset[str](), RAW], ids=["short", "raw"])
@pytest.mark.parametrize("vendor", [name for name in NAMES if name not in READS_WHOLE_LIST])
async def test_another_codes_answer_is_not_believed(proxied: Proxied, wanted: frozenset[str]) -> None:
    async with proxied.connected() as adapter:
        one, other = await two(adapter, "customers")
        proxied.proxy.play(another_records_answer(one.code, other.code))
        found = await error_of(asked_with(adapter, "customers").by_code([one.code], wanted))
    assert found == MalformedAnswer.__name__


@pytest.mark.parametrize(("vendor", "part"), offering("correspondence", "templates"))
async def test_another_customers_documents_are_not_believed(proxied: Proxied, part: str) -> None:
    async with proxied.connected() as adapter:
        rows = (await asked_with(adapter, part).page(asking(50))).records
        one, other, *_ = dict.fromkeys(row.customer_id for row in rows)
        proxied.proxy.play(another_records_answer(one, other))
        found = await error_of(asked_with(adapter, part).of_customers([one], asking(2)))
    assert found == MalformedAnswer.__name__


@pytest.mark.parametrize("vendor", NAMES)
async def test_an_answer_that_nobody_asked_for_is_never_another_record(proxied: Proxied) -> None:
    async with proxied.connected() as adapter:
        one, other = await two(adapter, "customers")
        proxied.proxy.play(one_answer_too_many(one.native_id, other.native_id), times=1)
        customers = asked_with(adapter, "customers")
        answers = [(await customers.by_key([one.native_id], RAW))[one.native_id] for _ in range(3)]
    assert {getattr(answer, "native_id", MalformedAnswer) for answer in answers} <= {one.native_id, MalformedAnswer}


@pytest.mark.parametrize("vendor", NAMES)
async def test_an_answer_that_nobody_asked_for_is_not_the_next_reads(proxied: Proxied) -> None:
    async with proxied.connected() as adapter:
        one, other = await two(adapter, "customers")
        proxied.proxy.play(one_answer_too_many(one.native_id, other.native_id), times=1)
        customers = asked_with(adapter, "customers")
        answers = [(await customers.by_key([one.native_id], RAW))[one.native_id] for _ in range(3)]
    assert [getattr(answer, "native_id", answer) for answer in answers] == [one.native_id] * 3
