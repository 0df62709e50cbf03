"""Correspondence and letters as one timeline, over customers, their counterparts and backends."""

import datetime
from typing import Any

import pytest

from adapters.errors import Unavailable
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter

TIMELINE = """
query($customers: [ID!], $counterparts: Boolean! = false, $backends: [String!], $first: Int! = 10, $after: String) {
  documents(
    customers: $customers, withCounterparts: $counterparts, backends: $backends, first: $first, after: $after
  ) {
    totalCount
    nodes { nativeId }
    pageInfo { hasNextPage endCursor }
    problems { code backend }
  }
}"""


def day(number: int) -> datetime.date:
    return datetime.date(2026, 1, number)


def two_systems() -> tuple[Fake, Fake]:
    a = fake(
        "a",
        customers=[customer("a", "1", code="K1")],
        correspondence=[correspondence("a", f"a{n}", "1", date=day(n)) for n in (1, 5)],
        letters=[letter("a", "a3", "1", date=day(3))],
        shares_codes_with=["b"],
    )
    b = fake(
        "b",
        customers=[customer("b", "9", code="K1")],
        letters=[letter("b", f"b{n}", "9", date=day(n)) for n in (2, 4)],
        shares_codes_with=["a"],
    )
    return a, b


def documents(page: Any) -> list[str]:
    return [node["nativeId"] for node in page["documents"]["nodes"]]


async def test_the_timeline_is_all_documents_newest_first() -> None:
    found = await data(gateway_over(*two_systems()), TIMELINE)
    assert (documents(found), found["documents"]["totalCount"]) == (["a5", "b4", "a3", "b2", "a1"], 5)


@pytest.mark.parametrize(
    ("counterparts", "expected"), [(False, ["a5", "a3", "a1"]), (True, ["a5", "b4", "a3", "b2", "a1"])]
)
async def test_a_customers_timeline_holds_its_counterparts_when_asked(counterparts: bool, expected: list[str]) -> None:
    mine = [gid("Customer", "a", "1")]
    found = await data(gateway_over(*two_systems()), TIMELINE, customers=mine, counterparts=counterparts)
    assert documents(found) == expected


async def test_a_timeline_is_narrowed_to_backends() -> None:
    mine = [gid("Customer", "a", "1")]
    found = await data(gateway_over(*two_systems()), TIMELINE, customers=mine, counterparts=True, backends=["b"])
    assert documents(found) == ["b4", "b2"]


async def test_a_counterpart_that_could_not_be_found_comes_on_a_later_page() -> None:
    a, b = two_systems()
    b.behaviour.failures["customers.by_code"] = [Unavailable("Down.", backend="b")]
    gateway = gateway_over(a, b)
    asked: dict[str, Any] = {"customers": [gid("Customer", "a", "1")], "counterparts": True}
    page = await data(gateway, TIMELINE, **asked)
    info = page["documents"]["pageInfo"]
    rest = await data(gateway, TIMELINE, after=info["endCursor"], **asked)
    assert (documents(page), info["hasNextPage"], documents(rest)) == (["a5", "a3", "a1"], True, ["b4", "b2"])
    assert page["documents"]["problems"] == [{"code": "UNAVAILABLE", "backend": "b"}]
    assert (page["documents"]["totalCount"], rest["documents"]["pageInfo"]["hasNextPage"]) == (None, False)


async def test_a_counterpart_lost_on_a_later_page_goes_on_where_it_stood() -> None:
    a, b = two_systems()
    gateway = gateway_over(a, b)
    asked: dict[str, Any] = {"customers": [gid("Customer", "a", "1")], "counterparts": True, "first": 2}
    seen, after = [], None
    for number in range(4):
        b.behaviour.failures["customers.by_code"] = [Unavailable("Down.")] if number == 1 else []
        page = await data(gateway, TIMELINE, after=after, **asked)
        seen += documents(page)
        after = page["documents"]["pageInfo"]["endCursor"]
    assert sorted(seen) == ["a1", "a3", "a5", "b2", "b4"]


async def test_counterparts_without_customers_are_the_callers_mistake() -> None:
    answered = await answer(gateway_over(*two_systems()), TIMELINE, counterparts=True)
    assert (answered.codes(), answered.errors[0]["extensions"]["path"]) == (["INVALID_INPUT"], ["withCounterparts"])
