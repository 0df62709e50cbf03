"""Statements to a whole backend leave archived customers out, and say of each that they did."""

from typing import Any

import pytest

from adapters.model import RecordStatus
from tests.gateway.asking import data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer
from tests.gateway.sending import STATEMENTS, sent

PLAN = """mutation($input: EmailStatementsInput!) { sent: emailStatements(input: $input) {
  plan { callCount itemCount items(first: 10) { targetId target { id } } warnings { code message backend } }
} }"""
REASON = (
    "Not sent: this customer is INACTIVE (archived or dropped) at the vendor. Name it in `customers`, or let `filter` "
    "speak of `status`, to send it a statement."
)
STATUSES = (RecordStatus.ACTIVE, RecordStatus.INACTIVE, RecordStatus.UNKNOWN, RecordStatus.INACTIVE)


def backend() -> Fake:
    return fake("a", customers=[customer("a", str(n), status=s) for n, s in enumerate(STATUSES)], writes=True, batch=9)


def states(payload: Any) -> list[str]:
    return [node["state"] for node in payload["dispatch"]["items"]["nodes"]]


@pytest.mark.parametrize("members", [{}, {"filter": {}}, {"filter": {"name": {"startsWith": "Company"}}}])
async def test_inactive_customers_are_skipped_each_with_the_reason(members: dict[str, Any]) -> None:
    a = backend()
    payload = await sent(gateway_over(a), STATEMENTS, backend="a", **members)

    assert (states(payload), a.behaviour.performed) == (["ACCEPTED", "SKIPPED", "ACCEPTED", "SKIPPED"], [("0", "2")])
    problems = [node["problem"] for node in payload["dispatch"]["items"]["nodes"] if node["state"] == "SKIPPED"]
    assert problems == [{"code": "INACTIVE", "message": REASON, "retryable": False, "backend": "a"}] * 2


SPEAKING: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"status": "INACTIVE"}, ("1", "3")),
    ({"or": [{"status": "ACTIVE"}, {"status": "INACTIVE"}]}, ("0", "1", "3")),
    ({"or": [{"status": "INACTIVE"}, {"name": {"eq": "Company 0"}}]}, ("0", "1", "3")),
    ({"status": "ACTIVE"}, ("0",)),
]


@pytest.mark.parametrize(("given", "expected"), SPEAKING)
async def test_a_filter_that_speaks_of_the_status_is_taken_at_its_word(
    given: dict[str, Any], expected: tuple[str, ...]
) -> None:
    a = backend()
    payload = await sent(gateway_over(a), STATEMENTS, backend="a", filter=given)

    assert (set(states(payload)), a.behaviour.performed) == ({"ACCEPTED"}, [expected])


async def test_an_inactive_customer_that_is_named_gets_its_statement() -> None:
    a = backend()
    payload = await sent(gateway_over(a), STATEMENTS, customers=[gid("Customer", "a", "1")])

    assert (states(payload), a.behaviour.performed) == (["ACCEPTED"], [("1",)])


async def test_a_dry_run_plans_without_them_and_warns_of_how_many_they_are() -> None:
    plan = (await data(gateway_over(backend()), PLAN, input={"backend": "a", "dryRun": True}))["sent"]["plan"]

    assert plan["warnings"] == [{"code": "INACTIVE", "message": f"2 of 4: {REASON}", "backend": "a"}]
    assert (plan["callCount"], plan["itemCount"]) == (1, 2)
    assert plan["items"] == [
        {"targetId": one, "target": {"id": one}} for one in (gid("Customer", "a", n) for n in "02")
    ]


async def test_a_skipped_customer_may_be_sent_its_statement_the_same_day() -> None:
    a = backend()
    gateway = gateway_over(a)
    await sent(gateway, STATEMENTS, backend="a")
    payload = await sent(gateway, STATEMENTS, customers=[gid("Customer", "a", "1")])

    assert states(payload) == ["ACCEPTED"]
