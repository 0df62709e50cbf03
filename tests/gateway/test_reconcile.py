"""What is not known of a send is settled by evidence alone."""

import asyncio
from collections import Counter

import msgspec
import pytest
from sqlalchemy import text

from adapters.contract import Evidence, Outcome, OutcomeState, Verdict
from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.context import Principal
from gateway.dispatch.sql_ledger import SqlLedger
from tests.gateway.asking import Clock, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer
from tests.gateway.sending import EMAIL, LETTER, RECONCILE, STATEMENTS, only_item, sender, sent
from tests.patience import PATIENCE

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN


async def unknown_dispatch(gateway: Gateway, a: Fake, *states: OutcomeState) -> str:
    a.behaviour.outcomes.append([Outcome(state=state) for state in states])
    ids = [gid("Customer", "a", str(n)) for n in range(len(states))]
    payload = await sent(gateway, STATEMENTS, customers=ids)
    dispatch_id: str = payload["dispatch"]["id"]
    return dispatch_id


VERDICTS: list[tuple[Evidence | Exception, str, str | None, str]] = [
    (Evidence(verdict=Verdict.SENT, text="In the log."), "ACCEPTED", None, "In the log."),
    (Evidence(verdict=Verdict.NOT_SENT, text="Not in it."), "FAILED", None, "Not in it."),
    (Evidence(verdict=Verdict.UNDECIDED, text="No log."), "UNKNOWN", "OUTCOME_UNKNOWN", "No log."),
    (
        Unavailable("Down.", backend="a"),
        "UNKNOWN",
        "OUTCOME_UNKNOWN",
        "The backend could not be asked: Down.",
    ),
]


@pytest.mark.parametrize(("evidence", "state", "code", "text"), VERDICTS)
async def test_evidence_settles_only_what_it_decides(
    evidence: Evidence | Exception, state: str, code: str | None, text: str
) -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, UNKNOWN)
    a.behaviour.evidence["0"] = evidence
    item = only_item((await data(gateway, RECONCILE, id=dispatch_id))["sent"])
    assert (item["state"], item["problem"] and item["problem"]["code"], item["evidence"]) == (state, code, text)


BEGUN_BY_AN_OLDER_RELEASE = text("UPDATE items SET claimed_attempt = NULL")
"""As it leaves the row, for it does not know the column."""


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.SENT, "UNKNOWN"), (Verdict.NOT_SENT, "FAILED")])
async def test_what_an_older_release_began_at_a_time_unknown_is_proved_sent_by_nothing(
    verdict: Verdict, state: str
) -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, UNKNOWN)
    ledger = gateway.sending.ledger
    assert isinstance(ledger, SqlLedger)
    await ledger._database.write(lambda connection: connection.execute(BEGUN_BY_AN_OLDER_RELEASE))
    a.behaviour.evidence["0"] = Evidence(verdict=verdict, text="So it is.")
    item = only_item((await data(gateway, RECONCILE, id=dispatch_id))["sent"])
    assert (item["state"], item["evidence"].startswith("So it is.")) == (state, True)


async def test_only_unknown_items_are_asked_about_and_changed() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, DONE, UNKNOWN, UNDONE)
    for native_id in "012":
        a.behaviour.evidence[native_id] = Evidence(verdict=Verdict.SENT, text="Seen.")
    payload = (await data(gateway, RECONCILE, id=dispatch_id))["sent"]
    assert [(call.keys, call.fresh) for call in a.behaviour.of("evidence")] == [(("1",), True)]
    states = [node["state"] for node in payload["dispatch"]["items"]["nodes"]]
    assert (states, payload["dispatch"]["state"]) == (["ACCEPTED", "ACCEPTED", "FAILED"], "COMPLETED_WITH_FAILURES")


async def test_evidence_is_asked_for_with_what_was_sent_and_when() -> None:
    a = sender()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=UNKNOWN)])
    given = {"document": LETTER, "recipients": [{"email": "x@example.com"}]}
    payload = await sent(gateway, EMAIL, **given)
    await data(gateway, RECONCILE, id=payload["dispatch"]["id"])
    request = a.behaviour.of("evidence")[0].request
    assert (request.action, request.native_id, request.recipients) == ("EMAIL", "l1", ("x@example.com",))
    assert (request.unsent_before, request.others) == (False, ())
    assert request.since.isoformat() == payload["dispatch"]["requestedAt"]


async def test_evidence_is_asked_for_of_the_last_attempt_and_not_of_the_day_it_was_asked_for() -> None:
    a = sender(batch=9)
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    dispatch_id = await unknown_dispatch(gateway, a, UNDONE)
    a.behaviour.outcomes.append([Outcome(state=UNKNOWN)])
    clock.forward(hours=20)
    await data(gateway, "mutation($id: ID!) { retryDispatch(id: $id) { dispatch { state } } }", id=dispatch_id)
    again = clock()
    clock.forward(minutes=1)
    await data(gateway, RECONCILE, id=dispatch_id)
    request = a.behaviour.of("evidence")[0].request
    assert (request.since, request.until) == (again, again)


async def test_evidence_is_asked_for_with_the_id_that_does_not_change() -> None:
    a = fake("a", customers=[msgspec.structs.replace(customer("a", "0"), stable_id="S-17")], writes=True)
    gateway = gateway_over(a)
    await data(gateway, RECONCILE, id=await unknown_dispatch(gateway, a, UNKNOWN))
    (call,) = a.behaviour.of("evidence")
    assert (call.request.native_id, call.request.stable_id) == ("0", "S-17")


async def test_what_stays_undecided_keeps_what_it_had_and_takes_the_new_text() -> None:
    a = sender(batch=9)
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    a.behaviour.outcomes.append([Outcome(state=UNKNOWN, message="Hm.")])
    before = await sent(gateway, STATEMENTS, customers=[gid("Customer", "a", "0")])
    clock.forward(hours=1)
    a.behaviour.evidence["0"] = Evidence(verdict=Verdict.UNDECIDED, text="Neither.")
    after = (await data(gateway, RECONCILE, id=before["dispatch"]["id"]))["sent"]

    assert only_item(after) == only_item(before) | {"evidence": "Neither."}
    assert after["dispatch"]["finishedAt"] == before["dispatch"]["finishedAt"]


async def test_reconciling_sends_nothing() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, UNKNOWN, UNKNOWN)
    await data(gateway, RECONCILE, id=dispatch_id)
    assert Counter(a.behaviour.verbs())["perform"] == 1


@pytest.mark.parametrize("mutation", ["reconcileDispatch", "retryDispatch", "cancelDispatch"])
@pytest.mark.parametrize("value", ["nonsense", gid("Dispatch", "-", "0" * 32), gid("Letter", "a", "l1")])
async def test_a_dispatch_that_is_not_there_is_a_problem(mutation: str, value: str) -> None:
    query = f"mutation($id: ID!) {{ sent: {mutation}(id: $id) {{ dispatch {{ id }} problems {{ code path }} }} }}"
    payload = (await data(gateway_over(sender()), query, id=value))["sent"]
    assert payload == {"dispatch": None, "problems": [{"code": "NOT_FOUND", "path": ["id"]}]}


async def test_retrying_sends_what_failed_and_nothing_else() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, DONE, UNDONE, UNKNOWN)
    query = "mutation($id: ID!) { retryDispatch(id: $id) { dispatch { counts { accepted failed unknown } } } }"
    found = await data(gateway, query, id=dispatch_id)
    counts = {"accepted": 2, "failed": 0, "unknown": 1}
    assert (found["retryDispatch"]["dispatch"]["counts"], len(a.behaviour.of("perform"))) == (counts, 2)


async def test_cancelling_what_is_settled_changes_nothing() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, DONE, UNKNOWN)
    query = (
        "mutation($id: ID!) { cancelDispatch(id: $id) { dispatch { state counts { cancelled } } problems { code } } }"
    )
    found = await data(gateway, query, id=dispatch_id)
    assert found["cancelDispatch"] == {"dispatch": {"state": "UNKNOWN", "counts": {"cancelled": 0}}, "problems": []}


async def test_one_who_may_not_see_a_backend_can_neither_send_nor_reconcile_there() -> None:
    a = sender(batch=9)
    gateway = gateway_over(a)
    dispatch_id = await unknown_dispatch(gateway, a, UNKNOWN)
    elsewhere = Principal(id="other", backends=frozenset("b"))
    calls = len(a.behaviour.calls)
    send = await data(gateway, EMAIL, principal=elsewhere, input={"document": LETTER})
    reconcile = await data(gateway, RECONCILE, principal=elsewhere, id=dispatch_id)
    codes = [one["sent"]["problems"][0]["code"] for one in (send, reconcile)]
    assert (codes, len(a.behaviour.calls)) == (["NOT_FOUND", "NOT_FOUND"], calls)


async def test_who_asked_is_written_down() -> None:
    gateway = gateway_over(sender())
    who = Principal(id="credit-control")
    payload = await data(gateway, EMAIL, principal=who, input={"document": LETTER})
    assert payload["sent"]["dispatch"]["requestedBy"] == "credit-control"


async def test_sent_things_are_timed_by_the_gateways_clock() -> None:
    clock = Clock()
    a = sender()
    gateway = gateway_over(a, clock=clock)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(sent(gateway, EMAIL, document=LETTER))
    async with asyncio.timeout(PATIENCE):
        await gate.begun.wait()
        clock.forward(seconds=5)
        gate.release.set()
        dispatch = (await asked)["dispatch"]
    assert (dispatch["requestedAt"], dispatch["finishedAt"]) == (
        "2026-06-30T12:00:00+00:00",
        "2026-06-30T12:00:05+00:00",
    )
