"""A query costs one call per backend for each thing that it asks, and asks for nothing that it did not select."""

import asyncio
from typing import Any

import pytest

from adapters.errors import Forbidden, InvalidInput, Unavailable
from adapters.freshness import reading_fresh
from gateway.context import Principal
from gateway.loaders import PageKey, RecordKey
from tests.connecting import asking
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template


def page_of_customers(key: str = "a", count: int = 50, **options: Any) -> Fake:
    numbers = range(count)
    return fake(
        key,
        customers=[customer(key, str(n), message_id=f"m{n % 3}") for n in numbers],
        correspondence=[correspondence(key, f"c{n}", str(n)) for n in numbers],
        letters=[letter(key, f"l{n}", str(n)) for n in numbers],
        templates=[template(key, f"t{n}", str(n)) for n in numbers],
        messages=[message(key, f"m{n}") for n in range(3)],
        **options,
    )


async def test_nested_lists_of_fifty_customers_are_one_call_per_backend() -> None:
    fakes = [page_of_customers("a"), page_of_customers("b")]
    query = """{ customers(first: 100) { nodes {
      documents(first: 5) { nodes { title } } templates { nodes { id } } message { text }
    } } }"""
    found = await data(gateway_over(*fakes), query)
    assert len(found["customers"]["nodes"]) == 100
    for one in fakes:
        assert sorted(one.behaviour.verbs()) == [
            "correspondence.of_customers",
            "customers.page",
            "letters.of_customers",
            "messages.by_key",
            "templates.of_customers",
        ]
        keys = [len(call.keys) for call in one.behaviour.calls]
        assert sorted(keys) == [0, 3, 50, 50, 50]


async def test_many_records_by_id_are_one_call() -> None:
    a = page_of_customers()
    ids = [gid("Customer", "a", str(n)) for n in range(20)] * 2
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { name } } }"
    found = await data(gateway_over(a), query, ids=ids)
    assert (len(found["nodes"]), [len(call.keys) for call in a.behaviour.of("customers.by_key")]) == (40, [20])


async def test_records_that_differ_in_what_is_wanted_of_them_are_one_call_for_each_set() -> None:
    a = page_of_customers()
    query = """query($one: ID!, $two: ID!) {
      one: customer(by: {id: $one}) { name } same: customer(by: {id: $one}) { code }
      two: customer(by: {id: $two}) { name }
    }"""
    await data(gateway_over(a), query, one=gid("Customer", "a", "1"), two=gid("Customer", "a", "2"))
    calls = {call.keys: call.wanted for call in a.behaviour.calls}
    assert calls == {("1",): frozenset(("name", "code")), ("2",): frozenset(("name",))}


async def test_what_is_behind_lists_is_looked_up_together() -> None:
    a = page_of_customers()
    await data(gateway_over(a), "{ letters(first: 30) { nodes { customer { name } } } }")
    assert [len(call.keys) for call in a.behaviour.of("customers.by_key")] == [30]


# ── What is wanted ───────────────────────────────────────────────────────────────────────────────────────────────────

NAME_CODE = {"name", "code"}
WANTED = [
    ("{ customers { nodes { name } } }", {"name"}),
    ("{ customers { nodes { id } } }", {"native_id"}),
    ("{ customers { nodes { __typename } } }", set()),
    ("{ customers { pageInfo { hasNextPage } } }", set()),
    ("{ customers { nodes { backend { key } } } }", {"backend"}),
    ("{ customers { nodes { n: name, o: outstandingBalance } } }", {"name", "outstanding_balance"}),
    ("{ customers { edges { node { code } } nodes { name } } }", {"name", "code"}),
    ("{ customers { nodes { ...A } } } fragment A on Customer { name ...B }fragment B on Customer { code }", NAME_CODE),
    ("{ customers { ...A } } fragment A on CustomerConnection { n: nodes { ...{ id } raw } }", {"native_id", "raw"}),
    ("{ customers { nodes { ... { vendorStatus } address { city } } } }", {"vendor_status", "address"}),
    ("{ customers { nodes { message { text } counterparts { name } } } }", {"message_id", "code"}),
    ("{ customers { nodes { letters { nodes { title } } } } }", set()),
    ("{ customers { nodes { emails @include(if: false) } } }", set()),
]  # fmt: skip


@pytest.mark.parametrize(("query", "wanted"), WANTED)
async def test_a_list_is_asked_for_what_is_selected(query: str, wanted: set[str]) -> None:
    a = page_of_customers(count=1)
    await answer(gateway_over(a), query)
    assert a.behaviour.calls[0].wanted == wanted


async def test_each_kind_of_document_is_asked_for_its_own_fields_and_the_shared_ones() -> None:
    a = page_of_customers(count=1)
    query = "{ documents { nodes { date ... on Letter { pageCount } ... on Correspondence { number } } } }"
    await data(gateway_over(a), query)
    assert {call.wanted for call in a.behaviour.calls} == {frozenset(("date", "page_count", "number"))}


async def test_a_field_of_a_fragment_wants_what_is_selected_beside_it_too() -> None:
    a = page_of_customers(count=1)
    query = """
    { one: customers { nodes { ...F } } two: customers { nodes { ...F letters { nodes { title } } } } }
    fragment F on Customer { letters { nodes { date } } }"""
    await data(gateway_over(a), query)
    wanted = {call.wanted for call in a.behaviour.of("letters.of_customers")}
    assert wanted == {frozenset(("date",)), frozenset(("date", "title"))}


# ── Attributes that lists leave out ──────────────────────────────────────────────────────────────────────────────────


async def test_what_a_list_leaves_out_is_fetched_once_for_all_records_and_fields() -> None:
    a = page_of_customers(count=20)
    found = await data(gateway_over(a), "{ customers { nodes { emails currency raw } } }")
    (call,) = a.behaviour.of("customers.by_key")
    assert (len(call.keys), call.wanted) == (20, frozenset(("emails", "currency", "raw")))
    assert found["customers"]["nodes"][3] == {"emails": ["3@example.com"], "currency": "GBP", "raw": {"id": "3"}}


async def test_what_a_list_brings_is_not_fetched() -> None:
    a = page_of_customers(count=2, carried=frozenset({"currency"}))
    found = await data(gateway_over(a), "{ customers { nodes { currency } } }")
    assert found["customers"]["nodes"] == [{"currency": "GBP"}] * 2
    assert a.behaviour.verbs() == ["customers.page"]


async def test_a_fetch_that_fails_leaves_only_its_own_fields_null() -> None:
    a = page_of_customers(count=2)
    a.behaviour.of_key["customers.by_key", "1"] = Forbidden("Not for you.", backend="a")
    answered = await answer(gateway_over(a), "{ customers { nodes { name emails currency } } }")
    assert answered.data["customers"]["nodes"] == [
        {"name": "Company 0", "emails": ["0@example.com"], "currency": "GBP"},
        {"name": "Company 1", "emails": None, "currency": None},
    ]
    assert [error["path"] for error in answered.errors] == [
        ["customers", "nodes", 1, "emails"],
        ["customers", "nodes", 1, "currency"],
    ]


async def test_a_non_null_field_that_fails_takes_only_its_own_record() -> None:
    a = page_of_customers(count=2)
    a.behaviour.of_key["messages.by_key", "m0"] = Unavailable("Down.", backend="a")
    query = "{ customers { nodes { message { status } letters { nodes { title } } } } }"
    answered = await answer(gateway_over(a), query)
    nodes = answered.data["customers"]["nodes"]
    assert [node["letters"]["nodes"][0]["title"] for node in nodes] == ["Letter l0", "Letter l1"]
    assert [node["message"] for node in nodes] == [None, {"status": "ACTIVE"}]


# ── Records already there ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_listed_record_is_not_read_again_for_what_the_list_was_asked() -> None:
    a = page_of_customers(count=5)
    query = "{ customers { nodes { id name letters { nodes { customer { id name backend { key } } } } } } }"
    await data(gateway_over(a), query)
    assert a.behaviour.of("customers.by_key") == []


async def test_a_listed_record_is_read_again_for_more() -> None:
    a = page_of_customers(count=5)
    query = "{ customers { nodes { name letters { nodes { customer { code } } } } } }"
    await data(gateway_over(a), query)
    assert [call.wanted for call in a.behaviour.of("customers.by_key")] == [frozenset(("code",))]


async def test_one_who_wants_more_of_a_listed_record_takes_nothing_from_one_who_does_not() -> None:
    a = page_of_customers(count=1, carried=frozenset({"currency"}))
    query = """{ customers(first: 1) { nodes {
      currency
      correspondence { nodes { customer { currency } } }
      letters { nodes { customer { raw } } }
    } } }"""
    found = (await data(gateway_over(a), query))["customers"]["nodes"][0]
    assert found["correspondence"]["nodes"][0]["customer"] == {"currency": "GBP"}
    assert [call.wanted for call in a.behaviour.of("customers.by_key")] == [frozenset(("raw",))]


# ── Places in customers' own lists ───────────────────────────────────────────────────────────────────────────────────


def page_key(customer_id: str, position: str | None = None, first: int = 1) -> PageKey:
    return PageKey("letters", "a", customer_id, asking(first, position=position))


def letters_of(*customer_ids: str, count: int = 3) -> Fake:
    return fake(
        "a",
        customers=[customer("a", one) for one in customer_ids],
        letters=[letter("a", f"{one}-{n}", one) for n in range(count) for one in customer_ids],
    )


async def pages_of(a: Fake, *keys: PageKey) -> list[list[str]]:
    loaders = gateway_over(a).context().loaders
    return [[one.native_id for one in page.records] for page in await loaders.page.load_many(keys)]


async def test_customers_lists_that_go_on_from_different_places_are_one_call() -> None:
    a = letters_of("x", "y", "z")
    keys = [page_key("x", '[1,"x-0"]'), page_key("y", '[2,"y-1"]'), page_key("z")]
    assert await pages_of(a, *keys) == [["x-1"], ["y-2"], ["z-0"]]
    (call,) = a.behaviour.of("letters.of_customers")
    assert (call.keys, call.positions, call.request.position) == (
        ("x", "y", "z"),
        {"x": '[1,"x-0"]', "y": '[2,"y-1"]'},
        None,
    )


async def test_a_list_that_is_asked_for_from_several_places_is_read_once_for_each() -> None:
    a = letters_of("x", "y")
    keys = [page_key("x"), page_key("x", '[1,"x-0"]'), page_key("y", '[1,"y-0"]'), page_key("x", '[2,"x-1"]')]
    assert await pages_of(a, *keys) == [["x-0"], ["x-1"], ["y-1"], ["x-2"]]
    assert [call.keys for call in a.behaviour.of("letters.of_customers")] == [("x", "y"), ("x",), ("x",)]


async def test_lists_that_differ_in_more_than_their_places_are_read_apart() -> None:
    a = letters_of("x", "y")
    assert await pages_of(a, page_key("x", '[1,"x-0"]'), page_key("y", '[1,"y-0"]', first=2)) == [
        ["x-1"],
        ["y-1", "y-2"],
    ]
    assert [call.keys for call in a.behaviour.of("letters.of_customers")] == [("x",), ("y",)]


async def test_a_place_that_is_none_fails_its_own_list_alone() -> None:
    a = letters_of("x", "y")
    loaders = gateway_over(a).context().loaders
    good, bad = await loaders.page.load_many([page_key("x"), page_key("y", "elsewhere")])
    assert ([one.native_id for one in good.records], type(bad)) == (["x-0"], InvalidInput)


# ── Reads that must be fresh ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fresh_read_is_in_no_batch_that_somebody_else_began_in_the_same_turn() -> None:
    a = page_of_customers(count=3)
    load = gateway_over(a).context().loaders.record.load
    keys = [RecordKey("Customer", "a", str(n), frozenset(("name",))) for n in range(3)]
    reads = [load(keys[0]), load(keys[1])]
    with reading_fresh():
        reads += [load(keys[1]), load(keys[2])]
    await asyncio.gather(*reads)
    assert [(call.keys, call.fresh) for call in a.behaviour.calls] == [(("0", "1"), False), (("1", "2"), True)]


async def test_a_read_that_need_not_be_fresh_begins_no_fresh_batch_though_a_fresh_read_came_first() -> None:
    a = page_of_customers(count=2)
    load = gateway_over(a).context().loaders.record.load
    keys = [RecordKey("Customer", "a", str(n), frozenset(("name",))) for n in range(2)]
    with reading_fresh():
        reads = [load(keys[0])]
    reads += [load(keys[0]), load(keys[1])]
    await asyncio.gather(*reads)
    assert [(call.keys, call.fresh) for call in a.behaviour.calls] == [(("0",), True), (("1",), False)]


async def test_a_fresh_read_is_not_answered_by_what_was_read_or_listed_before() -> None:
    a = page_of_customers(count=1)
    loaders = gateway_over(a).context().loaders
    key = RecordKey("Customer", "a", "0", frozenset(("name",)))
    await loaders.page.load(PageKey("customers", "a", None, asking(wanted=frozenset(("name",)))))
    await loaders.record.load(key)
    with reading_fresh():
        await loaders.record.load(key)
    assert [(call.verb, call.fresh) for call in a.behaviour.calls] == [
        ("customers.page", False),
        ("customers.by_key", True),
    ]


async def test_customers_own_lists_are_read_fresh_where_that_is_asked_for() -> None:
    a = letters_of("x", "y")
    load = gateway_over(a).context().loaders.page.load
    reads = [load(page_key("x"))]
    with reading_fresh():
        reads += [load(page_key("x")), load(page_key("y"))]
    await asyncio.gather(*reads)
    assert [(call.keys, call.fresh) for call in a.behaviour.calls] == [(("x",), False), (("x", "y"), True)]


# ── Who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_principals_backends_are_nobody_elses() -> None:
    a, b = page_of_customers("a", count=1), page_of_customers("b", count=1)
    gateway = gateway_over(a, b)
    only_b = Principal(id="b-only", backends=frozenset("b"))
    query = """query($a: ID!, $b: ID!) {
      backends { key } customers { nodes { backend { key } } } nodes(ids: [$a, $b]) { id } other: node(id: $a) { id }
    }"""
    given = {"a": gid("Customer", "a", "0"), "b": gid("Customer", "b", "0")}
    found = await data(gateway, query, principal=only_b, a=given["a"], b=given["b"])
    assert found == {
        "backends": [{"key": "b"}],
        "customers": {"nodes": [{"backend": {"key": "b"}}]},
        "nodes": [None, {"id": given["b"]}],
        "other": None,
    }
    assert a.behaviour.calls == []


async def test_naming_an_invisible_backend_is_naming_none() -> None:
    gateway = gateway_over(page_of_customers("a", count=1), page_of_customers("b", count=1))
    only_b = Principal(id="b-only", backends=frozenset("b"))
    query = "query($key: String!) { customers(backends: [$key]) { nodes { id } } }"
    messages = [
        (await answer(gateway, query, principal=only_b, key=key)).errors[0]["message"].replace(repr(key), "KEY")
        for key in ("a", "nowhere")
    ]
    assert messages[0] == messages[1]


async def test_nothing_is_kept_from_one_request_to_the_next() -> None:
    a = page_of_customers(count=1)
    gateway = gateway_over(a)
    for name in ("Company 0", "Renamed"):
        a.shelves["customers"].records[0] = customer("a", "0", name=name)
        found = await data(gateway, "{ customers { nodes { name } } }")
        assert found["customers"]["nodes"] == [{"name": name}]


async def test_equal_native_ids_of_two_backends_are_two_records() -> None:
    fakes = [fake(key, customers=[customer(key, "1", name=key)]) for key in "ab"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { name } } }"
    found = await data(gateway_over(*fakes), query, ids=[gid("Customer", key, "1") for key in "ab"])
    assert found["nodes"] == [{"name": "a"}, {"name": "b"}]


async def test_a_template_and_its_customer_are_loaded_in_bulk() -> None:
    a = page_of_customers(count=10)
    query = "{ templates { nodes { customer { name } emailTemplate { subject } } } }"
    await data(gateway_over(a), query)
    assert sorted(a.behaviour.verbs()) == ["customers.by_key", "templates.page"]
