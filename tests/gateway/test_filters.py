"""Filter inputs become trees, wrong ones INVALID_INPUT naming what is wrong."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, RelativePeriod
from adapters.model import DocumentState, RecordStatus
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer

DAY, LATER = datetime.date(2026, 1, 31), datetime.date(2026, 2, 28)
STRING = [
    ("eq", Op.EQ),
    ("ne", Op.NE),
    ("lt", Op.LT),
    ("lte", Op.LTE),
    ("gt", Op.GT),
    ("gte", Op.GTE),
    ("contains", Op.CONTAINS),
    ("notContains", Op.NOT_CONTAINS),
    ("startsWith", Op.STARTS_WITH),
    ("notStartsWith", Op.NOT_STARTS_WITH),
    ("endsWith", Op.ENDS_WITH),
    ("notEndsWith", Op.NOT_ENDS_WITH),
]
MANY = [("in", Op.IN), ("notIn", Op.NOT_IN)]
RANGES = [("between", Op.BETWEEN), ("notBetween", Op.NOT_BETWEEN)]
ORDERED = [("eq", Op.EQ), ("ne", Op.NE), ("lt", Op.LT), ("lte", Op.LTE), ("gt", Op.GT), ("gte", Op.GTE)]
NULLS = [(True, Op.IS_NULL), (False, Op.IS_NOT_NULL)]


def strings(list_name: str, name: str, attribute: str) -> list[Any]:
    return [
        *((list_name, {name: {op: "x"}}, Compare(attribute, tree, "x")) for op, tree in STRING),
        *((list_name, {name: {op: ["x", "y"]}}, Compare(attribute, tree, ("x", "y"))) for op, tree in MANY + RANGES),
        *((list_name, {name: {"isNull": null}}, Compare(attribute, tree)) for null, tree in NULLS),
    ]


def dates(list_name: str, name: str, attribute: str) -> list[Any]:
    one, two = DAY.isoformat(), LATER.isoformat()
    return [
        *((list_name, {name: {op: one}}, Compare(attribute, tree, DAY)) for op, tree in ORDERED),
        *((list_name, {name: {op: [one, two]}}, Compare(attribute, tree, (DAY, LATER))) for op, tree in RANGES),
        *((list_name, {name: {"period": p.name}}, Compare(attribute, Op.IN_PERIOD, p)) for p in RelativePeriod),
        *((list_name, {name: {"isNull": null}}, Compare(attribute, tree)) for null, tree in NULLS),
    ]


def decimals(list_name: str, name: str, attribute: str) -> list[Any]:
    one, two = Decimal("1.50"), Decimal(20)
    return [
        *((list_name, {name: {op: "1.50"}}, Compare(attribute, tree, one)) for op, tree in ORDERED),
        *((list_name, {name: {op: ["1.50", "20"]}}, Compare(attribute, tree, (one, two))) for op, tree in RANGES),
        *((list_name, {name: {"isNull": null}}, Compare(attribute, tree)) for null, tree in NULLS),
    ]


A, B = Compare("name", Op.EQ, "a"), Compare("name", Op.EQ, "b")
NAMED_A, NAMED_B = {"name": {"eq": "a"}}, {"name": {"eq": "b"}}
UTC_NOON = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.UTC)
CASES: list[Any] = [
    *strings("customers", "code", "code"),
    *strings("customers", "name", "name"),
    *strings("customers", "externalReference", "external_reference"),
    *decimals("customers", "outstandingBalance", "outstanding_balance"),
    *(("customers", {"status": s.name}, Compare("status", Op.EQ, s)) for s in RecordStatus),
    *strings("documents", "type", "type"),
    *strings("documents", "title", "title"),
    *dates("documents", "date", "date"),
    *(("documents", {"state": s.name}, Compare("state", Op.EQ, s)) for s in DocumentState),
    *(("documents", {"delivered": d}, Compare("delivered", Op.EQ, d)) for d in (True, False)),
    ("documents", {"createdSince": "2026-01-31T12:00:00Z"}, Compare("created_since", Op.GTE, UTC_NOON)),
    ("documents", {"createdSince": "2026-01-31T12:00:00"}, Compare("created_since", Op.GTE, UTC_NOON)),
    ("documents", {"createdSince": "2026-01-31T13:00:00+01:00"}, Compare("created_since", Op.GTE, UTC_NOON)),
    ("documents", {"and": [{"delivered": True}]}, And((And((Compare("delivered", Op.EQ, True),)),))),
    *strings("templates", "customerCode", "customer_code"),
    *strings("templates", "customerName", "customer_name"),
    *strings("templates", "templateName", "template_name"),
    *strings("templates", "templateType", "template_type"),
    *strings("templates", "transactionDefinition", "transaction_definition"),
    ("templates", {"customer": [gid("Customer", "a", "1")]}, Compare("customer_id", Op.IN, ("1",))),
    ("templates", {"customer": [gid("Customer", "elsewhere", "1")]}, Compare("customer_id", Op.IN, ())),
    ("templates", {"customer": ["no id", gid("Letter", "a", "1")]}, Compare("customer_id", Op.IN, ())),
    (
        "templates",
        {"not": {"customer": [gid("Customer", "a", "1")]}},
        Not(And((Compare("customer_id", Op.IN, ("1",)),))),
    ),
    *strings("messages", "code", "code"),
    *strings("messages", "text", "text"),
    *dates("messages", "createdAt", "created_at"),
    *dates("messages", "modifiedAt", "modified_at"),
    *(("messages", {"status": s.name}, Compare("status", Op.EQ, s)) for s in RecordStatus),
    ("customers", {}, And(())),
    ("customers", {"and": []}, And(())),
    ("customers", {"or": []}, Or(())),
    ("customers", {"not": {}}, Not(And(()))),
    ("customers", {"name": {}}, And(())),
    ("customers", {"name": {"in": []}}, Compare("name", Op.IN, ())),
    ("customers", {"name": {"gte": "a", "lt": "b"}}, And((Compare("name", Op.LT, "b"), Compare("name", Op.GTE, "a")))),
    ("customers", {"or": [NAMED_A, NAMED_B]}, Or((And((A,)), And((B,))))),
    ("customers", {"or": [{"not": NAMED_A}, {}]}, Or((And((Not(And((A,))),)), And(())))),
    ("customers", {"and": [NAMED_A, {"or": [NAMED_B]}]}, And((And((A,)), And((Or((And((B,)),)),))))),
]
TYPES = {"customers": "Customer", "documents": "Document", "templates": "Template", "messages": "Message"}


def everything() -> Fake:
    return fake("a", customers=[], letters=[], templates=[], messages=[])


def query(name: str) -> str:
    return f"query($filter: {TYPES[name]}Filter) {{ {name}(filter: $filter) {{ nodes {{ id }} }} }}"


@pytest.mark.parametrize(("name", "given", "tree"), CASES)
async def test_an_input_is_this_tree(name: str, given: dict[str, Any], tree: Filter) -> None:
    a = everything()
    await data(gateway_over(a), query(name), filter=given)
    assert a.behaviour.calls[0].request.filter == tree


async def test_no_filter_is_no_tree() -> None:
    a = everything()
    await data(gateway_over(a), query("customers"), filter=None)
    assert a.behaviour.calls[0].request.filter is None


WRONG = [
    ("customers", {"name": None}, "name"),
    ("customers", {"name": {"eq": None}}, "name"),
    ("customers", {"name": {"in": None}}, "name"),
    ("customers", {"name": {"isNull": None}}, "name"),
    ("customers", {"status": None}, "status"),
    ("customers", {"outstandingBalance": {"gte": None}}, "outstandingBalance"),
    ("customers", {"and": None}, "and"),
    ("customers", {"or": None}, "or"),
    ("customers", {"not": None}, "not"),
    ("customers", {"not": {"externalReference": None}}, "externalReference"),
    ("customers", {"name": {"between": ["a"]}}, "name"),
    ("customers", {"name": {"notBetween": ["a", "b", "c"]}}, "name"),
    ("customers", {"outstandingBalance": {"between": []}}, "outstandingBalance"),
    ("documents", {"date": {"between": ["2026-01-01"]}}, "date"),
    ("documents", {"date": {"period": None}}, "date"),
    ("documents", {"delivered": None}, "delivered"),
    ("documents", {"or": [{"delivered": True}]}, "delivered"),
    ("documents", {"not": {"delivered": True}}, "delivered"),
    ("documents", {"and": [{"or": [{"delivered": False}]}]}, "delivered"),
    ("documents", {"or": [{"and": [{"createdSince": "2026-01-01T00:00:00Z"}]}]}, "createdSince"),
    ("documents", {"not": {"not": {"createdSince": "2026-01-01T00:00:00Z"}}}, "createdSince"),
    ("templates", {"customer": None}, "customer"),
    ("messages", {"createdAt": {"eq": None}}, "createdAt"),
]


@pytest.mark.parametrize(("name", "given", "at_fault"), WRONG)
async def test_a_wrong_input_is_refused_by_name_and_makes_no_call(name: str, given: Any, at_fault: str) -> None:
    a = everything()
    answered = await answer(gateway_over(a), query(name), filter=given)
    extensions = answered.errors[0]["extensions"]
    assert (extensions["code"], extensions["path"], a.behaviour.calls) == ("INVALID_INPUT", ["filter", at_fault], [])


SIZES = [
    ("customers", lambda n: {"name": {"in": ["x"] * n}}),
    ("customers", lambda n: {"or": [{"code": {"eq": "x"}}] * n}),
    ("customers", lambda n: {"and": [{}] * n}),
    ("customers", lambda n: {"or": [{"and": [{"name": {"in": ["x"] * (n // 5)}}] * 5}]}),
    ("documents", lambda n: {"not": {"or": [{"title": {"ne": "x"}}] * n}}),
]


@pytest.mark.parametrize(("name", "filter_of"), SIZES)
async def test_a_filter_of_more_than_can_be_compared_in_a_second_is_refused(name: str, filter_of: Any) -> None:
    a = everything()
    gateway = gateway_over(a)
    answered = await answer(gateway, query(name), filter=filter_of(505))
    (error,) = answered.errors
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", ["filter"])
    assert error["message"] == "A filter has at most 500 values and conditions; this one has 505."
    assert a.behaviour.calls == []
    await data(gateway, query(name), filter=filter_of(500))
    assert len(a.behaviour.calls) > 0


async def test_a_filter_by_customers_means_each_backends_own_customers_to_it() -> None:
    a, b = fake("a", templates=[]), fake("b", templates=[])
    given = {"customer": [gid("Customer", "a", "1"), gid("Customer", "b", "2"), gid("Customer", "b", "3")]}
    await data(gateway_over(a, b), query("templates"), filter=given)
    told = [one.behaviour.calls[0].request.filter for one in (a, b)]
    assert told == [Compare("customer_id", Op.IN, ("1",)), Compare("customer_id", Op.IN, ("2", "3"))]


OPTIONS = """
query($options: FilterOptions, $filter: CustomerFilter) {
  customers(filter: $filter, options: $options) { nodes { name } }
}"""


async def test_options_reach_the_adapter() -> None:
    a = everything()
    given = {"asOf": "2026-02-28", "caseSensitive": False, "includePrivate": True, "includeHierarchy": True}
    await data(gateway_over(a), OPTIONS, options=given)
    expected = FilterOptions(
        today=datetime.date(2026, 6, 30),
        as_of=LATER,
        case_sensitive=False,
        include_private=True,
        include_hierarchy=True,
    )
    assert a.behaviour.calls[0].request.options == expected


@pytest.mark.parametrize(("sensitive", "found"), [(True, ["Strasse"]), (False, ["Straße", "STRASSE", "Strasse"])])
async def test_case_counts_unless_told_otherwise(sensitive: bool, found: list[str]) -> None:
    names = ["Straße", "STRASSE", "Strasse", "Weg"]
    a = fake("a", customers=[customer("a", str(place), name=name) for place, name in enumerate(names)])
    options, filter_ = {"caseSensitive": sensitive}, {"name": {"eq": "Strasse"}}
    answered = await data(gateway_over(a), OPTIONS, options=options, filter=filter_)
    assert answered["customers"]["nodes"] == [{"name": name} for name in found]


async def test_a_null_that_only_execution_finds_is_the_callers_mistake() -> None:
    a = everything()
    text = "query($c: Boolean) { customers(options: {caseSensitive: $c}) { nodes { id } } }"
    assert (await answer(gateway_over(a), text, c=None)).codes() == ["INVALID_INPUT"]
