"""The rules of sending, through the schema: keys, what was sent before, plans, runs over many documents."""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from adapters.contract import Outcome, OutcomeState
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.timing import USUAL
from tests.gateway.asking import Clock, data, gateway_over, gid
from tests.gateway.sending import DELIVER, DISPATCH, EMAIL, LETTER, STATEMENTS, sender, sent
from tests.patience import PATIENCE

EMAILS = f"mutation($input: EmailDocumentsInput!) {{ sent: emailDocuments(input: $input) {{ {DISPATCH} }} }}"
DELIVERS = f"mutation($input: DeliverDocumentsInput!) {{ sent: deliverDocuments(input: $input) {{ {DISPATCH} }} }}"
POSTS = f"mutation($input: PostDocumentsInput!) {{ sent: postDocuments(input: $input) {{ {DISPATCH} }} }}"
CUSTOMERS = [gid("Customer", "a", n) for n in "012"]
PLAN = """mutation($input: EmailStatementsInput!) { sent: emailStatements(input: $input) {
  dispatch { id } problems { code }
  plan { callCount items { recipients chosenByVendor target { id } } requests { method url } warnings { code } }
} }"""


def codes(payload: Any) -> list[str]:
    return [problem["code"] for problem in payload["problems"]]


async def test_the_same_key_and_input_answer_the_stored_dispatch_without_a_call() -> None:
    a = sender()
    gateway = gateway_over(a)
    first = await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
    second = await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")

    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["dispatch"] == first["dispatch"]
    assert len(a.behaviour.of("perform")) == 1


@pytest.mark.parametrize("resend", [True, False])
async def test_the_vendor_is_reached_when_a_claim_is_made_and_let_go_after_the_send(resend: bool) -> None:
    a = sender()
    seen: list[tuple[str, int]] = []

    @contextlib.contextmanager
    def ahead() -> Iterator[Callable[[], None]]:
        try:
            yield lambda: seen.append(("reached", len(a.behaviour.of("perform"))))
        finally:
            seen.append(("let go", len(a.behaviour.of("perform"))))

    a.backend = replace(a.backend, ahead=ahead)
    gateway = gateway_over(a)
    await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
    await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
    await sent(gateway, EMAIL, document=LETTER, resend=resend)
    again = [("reached", 1), ("let go", 2)] if resend else [("let go", 1)]
    assert seen == [("reached", 0), ("let go", 1), *again]


async def test_a_key_with_another_input_is_a_conflict_and_nothing_is_sent() -> None:
    a = sender()
    gateway = gateway_over(a)
    await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
    other = await sent(gateway, EMAIL, document=LETTER, subject="other", idempotencyKey="k")

    assert (codes(other), other["dispatch"]) == (["IDEMPOTENCY_CONFLICT"], None)
    assert len(a.behaviour.of("perform")) == 1


async def test_a_key_belongs_to_its_mutation() -> None:
    a = sender()
    gateway = gateway_over(a)
    await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
    delivered = await sent(gateway, DELIVER, document=LETTER, idempotencyKey="k")

    assert (delivered["replayed"], delivered["dispatch"]["state"]) == (False, "SUCCEEDED")


async def test_the_same_key_while_the_first_is_running_answers_it_running() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    first = asyncio.create_task(sent(gateway, EMAIL, document=LETTER, idempotencyKey="k"))
    async with asyncio.timeout(PATIENCE):
        await gate.begun.wait()
        second = await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")
        gate.release.set()
        await first

    assert (second["replayed"], second["dispatch"]["state"]) == (True, "RUNNING")
    assert len(a.behaviour.of("perform")) == 1


async def test_a_request_refused_before_the_ledger_frees_its_key() -> None:
    a = sender()
    gateway = gateway_over(a)
    refused = await sent(gateway, EMAIL, document="nonsense", idempotencyKey="k")
    taken = await sent(gateway, EMAIL, document=LETTER, idempotencyKey="k")

    assert (codes(refused), taken["replayed"], taken["dispatch"]["state"]) == (["NOT_FOUND"], False, "SUCCEEDED")


@pytest.mark.parametrize("outcome", [OutcomeState.DONE, OutcomeState.UNKNOWN])
async def test_what_was_or_may_have_been_sent_is_not_sent_again(outcome: OutcomeState) -> None:
    a = sender()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=outcome)])
    await sent(gateway, EMAIL, document=LETTER)
    again = await sent(gateway, EMAIL, document=LETTER)

    assert (codes(again), again["dispatch"], len(a.behaviour.of("perform"))) == (["ALREADY_SENT"], None, 1)


async def test_what_was_proved_not_sent_may_be_sent_again() -> None:
    a = sender()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE)])
    await sent(gateway, EMAIL, document=LETTER)
    again = await sent(gateway, EMAIL, document=LETTER)

    assert (again["dispatch"]["state"], len(a.behaviour.of("perform"))) == ("SUCCEEDED", 2)


async def test_resend_sends_it_again() -> None:
    a = sender()
    gateway = gateway_over(a)
    await sent(gateway, EMAIL, document=LETTER)
    again = await sent(gateway, EMAIL, document=LETTER, resend=True)

    assert (again["dispatch"]["state"], len(a.behaviour.of("perform"))) == ("SUCCEEDED", 2)


async def test_another_recipient_is_another_sending_and_the_case_of_a_domain_is_not() -> None:
    a = sender()
    gateway = gateway_over(a)
    await sent(gateway, EMAIL, document=LETTER, recipients=[{"email": "a@b.example"}])
    same = await sent(gateway, EMAIL, document=LETTER, recipients=[{"email": " a@B.Example"}])
    other = await sent(gateway, EMAIL, document=LETTER, recipients=[{"email": "c@b.example"}])

    assert (codes(same), other["dispatch"]["state"]) == (["ALREADY_SENT"], "SUCCEEDED")


async def test_two_identical_sends_at_once_send_once() -> None:
    a = sender()
    gateway = gateway_over(a)
    payloads = await asyncio.gather(*(sent(gateway, EMAIL, document=LETTER) for _ in range(5)))

    assert sorted(tuple(codes(payload)) for payload in payloads) == [(), *[("ALREADY_SENT",)] * 4]
    assert len(a.behaviour.of("perform")) == 1


async def test_a_single_send_is_claimed_for_its_wait_and_for_its_call() -> None:
    a = sender()
    gateway = gateway_over(a)
    ledger = gateway.sending.ledger
    with mock.patch.object(ledger, "begin", wraps=ledger.begin) as begun:
        await sent(gateway, EMAIL, document=LETTER)
    ((request, *_), _) = begun.await_args_list[0]
    claim = request.claim
    assert claim.until - claim.at == timedelta(seconds=2 * a.backend.timeout) + USUAL.lease_margin


async def test_a_refusal_that_nobody_waits_for_any_more_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_over(sender())
    begun, let = asyncio.Event(), asyncio.Event()
    faults: list[Any] = []

    async def away(*_: Any) -> None:
        begun.set()
        await let.wait()
        raise LedgerUnavailableError("away")

    monkeypatch.setattr(gateway.sending.ledger, "begin", away)
    asyncio.get_running_loop().set_exception_handler(lambda _, told: faults.append(told))
    asked = asyncio.create_task(sent(gateway, EMAIL, document=LETTER))
    await begun.wait()
    asked.cancel()
    await asyncio.wait((asked,))
    let.set()
    await gateway.sending.drain()
    del asked
    gc.collect()
    assert faults == []


async def test_a_run_skips_what_was_sent_before_and_says_so() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    await sent(gateway, STATEMENTS, customers=CUSTOMERS[:1])
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)

    counts = run["dispatch"]["counts"]
    skipped = [item for item in run["dispatch"]["items"]["nodes"] if item["state"] == "SKIPPED"]
    assert (counts["accepted"], counts["skipped"]) == (2, 1)
    assert [(item["target"]["id"], item["problem"]["code"]) for item in skipped] == [(CUSTOMERS[0], "ALREADY_SENT")]


async def test_statements_of_another_period_or_day_are_another_sending() -> None:
    a = sender(batch=9)
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    period = {"from": "2026-01-01", "to": "2026-03-31"}
    states = []
    for members in ({}, period, period):
        run = await sent(gateway, STATEMENTS, customers=CUSTOMERS[:1], **members)
        states.append(run["dispatch"]["items"]["nodes"][0]["state"])
    clock.forward(days=1)
    for members in ({}, period):
        run = await sent(gateway, STATEMENTS, customers=CUSTOMERS[:1], **members)
        states.append(run["dispatch"]["items"]["nodes"][0]["state"])

    assert states == ["ACCEPTED", "ACCEPTED", "SKIPPED", "ACCEPTED", "SKIPPED"]


async def test_a_dry_run_shows_the_requests_and_sends_and_writes_nothing() -> None:
    a = sender(batch=2)
    gateway = gateway_over(a)
    plan = (await data(gateway, PLAN, input={"customers": CUSTOMERS, "dryRun": True}))["sent"]

    assert (plan["dispatch"], plan["plan"]["callCount"], len(plan["plan"]["requests"])) == (None, 2, 2)
    assert [item["target"]["id"] for item in plan["plan"]["items"]] == CUSTOMERS
    assert {item["chosenByVendor"] for item in plan["plan"]["items"]} == {True}
    assert a.behaviour.of("perform") == []
    assert (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"] == []


async def test_a_dry_run_warns_of_what_was_sent_before() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    await sent(gateway, STATEMENTS, customers=CUSTOMERS[:1])
    plan = (await data(gateway, PLAN, input={"customers": CUSTOMERS, "dryRun": True}))["sent"]["plan"]

    assert [warning["code"] for warning in plan["warnings"]] == ["ALREADY_SENT"]


@pytest.mark.parametrize(
    ("query", "more"), [(EMAILS, {}), (DELIVERS, {}), (POSTS, {"speed": "ECONOMY"})], ids=["email", "deliver", "post"]
)
async def test_many_documents_of_several_backends_are_one_dispatch(query: str, more: dict[str, Any]) -> None:
    a, b = sender("a"), sender("b")
    gateway = gateway_over(a, b)
    documents = [gid("Letter", key, f"l{n}") for key in "ab" for n in range(3)]
    run = await sent(gateway, query, documents=[*documents, documents[0]], **more)

    assert (run["dispatch"]["state"], run["dispatch"]["counts"]["accepted"]) == ("SUCCEEDED", 6)
    assert (len(a.behaviour.of("perform")), len(b.behaviour.of("perform"))) == (3, 3)


async def test_when_the_ledger_cannot_be_written_nothing_is_sent_and_the_caller_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = sender()
    gateway = gateway_over(a)

    async def away(*_: Any) -> Any:
        raise LedgerUnavailableError("away")

    monkeypatch.setattr(gateway.sending.ledger, "begin", away)
    payload = await sent(gateway, EMAIL, document=LETTER)

    assert (codes(payload), payload["dispatch"], a.behaviour.of("perform")) == (["UNAVAILABLE"], None, [])
