"""What is sent: written down first, sent once, and settled by what the vendor's answer proves."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from adapters.contract import Outcome, OutcomeState
from adapters.errors import NotReady, OutcomeUnknown, Unavailable
from gateway.dispatch.records import DispatchState, ItemState, state_of
from gateway.schema.query import dispatch_id
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.logged import troubles
from tests.gateway.sending import DELIVER, EMAIL, LETTER, POST, STATEMENTS, only_item, sender, sent
from tests.patience import PATIENCE

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN


def expected_state(counts: Mapping[ItemState, int]) -> DispatchState:
    """The schema's own sentence, clause by clause."""
    there = {state for state, count in counts.items() if count}
    begun = there & {ItemState.ACCEPTED, ItemState.FAILED, ItemState.UNKNOWN, ItemState.SENDING}
    if there & {ItemState.QUEUED, ItemState.SENDING}:
        return DispatchState.RUNNING if begun else DispatchState.QUEUED
    if ItemState.UNKNOWN in there:
        return DispatchState.UNKNOWN
    if there == {ItemState.FAILED}:
        return DispatchState.FAILED
    if ItemState.FAILED in there:
        return DispatchState.COMPLETED_WITH_FAILURES
    if ItemState.CANCELLED in there and ItemState.ACCEPTED not in there:
        return DispatchState.CANCELLED
    return DispatchState.SUCCEEDED


def test_a_dispatch_stands_as_its_gravest_item() -> None:
    for present in itertools.product((0, 1, 3), repeat=len(ItemState)):
        counts = dict(zip(ItemState, present, strict=True))
        assert (counts, state_of(counts)) == (counts, expected_state(counts))


OUTCOMES = [
    (Outcome(state=DONE, message="Queued."), "ACCEPTED", "SUCCEEDED", None),
    (Outcome(state=UNDONE, message="No address."), "FAILED", "FAILED", "REJECTED"),
    (Outcome(state=UNDONE, error=NotReady("A draft.", backend="a")), "FAILED", "FAILED", "NOT_READY"),
    (Outcome(state=UNDONE), "FAILED", "FAILED", "REJECTED"),
    (Outcome(state=UNKNOWN), "UNKNOWN", "UNKNOWN", "OUTCOME_UNKNOWN"),
    (Outcome(state=UNKNOWN, error=Unavailable("502.", backend="a")), "UNKNOWN", "UNKNOWN", "OUTCOME_UNKNOWN"),
    (Outcome(state=UNKNOWN, error=OutcomeUnknown("Lost.", backend="a")), "UNKNOWN", "UNKNOWN", "OUTCOME_UNKNOWN"),
]


@pytest.mark.parametrize(("outcome", "item_state", "state", "code"), OUTCOMES)
async def test_an_outcome_settles_its_item(outcome: Outcome, item_state: str, state: str, code: str | None) -> None:
    a = sender()
    a.behaviour.outcomes.append([outcome])
    payload = await sent(gateway_over(a), EMAIL, document=LETTER)
    item = only_item(payload)
    assert (item["state"], payload["dispatch"]["state"], item["problem"] and item["problem"]["code"]) == (
        item_state,
        state,
        code,
    )
    assert (item["vendorMessage"], payload["problems"]) == (outcome.message, [])
    assert item["problem"] is None or not item["problem"]["retryable"]


async def test_a_send_is_one_entry_with_all_that_is_known_of_it() -> None:
    a = sender()
    payload = await sent(gateway_over(a), EMAIL, document=LETTER, recipients=[{"email": "x@example.com"}])
    dispatch = payload["dispatch"]
    counts = dict.fromkeys(("queued", "sending", "failed", "unknown", "skipped", "cancelled"), 0)
    assert dispatch["counts"] == counts | {"total": 1, "accepted": 1}
    assert (dispatch["action"], dispatch["requestedBy"], dispatch["idempotencyKey"]) == ("EMAIL", "local", None)
    assert dispatch["requestedAt"] == dispatch["finishedAt"] == "2026-06-30T12:00:00+00:00"
    assert only_item(payload) == {
        "state": "ACCEPTED",
        "attempt": 1,
        "vendorMessage": None,
        "recipients": ["x@example.com"],
        "evidence": None,
        "problem": None,
        "target": {"id": LETTER},
        "settledAt": "2026-06-30T12:00:00+00:00",
    }
    assert (payload["replayed"], payload["plan"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "members", "verb", "action"),
    [
        (EMAIL, {}, "email_document", "EMAIL"),
        (DELIVER, {}, "deliver_document", "DELIVER"),
        (POST, {"speed": "ECONOMY"}, "post_document", "POST"),
    ],
)
async def test_every_way_to_send_calls_the_vendor_once(
    query: str, members: dict[str, Any], verb: str, action: str
) -> None:
    a = sender()
    payload = await sent(gateway_over(a), query, document=LETTER, **members)
    performed = [(call.keys, call.request) for call in a.behaviour.of("perform")]
    assert (performed, payload["dispatch"]["action"]) == ([(("l1",), verb)], action)


async def test_what_is_said_of_an_email_reaches_the_vendor() -> None:
    a = sender()
    await sent(
        gateway_over(a),
        EMAIL,
        document=LETTER,
        recipients=[{"email": "x@example.com", "name": "X", "cc": True}],
        subject="S",
        body="B",
        attachments=["one.pdf"],
        statusAfter={"vendorStatus": "S"},
    )
    (_, request, _) = a.behaviour.prepared[0]
    (recipient,) = request.recipients
    assert (recipient.email, recipient.name, recipient.cc) == ("x@example.com", "X", True)
    assert (request.native_id, request.subject, request.body, request.attachments) == ("l1", "S", "B", ("one.pdf",))
    assert (request.status_after.state, request.status_after.vendor_status) == (None, "S")


async def test_statements_are_one_dispatch_of_one_item_a_customer_in_the_vendors_batches() -> None:
    a = sender(batch=3)
    ids = [gid("Customer", "a", n) for n in "0123"] + [gid("Customer", "a", "0")]
    payload = await sent(gateway_over(a), STATEMENTS, customers=ids)
    assert [call.keys for call in a.behaviour.of("perform")] == [("0", "1", "2"), ("3",)]
    assert payload["dispatch"]["counts"]["accepted"] == 4


async def test_statements_of_several_backends_are_one_dispatch() -> None:
    a, b = sender("a"), sender("b")
    ids = [gid("Customer", "a", "1"), gid("Customer", "b", "1")]
    payload = await sent(gateway_over(a, b), STATEMENTS, customers=ids)
    assert (payload["dispatch"]["counts"]["total"], len(a.behaviour.of("perform"))) == (2, 1)


async def test_statements_go_to_all_whom_a_filter_finds() -> None:
    a = sender(count=9, page_size=2)
    given = {"name": {"in": ["Company 1", "Company 7"]}}
    payload = await sent(gateway_over(a), STATEMENTS, backend="a", filter=given)
    targets = [node["target"]["id"] for node in payload["dispatch"]["items"]["nodes"]]
    assert targets == [gid("Customer", "a", "1"), gid("Customer", "a", "7")]


async def test_statements_go_to_nobody_when_one_page_of_customers_fails() -> None:
    a = sender(count=9, page_size=2, scan_budget=2)
    a.behaviour.failures["customers.page"] = [None, Unavailable("Down.", backend="a")]
    payload = await sent(gateway_over(a), STATEMENTS, backend="a")
    assert ([one["code"] for one in payload["problems"]], payload["dispatch"]) == (["UNAVAILABLE"], None)
    assert a.behaviour.of("perform") == []


async def test_each_item_of_a_batch_is_settled_by_its_own_outcome() -> None:
    a = sender(batch=4)
    states = [DONE, UNDONE, UNKNOWN, DONE]
    a.behaviour.outcomes.append([Outcome(state=state) for state in states])
    payload = await sent(gateway_over(a), STATEMENTS, customers=[gid("Customer", "a", n) for n in "0123"])
    found = [node["state"] for node in payload["dispatch"]["items"]["nodes"]]
    assert (found, payload["dispatch"]["state"]) == (["ACCEPTED", "FAILED", "UNKNOWN", "ACCEPTED"], "UNKNOWN")


async def test_one_call_that_fails_does_not_keep_the_next_from_being_sent() -> None:
    a = sender(batch=2)
    a.behaviour.outcomes.append([Outcome(state=UNDONE)] * 2)
    payload = await sent(gateway_over(a), STATEMENTS, customers=[gid("Customer", "a", n) for n in "012"])
    assert (payload["dispatch"]["state"], len(a.behaviour.of("perform"))) == ("COMPLETED_WITH_FAILURES", 2)


async def test_a_fault_of_ours_while_sending_is_unknown_said_and_logged() -> None:
    a = sender()
    a.behaviour.outcomes.append(RuntimeError("token=hunter2"))
    with structlog.testing.capture_logs() as logs:
        payload = await sent(gateway_over(a), EMAIL, document=LETTER)
    item = only_item(payload)
    assert (item["state"], item["problem"]["code"], item["problem"]["retryable"]) == (
        "UNKNOWN",
        "OUTCOME_UNKNOWN",
        False,
    )
    assert ([entry["event"] for entry in troubles(logs)], "hunter2" in str(payload)) == (
        ["internal error", "not all was done"],
        False,
    )
    assert len(a.behaviour.of("perform")) == 1


@pytest.mark.parametrize("answered", [[], [Outcome(state=DONE)] * 3])
async def test_outcomes_that_do_not_match_the_items_prove_nothing(answered: list[Outcome]) -> None:
    a = sender()
    a.behaviour.outcomes.append(answered)
    assert only_item(await sent(gateway_over(a), EMAIL, document=LETTER))["state"] == "UNKNOWN"


async def test_a_caller_that_leaves_does_not_take_the_send_along() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, EMAIL, input={"document": LETTER}))
    async with asyncio.timeout(PATIENCE):
        await gate.begun.wait()
        before = (await data(gateway, "{ dispatches { nodes { state counts { sending } } } }"))["dispatches"]["nodes"]
        asked.cancel()
        gate.release.set()
        await gateway.sending.drain()
    after = (await data(gateway, "{ dispatches { nodes { state counts { accepted } } } }"))["dispatches"]["nodes"]
    assert before == [{"state": "RUNNING", "counts": {"sending": 1}}]
    assert after == [{"state": "SUCCEEDED", "counts": {"accepted": 1}}]


async def test_a_send_is_in_the_ledger_before_the_vendor_is_called() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, EMAIL, input={"document": LETTER}))
    async with asyncio.timeout(PATIENCE):
        await gate.begun.wait()
        query = "query($id: ID!) { node(id: $id) { ... on Letter { dispatchItems { nodes { state } } } } }"
        found = await data(gateway, query, id=LETTER)
        gate.release.set()
        await asked
    assert found["node"]["dispatchItems"]["nodes"] == [{"state": "SENDING"}]


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome(state=UNDONE, error=Unavailable("503.", backend="a", status=503)), (1, 0)),
        (Outcome(state=UNKNOWN, error=Unavailable("503.", backend="a", status=503)), (0, 1)),
    ],
)
async def test_what_was_not_done_is_one_line_in_the_log_under_its_dispatch(
    outcome: Outcome, counts: tuple[int, int]
) -> None:
    a = sender()
    a.behaviour.outcomes.append([outcome])
    with structlog.testing.capture_logs() as logs:
        payload = await sent(gateway_over(a), EMAIL, document=LETTER)
    (entry,) = troubles(logs)
    assert entry["dispatch"] == dispatch_id(payload["dispatch"]["id"])
    assert (entry["log_level"], entry["kinds"], entry["statuses"]) == ("warning", ["Unavailable"], [503])
    assert (entry["undone"], entry["unknown"]) == counts


async def test_what_was_done_is_not_in_the_log() -> None:
    with structlog.testing.capture_logs() as logs:
        await sent(gateway_over(sender()), EMAIL, document=LETTER)
    assert troubles(logs) == []


SENT_ALONE = "mutation($input: EmailDocumentInput!) { sent: emailDocument(input: $input) { dispatch { id } } }"
STANDING = "mutation($id: ID!) {{ sent: {verb}(id: $id) {{ dispatch {{ id }} }} }}"


@pytest.mark.parametrize(
    "verb", ["emailDocument", "emailStatements", "reconcileDispatch", "retryDispatch", "cancelDispatch"]
)
async def test_after_a_send_nothing_is_answered_from_what_was_read_before(verb: str) -> None:
    a = sender()
    gateway = gateway_over(a)
    context = gateway.context()
    read = "query($id: ID!) { node(id: $id) { id } }"
    earlier = (await sent(gateway, EMAIL, document=gid("Letter", "a", "l2")))["dispatch"]["id"]
    await answer(gateway, read, context=context, id=LETTER)
    if verb == "emailDocument":
        done = await answer(gateway, SENT_ALONE, context=context, input={"document": LETTER})
    elif verb == "emailStatements":
        done = await answer(gateway, STATEMENTS, context=context, input={"customers": [gid("Customer", "a", "1")]})
    else:
        done = await answer(gateway, STANDING.format(verb=verb), context=context, id=earlier)
    assert (done.errors, done.data["sent"]["dispatch"] is None) == ([], False)
    a.behaviour.calls.clear()
    await answer(gateway, read, context=context, id=LETTER)
    assert len(a.behaviour.of("letters.by_key")) == 1
