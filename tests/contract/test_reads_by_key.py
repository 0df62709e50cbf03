"""Reading records by key and by code: the same records as the lists show, and all that is wanted of them."""

from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from adapters import model
from adapters.contract import Adapter, Documents
from adapters.freshness import reading_fresh
from tests.connecting import RunningSandbox
from tests.contract.offers import ListPart
from tests.contract.walking import attributes, everything, reader

UNKNOWN_KEY = "999999999"
NOTHING: frozenset[str] = frozenset()


def some(records: list[Any], count: int = 12) -> list[Any]:
    return Random(3).sample(records, min(count, len(records)))  # noqa: S311 - which records are tried


def wanted_of(part: ListPart) -> frozenset[str]:
    return attributes(getattr(model, part.record_type))


async def test_each_listed_record_is_found_by_its_key_and_is_the_same(adapter: Adapter, part: ListPart) -> None:
    listed = some(await everything(reader(adapter, part), wanted=wanted_of(part)))
    found = await reader(adapter, part).by_key([record.native_id for record in listed], wanted_of(part))

    assert [record.native_id for record in listed] == list(found)
    for record in listed:
        other = found[record.native_id]
        for name in sorted(wanted_of(part)):
            if getattr(record, name) is not UNSET:
                assert getattr(record, name) == getattr(other, name), name


async def test_every_wanted_attribute_is_set_by_a_read_by_key(adapter: Adapter, part: ListPart) -> None:
    (record, *_) = await everything(reader(adapter, part))

    for name in sorted(wanted_of(part) | {"raw"}):
        found = await reader(adapter, part).by_key([record.native_id], frozenset({name}))
        assert getattr(found[record.native_id], name) is not UNSET, name


async def test_the_raw_record_comes_only_when_wanted(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    listed = await everything(read, wanted=wanted_of(part))
    keys = [record.native_id for record in some(listed, 3)]
    without = await read.by_key(keys, wanted_of(part))
    with_it = await read.by_key(keys, frozenset({"raw"}))

    assert [UNSET] * len(listed) == [record.raw for record in listed]
    assert [UNSET] * len(keys) == [without[key].raw for key in keys]
    assert [True] * len(keys) == [isinstance(with_it[key].raw, dict) and bool(with_it[key].raw) for key in keys]


async def test_an_unknown_key_is_none_and_spoils_no_other(adapter: Adapter, part: ListPart) -> None:
    (record, *_) = await everything(reader(adapter, part))

    for wanted in (NOTHING, frozenset({"raw"})):
        found = await reader(adapter, part).by_key([UNKNOWN_KEY, record.native_id], wanted)
        assert [None, record.native_id] == [found[UNKNOWN_KEY], found[record.native_id].native_id]


async def test_no_keys_cost_no_call(adapter: Adapter, sandbox: RunningSandbox, part: ListPart) -> None:
    before = sandbox.count()

    assert dict(await reader(adapter, part).by_key([], NOTHING)) == {}
    assert before == sandbox.count()


async def test_a_key_given_twice_is_answered_once(adapter: Adapter, part: ListPart) -> None:
    (record, *_) = await everything(reader(adapter, part))
    found = await reader(adapter, part).by_key([record.native_id, record.native_id], NOTHING)

    assert [record.native_id] == list(found)


@pytest.mark.requires("customers")
async def test_each_customer_is_found_by_its_code(adapter: Adapter) -> None:
    assert adapter.customers is not None
    listed = [customer for customer in some(await everything(adapter.customers)) if customer.code]
    found = await adapter.customers.by_code([*(customer.code for customer in listed), UNKNOWN_KEY], NOTHING)

    answered = {code: getattr(customer, "native_id", customer) for code, customer in found.items()}
    assert {customer.code: customer.native_id for customer in listed} | {UNKNOWN_KEY: None} == answered


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.requires("correspondence")
async def test_correspondence_is_read_out_of_no_cache_where_that_is_asked_for(
    adapter: Adapter, sandbox: RunningSandbox, count: int
) -> None:
    assert await cached(adapter.correspondence, sandbox, count) == [{None}, {"no-cache"}]


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.requires("letters")
async def test_letters_are_read_out_of_no_cache_where_that_is_asked_for(
    adapter: Adapter, sandbox: RunningSandbox, count: int
) -> None:
    assert await cached(adapter.letters, sandbox, count) == [{None}, {"no-cache"}]


async def cached(documents: Documents[Any] | None, sandbox: RunningSandbox, count: int) -> list[set[str | None]]:
    """What the calls of a read by keys say of caches: of one like any other, then of a fresh one."""
    assert documents is not None
    keys = [record.native_id for record in some(await everything(documents), count)]
    found = []
    for fresh in (False, True):
        before = sandbox.count()
        with reading_fresh(fresh=fresh):
            await documents.by_key(keys, NOTHING)
        found.append({dict(entry["headers"]).get("cache-control") for entry in sandbox.journal(before)})
    return found


@pytest.mark.requires("customers")
async def test_a_code_is_matched_whole_and_case_and_all(adapter: Adapter) -> None:
    assert adapter.customers is not None
    (customer, *_) = await everything(adapter.customers)
    near = [customer.code[:-1], customer.code + "0", f" {customer.code} x", "%", "*", "a'b", ""]

    assert dict.fromkeys(near) == dict(await adapter.customers.by_code(near, NOTHING))


@pytest.mark.requires("customers")
async def test_every_wanted_attribute_is_set_by_a_read_by_code(adapter: Adapter) -> None:
    assert adapter.customers is not None
    (customer, *_) = await everything(adapter.customers)

    wanted = attributes(model.Customer) | {"raw"}
    found = (await adapter.customers.by_code([customer.code], wanted))[customer.code]
    assert [name for name in wanted if getattr(found, name) is UNSET] == []


@pytest.mark.requires("templates")
async def test_every_template_that_a_customer_gets_is_found(adapter: Adapter) -> None:
    assert adapter.templates is not None
    templates = some(await everything(adapter.templates))
    keys = {template.email_template.native_id: template.email_template.name for template in templates}
    wanted = attributes(model.EmailTemplate)
    found = await adapter.templates.email_templates([*keys, UNKNOWN_KEY], wanted)

    assert keys | {UNKNOWN_KEY: None} == {key: getattr(one, "name", None) for key, one in found.items()}
    assert [name for name in wanted if getattr(found[next(iter(keys))], name) is UNSET] == []
