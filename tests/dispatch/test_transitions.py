"""Each way to move an item, tried on an item in each state: what it may do it does, and it leaves all else alone."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import Ledger, Settlement
from gateway.dispatch.records import TRANSITIONS, DispatchItem, ItemState
from tests.dispatch.asking import AFTER_LEASE, LATER, LEASE, NOW, PROBLEM, begun, in_state, only_item, settled
from tests.dispatch.moves import moves, watch

Q, S, A = ItemState.QUEUED, ItemState.SENDING, ItemState.ACCEPTED
F, U, SKIPPED, CANCELLED = ItemState.FAILED, ItemState.UNKNOWN, ItemState.SKIPPED, ItemState.CANCELLED
Way = Callable[[Ledger, DispatchItem], Awaitable[object]]


def settling(state: ItemState) -> Way:
    return lambda ledger, item: ledger.settle([settled(item, state)], at=LATER)


WAYS: dict[str, tuple[Way, dict[ItemState, ItemState]]] = {
    "claim": (lambda ledger, item: ledger.claim(item.dispatch_id, "uk", first=9, claim=LEASE), {Q: S}),
    "cancel": (lambda ledger, item: ledger.cancel(item.dispatch_id, at=LATER), {Q: CANCELLED}),
    "retry": (lambda ledger, item: ledger.retry(item.dispatch_id), {F: Q}),
    "expire": (lambda ledger, _: ledger.expire(now=AFTER_LEASE), {S: U}),
    "pause": (lambda ledger, item: ledger.pause(item.dispatch_id, PROBLEM), {}),
    "forget_keys": (lambda ledger, _: ledger.forget_keys(before=LATER), {}),
    "settle ACCEPTED": (settling(A), {S: A, U: A}),
    "settle FAILED": (settling(F), {S: F, U: F}),
    "settle UNKNOWN": (settling(U), {S: U, U: U}),
    "settle QUEUED": (settling(Q), {S: Q}),
    "settle SENDING": (settling(S), {}),
    "settle SKIPPED": (settling(SKIPPED), {S: SKIPPED, U: SKIPPED}),
    "settle CANCELLED": (settling(CANCELLED), {}),
}


def test_the_ways_together_make_the_table() -> None:
    made = {(was, came) for _, does in WAYS.values() for was, came in does.items()}
    assert made == {(was, came) for was, targets in TRANSITIONS.items() for came in targets}


@pytest.mark.parametrize("way", WAYS)
async def test_a_way_moves_what_it_may_and_leaves_the_rest_as_it_is(
    way: str, database: Database, ledger: Ledger
) -> None:
    go, does = WAYS[way]
    before = {state: await in_state(ledger, state, state.value) for state in ItemState}
    await ledger.expire(now=LEASE.until)
    await watch(database)
    for item in before.values():
        await go(ledger, item)
    assert {(was, came) for _, was, came in await moves(database)} == set(does.items())
    after = {state: await only_item(ledger, item.dispatch_id) for state, item in before.items()}
    assert {state: item.state for state, item in after.items()} == {
        state: does.get(state, state) for state in ItemState
    }
    assert [after[state] for state in ItemState if state not in does] == [
        before[state] for state in ItemState if state not in does
    ]


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("state", [S, U])
async def test_an_outcome_of_another_attempt_settles_nothing(state: ItemState, by: int, ledger: Ledger) -> None:
    item = await in_state(ledger, state)
    other = [Settlement(number=item.number, attempt=item.attempt + by, state=came) for came in (A, F, U, Q)]
    assert await ledger.settle(other, at=LATER) == [False] * 4
    assert await only_item(ledger, item.dispatch_id) == item


async def test_an_outcome_of_an_earlier_attempt_does_not_settle_the_later(ledger: Ledger) -> None:
    first = await in_state(ledger, F)
    assert await ledger.retry(first.dispatch_id) == 1
    (second,) = await ledger.claim(first.dispatch_id, "uk", first=1, claim=LEASE)
    assert (first.attempt, second.attempt) == (1, 2)
    assert await ledger.settle([settled(first, A), settled(second, F), settled(first, U)], at=LATER) == [
        False,
        True,
        False,
    ]
    assert (await only_item(ledger, first.dispatch_id)).state is F


async def test_of_two_outcomes_of_one_attempt_the_first_counts(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    assert await ledger.settle([settled(item, A), settled(item, F)], at=LATER) == [True, False]
    assert (await only_item(ledger, item.dispatch_id)).state is A


async def test_a_late_answer_settles_what_had_expired(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    assert await ledger.expire(now=AFTER_LEASE) == 1
    assert await ledger.settle([settled(item, A, vendor_message="Sent.")], at=LATER) == [True]
    found = await only_item(ledger, item.dispatch_id)
    assert (found.state, found.problem, found.vendor_message, found.settled_at) == (A, None, "Sent.", LATER)


async def test_a_lease_holds_to_its_very_end(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    assert await ledger.expire(now=LEASE.until) == 0
    assert await ledger.expire(now=AFTER_LEASE) == 1
    found = await only_item(ledger, item.dispatch_id)
    assert (found.state, found.settled_at, found.attempt) == (U, AFTER_LEASE, 1)
    assert found.problem is not None
    assert found.problem.code == "OUTCOME_UNKNOWN"


async def test_a_settlement_writes_what_it_says(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    said = {"vendor_message": "Refused.", "vendor_code": "E17", "problem": PROBLEM, "evidence": "The log is empty."}
    await ledger.settle([settled(item, F, **said)], at=LATER)
    found = await only_item(ledger, item.dispatch_id)
    assert {name: getattr(found, name) for name in said} == said
    assert found.settled_at == LATER


async def test_evidence_leaves_the_vendors_words(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    await ledger.settle([settled(item, U, vendor_message="Hm.", vendor_code="500")], at=LATER)
    await ledger.settle([settled(item, A, evidence="Emailed on 2 March.")], at=LATER)
    found = await only_item(ledger, item.dispatch_id)
    assert (found.vendor_message, found.vendor_code, found.evidence) == ("Hm.", "500", "Emailed on 2 March.")


async def test_what_stays_unknown_keeps_since_when_and_why_and_takes_the_new_evidence(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    said = {"vendor_message": "Hm.", "vendor_code": "500", "problem": PROBLEM}
    await ledger.settle([settled(item, U, evidence="Nothing yet.", **said)], at=NOW)
    assert await ledger.settle([settled(item, U, evidence="Still nothing.")], at=LATER) == [True]
    found = await only_item(ledger, item.dispatch_id)
    assert {name: getattr(found, name) for name in said} == said
    assert (found.state, found.settled_at, found.evidence) == (U, NOW, "Still nothing.")


async def test_what_is_decided_after_all_is_settled_then(ledger: Ledger) -> None:
    item = await in_state(ledger, U)
    await ledger.settle([settled(item, F)], at=LATER)
    found = await only_item(ledger, item.dispatch_id)
    assert (found.state, found.problem, found.settled_at) == (F, None, LATER)


async def test_a_new_attempt_forgets_what_was_said_of_the_last(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    said = {"vendor_message": "Refused.", "vendor_code": "E17", "problem": PROBLEM, "evidence": "The log is empty."}
    await ledger.settle([settled(item, F, **said)], at=LATER)
    await ledger.retry(item.dispatch_id)
    (again,) = await ledger.claim(item.dispatch_id, "uk", first=1, claim=LEASE)
    assert {name: getattr(again, name) for name in said} == dict.fromkeys(said)
    assert again.settled_at is None


async def test_an_outcome_is_written_whatever_characters_the_vendor_uses(ledger: Ledger) -> None:
    item = await in_state(ledger, S)
    odd = "nul \0, half a pair \ud83d, whole 🎉"
    problem = replace(PROBLEM, message=odd)
    assert await ledger.settle([settled(item, F, vendor_message=odd, problem=problem)], at=LATER) == [True]
    assert (await only_item(ledger, item.dispatch_id)).vendor_message == "nul \ufffd, half a pair ?, whole 🎉"


async def test_many_outcomes_are_settled_at_once(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, *(f"{n}" for n in range(1_200)))).dispatch
    claimed = await ledger.claim(dispatch.id, "uk", first=1_200, claim=LEASE)
    said = [settled(item, F if item.number % 5 else U) for item in claimed]
    assert await ledger.settle(said, at=LATER) == [True] * 1_200
    found = await ledger.get(dispatch.id, None)
    assert found is not None
    assert found.counts == {F: 960, U: 240}
