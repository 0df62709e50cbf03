"""Connections over several backends: every record once, in order, with cursors that go on from anywhere."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.errors import BadCredentials, RateLimited, Unavailable
from adapters.model import TransactionDefinition
from gateway import lists
from tests.gateway.asking import answer, data, gateway_over
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer, message, template
from tests.patience import PATIENCE

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


async def test_without_an_order_backends_follow_one_another_as_configured() -> None:
    gateway = gateway_over(of("b", 2), of("a", 2))
    page = (await data(gateway, PAGE, first=10))["customers"]
    assert ids(page) == ["b0", "b1", "a0", "a1"]


async def test_a_whole_list_has_no_next_page_and_is_counted() -> None:
    page = (await data(gateway_over(of("a", 2), of("b", 3)), PAGE, first=10))["customers"]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"], page["totalCount"]) == (
        False,
        False,
        5,
    )


async def test_the_total_stays_the_same_on_every_page() -> None:
    gateway = gateway_over(of("a", 1), of("b", 3))
    totals, after = [], None
    for _ in range(4):
        page = (await data(gateway, PAGE, first=1, after=after))["customers"]
        totals.append(page["totalCount"])
        after = page["pageInfo"]["endCursor"]
    assert totals == [4, 4, 4, 4]


async def test_the_total_is_unknown_where_a_backend_does_not_say() -> None:
    page = (await data(gateway_over(of("a", 1), of("b", 1, tells_total=False)), PAGE, first=5))["customers"]
    assert page["totalCount"] is None


async def test_the_total_is_unknown_while_a_backend_fails() -> None:
    a, b = of("a", 1), of("b", 1)
    b.behaviour.lasting["customers.page"] = Unavailable("Down.")
    page = (await data(gateway_over(a, b), PAGE, first=5))["customers"]
    assert page["totalCount"] is None


async def test_totals_and_cursors_cost_nothing_unless_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Any] = []
    monkeypatch.setattr(lists, "_encode", encoded.append)
    a = of("a", 3)
    gateway = gateway_over(a)
    await data(gateway, "{ customers(first: 1) { nodes { name } edges { node { name } } pageInfo { hasNextPage } } }")
    assert (encoded, a.behaviour.calls[0].request.count) == ([], False)


async def test_a_failing_backend_is_a_problem_and_keeps_the_next_page() -> None:
    a, b = of("a", 2), of("b", 2)
    a.behaviour.lasting["customers.page"] = RateLimited("Slow down.", retry_after=7, vendor_code="42")
    page = (await data(gateway_over(a, b), PAGE, first=10))["customers"]
    problem = {"code": "RATE_LIMITED", "backend": "a", "message": "Slow down.", "retryable": True, "retryAfter": 7}
    assert (ids(page), page["problems"], page["pageInfo"]["hasNextPage"]) == (
        ["b0", "b1"],
        [{**problem, "vendorCode": "42"}],
        True,
    )


async def test_what_failed_comes_on_the_next_page() -> None:
    a, b = of("a", 2), of("b", 2)
    a.behaviour.failures["customers.page"] = [Unavailable("Down.")]
    gateway = gateway_over(a, b)
    page = (await data(gateway, PAGE, first=10))["customers"]
    rest = (await data(gateway, PAGE, first=10, after=page["pageInfo"]["endCursor"]))["customers"]
    assert (ids(page), ids(rest), rest["pageInfo"]["hasNextPage"]) == (["b0", "b1"], ["a0", "a1"], False)


async def test_a_page_without_records_has_a_cursor_to_go_on_from() -> None:
    a = of("a", 2)
    a.behaviour.failures["customers.page"] = [BadCredentials("No.")]
    gateway = gateway_over(a)
    page = (await data(gateway, PAGE, first=10))["customers"]
    rest = (await data(gateway, PAGE, first=10, after=page["pageInfo"]["endCursor"]))["customers"]
    assert (ids(page), page["pageInfo"]["hasNextPage"], ids(rest)) == ([], True, ["a0", "a1"])


async def test_a_backend_that_was_named_and_has_no_such_list_is_a_problem() -> None:
    gateway = gateway_over(of("a", 1), fake("b", letters=[]))
    page = (await data(gateway, PAGE, first=10, backends=["a", "b"]))["customers"]
    assert [(one["code"], one["backend"]) for one in page["problems"]] == [("UNSUPPORTED", "b")]
    assert (ids(page), page["pageInfo"]["hasNextPage"]) == (["a0"], False)


async def test_a_backend_that_was_not_named_and_has_no_such_list_is_left_out() -> None:
    page = (await data(gateway_over(of("a", 1), fake("b", letters=[])), PAGE, first=10))["customers"]
    assert (ids(page), page["problems"]) == (["a0"], [])


async def test_backends_narrow_a_list_and_nobody_else_is_asked() -> None:
    a, b = of("a", 1), of("b", 1)
    page = (await data(gateway_over(a, b), PAGE, first=10, backends=["b", "b"]))["customers"]
    assert (ids(page), a.behaviour.calls) == (["b0"], [])


async def test_an_unknown_backend_is_the_callers_mistake() -> None:
    answered = await answer(gateway_over(of("a", 1)), PAGE, first=10, backends=["nowhere"])
    assert (answered.codes(), answered.errors[0]["extensions"]["path"]) == (["INVALID_INPUT"], ["backends"])


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_the_size_of_a_page_has_bounds(first: int) -> None:
    a = of("a", 1)
    answered = await answer(gateway_over(a), PAGE, first=first)
    assert (answered.codes(), a.behaviour.calls) == (["INVALID_INPUT"], [])


async def test_all_backends_are_asked_before_any_has_answered() -> None:
    fakes = [of(key, 1) for key in "abc"]
    gates = [one.behaviour.hold("customers.page") for one in fakes]
    asked = asyncio.create_task(data(gateway_over(*fakes), PAGE, first=10))
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(gate.begun.wait() for gate in gates))
        assert not asked.done()
        for gate in gates:
            gate.release.set()
        assert ids((await asked)["customers"]) == ["a0", "b0", "c0"]


async def test_messages_come_from_all_backends_that_have_them() -> None:
    gateway = gateway_over(fake("a", messages=[message("a", "x")]), fake("b", messages=[message("b", "y")]))
    found = await data(gateway, "{ messages { nodes { nativeId backend { key } } } }")
    assert found["messages"]["nodes"] == [
        {"nativeId": "x", "backend": {"key": "a"}},
        {"nativeId": "y", "backend": {"key": "b"}},
    ]


# ── Orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def named(backend: str, names: Sequence[str | None], **options: Any) -> Fake:
    records = [customer(backend, f"{backend}{place}", name=name) for place, name in enumerate(names)]
    return fake(backend, customers=records, **options)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("ASC", ["a1", "b0", "a0", "b2", "a2", "b1"]), ("DESC", ["b2", "a0", "b0", "a1", "a2", "b1"])],
)
async def test_with_an_order_backends_are_merged_nulls_last(direction: str, expected: list[str]) -> None:
    gateway = gateway_over(named("a", ["c", "a", None]), named("b", ["b", None, "d"]))
    page = (await data(gateway, PAGE, first=10, orderBy={"field": "NAME", "direction": direction}))["customers"]
    assert ids(page) == expected


async def test_what_a_list_is_ordered_by_is_wanted_though_nobody_selected_it() -> None:
    amounts: dict[str, list[int | None]] = {"a": [3, 1], "b": [2, None]}
    fakes = [
        fake(
            key,
            customers=[customer(key, f"{key}{place}", outstanding_balance=one) for place, one in enumerate(owed)],
            carried=frozenset({"outstanding_balance"}),
        )
        for key, owed in amounts.items()
    ]
    page = (await data(gateway_over(*fakes), PAGE, first=10, orderBy={"field": "OUTSTANDING_BALANCE"}))["customers"]
    assert ids(page) == ["a1", "b0", "a0", "b1"]
    assert "outstanding_balance" in fakes[0].behaviour.calls[0].wanted


async def test_a_merge_goes_no_further_than_the_least_that_was_read() -> None:
    # b answers 2 rows at a time past its budget: what comes after its second may lie before a's third.
    gateway = gateway_over(
        named("a", ["a", "d", "e"]),
        named("b", ["x0", "b", "c"], paging="keyset", scan_budget=2),
    )
    given: dict[str, Any] = {"filter": {"name": {"notStartsWith": "x"}}, "orderBy": {"field": "NAME"}}
    page = (await data(gateway, PAGE, first=10, **given))["customers"]
    rest = (await data(gateway, PAGE, first=10, after=page["pageInfo"]["endCursor"], **given))["customers"]
    assert (ids(page), ids(rest)) == (["a0", "b1", "b2"], ["a1", "a2"])


async def test_a_merge_waits_for_a_list_that_has_shown_nothing_yet() -> None:
    # b's first two rows are filtered out here, and its budget ends before the third.
    gateway = gateway_over(named("a", ["d"]), named("b", ["aa", "ab", "c"], paging="keyset", scan_budget=2))
    given: dict[str, Any] = {"filter": {"name": {"notStartsWith": "a"}}, "orderBy": {"field": "NAME"}}
    page = (await data(gateway, PAGE, first=10, **given))["customers"]
    rest = (await data(gateway, PAGE, first=10, after=page["pageInfo"]["endCursor"], **given))["customers"]
    assert (ids(page), ids(rest)) == ([], ["b2", "a0"])


TEMPLATES = """
query($by: TemplateOrderField!, $backends: [String!]) {
  templates(orderBy: {field: $by}, backends: $backends) { nodes { nativeId } }
}"""


def kinds(backend: str, *names: str) -> Fake:
    records = [
        template(backend, f"{backend}{n}", n, transaction_definition=TransactionDefinition(native_id=n, name=n))
        for n in names
    ]
    return fake(backend, templates=records)


@pytest.mark.parametrize("by", ["CUSTOMER_CODE", "TEMPLATE_NAME", "TRANSACTION_DEFINITION"])
async def test_templates_of_one_backend_come_in_any_of_their_orders(by: str) -> None:
    found = await data(gateway_over(kinds("a", "2", "1")), TEMPLATES, by=by)
    expected = ["a2", "a1"] if by == "TEMPLATE_NAME" else ["a1", "a2"]
    assert [one["nativeId"] for one in found["templates"]["nodes"]] == expected


async def test_templates_of_several_backends_are_merged_by_what_they_show() -> None:
    gateway = gateway_over(kinds("a", "3", "1"), kinds("b", "2"))
    found = await data(gateway, TEMPLATES, by="TRANSACTION_DEFINITION")
    assert [one["nativeId"] for one in found["templates"]["nodes"]] == ["a1", "b2", "a3"]


async def test_an_order_that_only_the_vendors_know_is_unsupported_over_several() -> None:
    a = kinds("a", "3", "1")
    answered = await answer(gateway_over(a, kinds("b", "2")), TEMPLATES, by="CUSTOMER_CODE")
    assert (answered.codes(), a.behaviour.calls) == (["UNSUPPORTED"], [])
