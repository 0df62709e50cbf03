"""Walked page by page, a list over several backends shows each of its records once, whatever fails on the way."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Unavailable
from gateway.app import Gateway
from tests.gateway.asking import answer, gateway_over
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer

PAGE = """
query($first: Int!, $after: String, $filter: CustomerFilter, $orderBy: CustomerOrder) {
  customers(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { cursor node { backend { key } nativeId name } }
    problems { code backend }
  }
}"""
NAMES = st.none() | st.sampled_from(["ant", "bee", "cat", "dog", "eel"])
ORDERS = st.none() | st.fixed_dictionaries(
    {"field": st.sampled_from(["NAME", "CODE"]), "direction": st.sampled_from(["ASC", "DESC"])}
)
FILTERS = st.none() | st.sampled_from(
    [
        {"name": {"in": ["ant", "dog"]}},
        {"not": {"name": {"lt": "cat"}}},
        {"or": [{"name": {"isNull": True}}, {"name": {"contains": "e"}}]},
    ]
)
PROPERTY = settings(max_examples=30, deadline=None)


@st.composite
def backends(draw: st.DrawFn) -> list[Fake]:
    fakes = []
    for key in draw(st.sampled_from(["a", "ab", "abc"])):
        names = draw(st.lists(NAMES, max_size=9))
        fakes.append(
            fake(
                key,
                customers=[customer(key, f"{key}{n}", name=name) for n, name in enumerate(names)],
                paging=draw(st.sampled_from(["number", "offset", "keyset"])),
                page_size=draw(st.integers(2, 6)),
                scan_budget=draw(st.integers(2, 12)),
            )
        )
    return fakes


def passes(given_filter: Any, name: str | None) -> bool:
    if given_filter is None:
        return True
    if "name" in given_filter:
        return name in ("ant", "dog")
    if "not" in given_filter:
        return name is not None and not name < "cat"
    return name is None or "e" in name


def expected(fakes: list[Fake], given_filter: Any) -> set[tuple[str, str]]:
    return {
        (one.backend.key, record.native_id)
        for one in fakes
        for record in one.shelves["customers"].records
        if passes(given_filter, record.name)
    }


def identity(edge: Any) -> tuple[str, str]:
    return edge["node"]["backend"]["key"], edge["node"]["nativeId"]


async def page_of(gateway: Gateway, asked: dict[str, Any], first: int, after: str | None) -> Any:
    answered = await answer(gateway, PAGE, first=first, after=after, **asked)
    assert answered.errors == []
    return answered.data["customers"]


async def walk(gateway: Gateway, asked: dict[str, Any], first: int, after: str | None = None) -> list[Any]:
    """All pages; a walk that does not end fails."""
    pages = []
    for _ in range(200):
        pages.append(await page_of(gateway, asked, first, after))
        after = pages[-1]["pageInfo"]["endCursor"]
        if not pages[-1]["pageInfo"]["hasNextPage"]:
            return pages
    raise AssertionError("the walk goes on for ever")


def edges(pages: list[Any]) -> list[Any]:
    return [edge for page in pages for edge in page["edges"]]


@PROPERTY
@given(backends(), FILTERS, ORDERS, st.integers(1, 5))
async def test_every_record_is_visited_exactly_once(
    fakes: list[Fake], given_filter: Any, order: Any, first: int
) -> None:
    asked = {"filter": given_filter, "orderBy": order}
    pages = await walk(gateway_over(*fakes), asked, first)
    found = list(map(identity, edges(pages)))
    assert (len(found), set(found)) == (len(set(found)), expected(fakes, given_filter))
    assert all(len(page["edges"]) <= first for page in pages)
    assert {problem["code"] for page in pages for problem in page["problems"]} <= {"SCAN_LIMIT"}


@PROPERTY
@given(backends(), FILTERS, ORDERS, st.integers(1, 5), st.data())
async def test_a_backend_that_fails_now_and_then_loses_nothing(
    fakes: list[Fake], given_filter: Any, order: Any, first: int, draw: st.DataObject
) -> None:
    plans = st.lists(st.booleans(), max_size=6)
    for one in fakes:
        failing = draw.draw(plans)
        one.behaviour.failures["customers.page"] = [Unavailable("Down.") if fails else None for fails in failing]
    asked = {"filter": given_filter, "orderBy": order}
    pages = await walk(gateway_over(*fakes), asked, first)
    found = list(map(identity, edges(pages)))
    assert (len(found), set(found)) == (len(set(found)), expected(fakes, given_filter))
    for page in pages:
        failed = [problem for problem in page["problems"] if problem["code"] == "UNAVAILABLE"]
        assert page["pageInfo"]["hasNextPage"] or not failed


@PROPERTY
@given(backends(), FILTERS, ORDERS, st.integers(1, 5), st.data())
async def test_every_edges_cursor_goes_on_right_after_it(
    fakes: list[Fake], given_filter: Any, order: Any, first: int, draw: st.DataObject
) -> None:
    gateway = gateway_over(*fakes)
    asked = {"filter": given_filter, "orderBy": order}
    pages = await walk(gateway, asked, first)
    if not edges(pages):
        return
    page = draw.draw(st.sampled_from([page for page in pages if page["edges"]]))
    edge = draw.draw(st.sampled_from(page["edges"]))
    before = {identity(one) for one in edges(pages[: pages.index(page)])}
    before |= {identity(one) for one in page["edges"][: page["edges"].index(edge) + 1]}
    rest = list(map(identity, edges(await walk(gateway, asked, first, edge["cursor"]))))
    assert (len(rest), set(rest)) == (len(set(rest)), expected(fakes, given_filter) - before)


def rank(edge: Any, order: Any) -> str | None:
    name: str | None = edge["node"]["name"] if order["field"] == "NAME" else f"C-{edge['node']['nativeId']}"
    return name


@PROPERTY
@given(backends(), FILTERS, ORDERS.filter(bool), st.integers(1, 5))
async def test_the_whole_walk_is_in_order_while_nothing_fails(
    fakes: list[Fake], given_filter: Any, order: Any, first: int
) -> None:
    pages = await walk(gateway_over(*fakes), {"filter": given_filter, "orderBy": order}, first)
    ranks = [rank(edge, order) for edge in edges(pages)]
    known = [one for one in ranks if one is not None]
    assert known == sorted(known, reverse=order["direction"] == "DESC")
    assert ranks == known + [None] * (len(ranks) - len(known))


@PROPERTY
@given(backends(), st.integers(1, 5))
async def test_without_an_order_records_stand_as_configured(fakes: list[Fake], first: int) -> None:
    pages = await walk(gateway_over(*fakes), {}, first)
    as_configured = [
        (one.backend.key, record.native_id) for one in fakes for record in one.shelves["customers"].records
    ]
    if not any(page["problems"] for page in pages):
        assert list(map(identity, edges(pages))) == as_configured


@PROPERTY
@given(backends(), ORDERS, st.integers(1, 5))
async def test_the_total_is_right_on_every_page(fakes: list[Fake], order: Any, first: int) -> None:
    pages = await walk(gateway_over(*fakes), {"orderBy": order}, first)
    assert {page["totalCount"] for page in pages} == {len(expected(fakes, None))}
