"""A cursor goes on in the list it was made by, and in no other."""

import datetime
from typing import Any

import pytest

from gateway import lists
from tests.gateway.asking import Clock, answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer, letter

PAGE = """
query($first: Int!, $after: String, $backends: [String!], $filter: CustomerFilter, $orderBy: CustomerOrder) {
  customers(first: $first, after: $after, backends: $backends, filter: $filter, orderBy: $orderBy) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { nativeId } }
    problems { code backend message retryable retryAfter vendorCode }
  }
}"""


def of(backend: str, count: int, **options: Any) -> Fake:
    return fake(backend, customers=[customer(backend, f"{backend}{n}") for n in range(count)], **options)


def ids(page: Any) -> list[str]:
    return [edge["node"]["nativeId"] for edge in page["edges"]]


NAME_ASC = {"field": "NAME"}
A_FILTER = {"name": {"contains": "Company"}}


@pytest.mark.parametrize(
    "other",
    [
        {"filter": A_FILTER},
        {"orderBy": NAME_ASC},
        {"backends": ["a"]},
        {"filter": A_FILTER, "orderBy": NAME_ASC},
    ],
)
async def test_a_cursor_of_another_list_is_refused(other: dict[str, Any]) -> None:
    a, b = of("a", 3), of("b", 3)
    gateway = gateway_over(a, b)
    cursor = (await data(gateway, PAGE, first=1))["customers"]["pageInfo"]["endCursor"]
    a.behaviour.calls.clear()
    answered = await answer(gateway, PAGE, first=1, after=cursor, **other)
    assert (answered.codes(), answered.errors[0]["extensions"]["path"]) == (["INVALID_INPUT"], ["after"])
    assert a.behaviour.calls == []


async def test_a_cursor_of_another_direction_or_of_other_options_is_refused() -> None:
    gateway = gateway_over(of("a", 3))
    cursor = (await data(gateway, PAGE, first=1, orderBy=NAME_ASC))["customers"]["pageInfo"]["endCursor"]
    answered = await answer(gateway, PAGE, first=1, after=cursor, orderBy={"field": "NAME", "direction": "DESC"})
    query = "query($c: String) { customers(after: $c, options: {caseSensitive: false}) { nodes { id } } }"
    plain = (await data(gateway, PAGE, first=1))["customers"]["pageInfo"]["endCursor"]
    codes = answered.codes() + (await answer(gateway, query, c=plain)).codes()
    assert codes == ["INVALID_INPUT", "INVALID_INPUT"]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "bm90aGluZw", "ö", "e30", "eyJkaWdlc3QiOiIxIn0"])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    assert (await answer(gateway_over(of("a", 3)), PAGE, first=1, after=cursor)).codes() == ["INVALID_INPUT"]


async def test_a_cursor_of_one_kind_of_list_is_refused_by_another() -> None:
    gateway = gateway_over(fake("a", letters=[letter("a", n) for n in "12"], correspondence=[]))
    cursor = (await data(gateway, "{ letters(first: 1) { pageInfo { endCursor } } }"))["letters"]["pageInfo"]
    query = "query($c: String) { correspondence(after: $c) { nodes { id } } }"
    assert (await answer(gateway, query, c=cursor["endCursor"])).codes() == ["INVALID_INPUT"]


async def test_a_cursor_of_one_customers_list_is_refused_by_anothers() -> None:
    a = fake("a", customers=[customer("a", n) for n in "12"], letters=[letter("a", n, "1") for n in "345"])
    gateway = gateway_over(a)
    query = """query($id: ID!, $c: String) {
      customer(by: {id: $id}) { letters(first: 1, after: $c) { nodes { nativeId } pageInfo { endCursor } } }
    }"""
    first = (await data(gateway, query, id=gid("Customer", "a", "1")))["customer"]["letters"]
    cursor = first["pageInfo"]["endCursor"]
    second = (await data(gateway, query, id=gid("Customer", "a", "1"), c=cursor))["customer"]["letters"]["nodes"]
    refused = await answer(gateway, query, id=gid("Customer", "a", "2"), c=cursor)
    assert (second, refused.codes()) == ([{"nativeId": "4"}], ["INVALID_INPUT"])


async def test_a_relative_period_is_of_the_same_day_on_every_page() -> None:
    clock = Clock()
    today = clock().date()
    dates = [today, today, today + datetime.timedelta(days=1)]
    gateway = gateway_over(
        fake("a", letters=[letter("a", f"l{n}", "1", date=day) for n, day in enumerate(dates)]), clock=clock
    )
    query = """query($c: String) {
      letters(first: 1, after: $c, filter: {not: {not: {date: {period: TODAY}}}}) {
        nodes { nativeId } pageInfo { endCursor }
      }
    }"""
    first = (await data(gateway, query))["letters"]
    clock.forward(days=1)
    second = (await data(gateway, query, c=first["pageInfo"]["endCursor"]))["letters"]
    clock.forward(days=1)
    third = (await data(gateway, query, c=second["pageInfo"]["endCursor"]))["letters"]
    assert [one["nodes"] for one in (first, second, third)] == [[{"nativeId": "l0"}], [{"nativeId": "l1"}], []]


async def test_a_pages_end_is_told_without_a_cursor_for_each_record(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    encode = lists._encode

    def counted(cursor: Any) -> str:
        made.append(cursor)
        return encode(cursor)

    monkeypatch.setattr(lists, "_encode", counted)
    await data(gateway_over(of("a", 9)), "{ customers(first: 8) { pageInfo { endCursor hasNextPage } } }")
    assert len(made) == 1


async def test_a_cursor_lives_past_midnight() -> None:
    clock = Clock()
    gateway = gateway_over(of("a", 3), clock=clock)
    cursor = (await data(gateway, PAGE, first=1))["customers"]["pageInfo"]["endCursor"]
    clock.forward(days=1)
    assert ids((await data(gateway, PAGE, first=1, after=cursor))["customers"]) == ["a1"]
