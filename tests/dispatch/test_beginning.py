from datetime import timedelta

import pytest

from gateway.dispatch.ledger import AlreadySentError, DispatchQuery, IdempotencyConflictError, Ledger, WithheldError
from gateway.dispatch.records import HELD, DispatchAction, DispatchState, ItemState
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode
from tests.dispatch.asking import (
    LATER,
    LEASE,
    NOW,
    PROBLEM,
    begun,
    in_state,
    intent,
    names,
    only_item,
    request,
    settled,
    single,
)

FREE = [ItemState.FAILED, ItemState.CANCELLED]
HOLDING = sorted(HELD)


async def written(ledger: Ledger) -> int:
    return len(await ledger.find(DispatchQuery(visible=None)))


async def test_what_is_asked_is_written_as_it_was_asked(ledger: Ledger) -> None:
    asked = {"documents": ["a", "b"], "message": "Liebe Grüße 🎉", "nested": {"empty": None, "number": 1.5}}
    one = intent("a", recipients=("x@example.com", "y@example.com"), request_hash="0" * 64)
    other = intent("b", backend="ch", target=Ref("Estimate", "ch", "naïve:id"), recipients=())
    given = request(one, other, action=DispatchAction.DELIVER, asked=asked, idempotency_key="k", requested_by="bob")
    begun = await ledger.begin(given)
    found = await ledger.get(begun.dispatch.id, None)
    assert found == begun.dispatch
    assert (found.action, found.asked, found.idempotency_key) == (DispatchAction.DELIVER, asked, "k")
    assert (found.requested_by, found.requested_at, found.finished_at) == ("bob", NOW, None)
    assert (found.backends, found.counts, found.resend) == (frozenset(("uk", "ch")), {ItemState.QUEUED: 2}, False)
    items = await ledger.items(found.id)
    assert [item.target for item in items] == [one.target, other.target]
    assert [item.recipients for item in items] == [one.recipients, ()]
    assert [(item.state, item.attempt, item.requested_at, item.settled_at) for item in items] == [
        (ItemState.QUEUED, 0, NOW, None)
    ] * 2


async def test_a_moment_is_kept_to_the_microsecond(ledger: Ledger) -> None:
    moment = NOW + timedelta(microseconds=123_457)
    found = (await begun(ledger, "a", at=moment)).dispatch
    assert (await only_item(ledger, found.id)).requested_at == moment


async def test_a_run_is_written_with_nothing_claimed(ledger: Ledger) -> None:
    begun = await ledger.begin(request("a", "b"))
    assert (begun.items, begun.replayed, begun.dispatch.state) == ([], False, DispatchState.QUEUED)


async def test_a_single_send_is_claimed_as_it_is_written(ledger: Ledger) -> None:
    begun = await ledger.begin(single("a"))
    assert [(item.state, item.attempt) for item in begun.items] == [(ItemState.SENDING, 1)]
    assert begun.dispatch.state is DispatchState.RUNNING
    assert await ledger.expire(now=LEASE.until) == 0
    assert await ledger.expire(now=LATER) == 1


async def test_items_keep_the_order_they_were_asked_in(ledger: Ledger) -> None:
    await begun(ledger, "7", "1003")
    asked = [f"{n}" for n in range(1_200)]
    dispatch = (await begun(ledger, *asked)).dispatch
    assert names(await ledger.items(dispatch.id, first=2_000)) == asked
    assert dispatch.counts == {ItemState.QUEUED: 1_198, ItemState.SKIPPED: 2}


@pytest.mark.parametrize("state", HOLDING)
async def test_a_run_skips_what_another_item_holds_and_says_so(state: ItemState, ledger: Ledger) -> None:
    await in_state(ledger, state)
    dispatch = (await begun(ledger, "a", "b", at=LATER)).dispatch
    skipped, queued = await ledger.items(dispatch.id)
    assert (skipped.state, skipped.settled_at, queued.state) == (ItemState.SKIPPED, LATER, ItemState.QUEUED)
    how = f"{state.value.lower()}, asked for 2026-03-02T09:30:00+00:00"
    message = f"Not sent: it was sent before, or is about to be ({how}). `resend` sends it again."
    assert skipped.problem == Problem(code=ProblemCode.ALREADY_SENT, message=message, backend="uk")


@pytest.mark.parametrize("state", FREE)
async def test_what_was_let_go_of_may_be_sent(state: ItemState, ledger: Ledger) -> None:
    await in_state(ledger, state)
    assert (await begun(ledger, "a")).dispatch.counts == {ItemState.QUEUED: 1}
    await ledger.begin(single("b"))


@pytest.mark.parametrize("state", HOLDING)
async def test_a_strict_request_is_refused_whole_and_told_by_which_item(state: ItemState, ledger: Ledger) -> None:
    held = await in_state(ledger, state)
    with pytest.raises(AlreadySentError) as refused:
        await ledger.begin(single("a", idempotency_key="k"))
    assert refused.value.item == held
    assert await written(ledger) == 1
    assert (await ledger.begin(single("b", idempotency_key="k", input_hash="other"))).replayed is False


async def test_a_run_of_nothing_but_skipped_items_is_finished_at_once(ledger: Ledger) -> None:
    await begun(ledger, "a")
    dispatch = (await begun(ledger, "a", at=LATER)).dispatch
    assert (dispatch.state, dispatch.finished_at) == (DispatchState.SUCCEEDED, LATER)


@pytest.mark.parametrize("between", [0, 600])
@pytest.mark.parametrize("given", [{}, {"resend": True}, {"claim": LEASE}, {"claim": LEASE, "strict": True}])
async def test_what_is_asked_for_twice_in_one_request_is_sent_once(
    given: dict[str, object], between: int, ledger: Ledger
) -> None:
    begun = await ledger.begin(request("a", *(f"{n}" for n in range(between)), "a", **given))
    last = (await ledger.items(begun.dispatch.id, first=1_000))[-1]
    assert (last.state, last.attempt) == (ItemState.SKIPPED, 0)
    assert last.problem is not None
    assert last.problem.message == "Not sent: it is in this request twice."
    assert [item for item in begun.items if item.state is not ItemState.SENDING] == []


async def test_a_withheld_item_of_a_run_is_skipped_for_its_reason_and_holds_nothing(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, intent("a", withheld=PROBLEM), "b")).dispatch
    skipped, queued = await ledger.items(dispatch.id)
    assert (skipped.state, skipped.problem, skipped.settled_at) == (ItemState.SKIPPED, PROBLEM, NOW)
    assert queued.state is ItemState.QUEUED
    assert (await begun(ledger, "a")).dispatch.counts == {ItemState.QUEUED: 1}


async def test_a_withheld_single_send_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    with pytest.raises(WithheldError) as raised:
        await ledger.begin(request(intent("a", withheld=PROBLEM), claim=LEASE, strict=True, idempotency_key="k"))
    assert raised.value.problem == PROBLEM
    assert await ledger.find(DispatchQuery(visible=None)) == []
    assert await ledger.replay("alice", "emailDocuments", "k", "input") is None


async def test_what_was_sent_before_is_the_reason_given_before_any_other(ledger: Ledger) -> None:
    await in_state(ledger, ItemState.ACCEPTED)
    with pytest.raises(AlreadySentError):
        await ledger.begin(request(intent("a", withheld=PROBLEM), claim=LEASE, strict=True))


async def test_a_key_replays_its_dispatch_although_the_same_is_withheld_now(ledger: Ledger) -> None:
    first = await ledger.begin(single("a", idempotency_key="k"))
    again = await ledger.begin(request(intent("a", withheld=PROBLEM), claim=LEASE, strict=True, idempotency_key="k"))
    assert (again.replayed, again.dispatch.id) == (True, first.dispatch.id)


@pytest.mark.parametrize("state", HOLDING)
async def test_resend_goes_out_whatever_holds_the_same(state: ItemState, ledger: Ledger) -> None:
    await in_state(ledger, state)
    for _ in range(2):
        dispatch = (await ledger.begin(single("a", resend=True))).dispatch
        assert (dispatch.resend, dispatch.counts) == (True, {ItemState.SENDING: 1})


@pytest.mark.parametrize("state", HOLDING)
async def test_what_was_resent_is_not_sent_again_without_being_asked_for(state: ItemState, ledger: Ledger) -> None:
    first = await in_state(ledger, ItemState.SENDING)
    (again,) = (await ledger.begin(single("a", resend=True))).items
    await ledger.settle([settled(first, ItemState.FAILED), settled(again, state)], at=NOW)
    assert await ledger.retry(first.dispatch_id) == 0
    assert (await begun(ledger, "a")).dispatch.counts == {ItemState.SKIPPED: 1}


async def test_the_same_key_and_input_replays_the_dispatch_as_it_stands(ledger: Ledger) -> None:
    first = await ledger.begin(single("a", idempotency_key="k"))
    await ledger.settle([settled(first.items[0], ItemState.ACCEPTED)], at=LATER)
    again = await ledger.begin(single("a", idempotency_key="k", at=LATER))
    assert (again.replayed, again.items, again.dispatch.id) == (True, (), first.dispatch.id)
    assert again.dispatch.counts == {ItemState.ACCEPTED: 1}
    assert await written(ledger) == 1
    assert await ledger.replay("alice", "emailDocuments", "k", "input") == again.dispatch


async def test_the_same_key_with_another_input_is_a_conflict(ledger: Ledger) -> None:
    await begun(ledger, "a", idempotency_key="k")
    with pytest.raises(IdempotencyConflictError):
        await begun(ledger, "b", idempotency_key="k", input_hash="other")
    with pytest.raises(IdempotencyConflictError):
        await ledger.replay("alice", "emailDocuments", "k", "other")
    assert await written(ledger) == 1


@pytest.mark.parametrize(
    ("given", "principal", "mutation"),
    [
        ({"requested_by": "bob"}, "bob", "emailDocuments"),
        ({"mutation": "postDocuments"}, "alice", "postDocuments"),
    ],
)
async def test_a_key_belongs_to_the_principal_and_the_mutation(
    given: dict[str, str], principal: str, mutation: str, ledger: Ledger
) -> None:
    await begun(ledger, "a", idempotency_key="k")
    assert await ledger.replay(principal, mutation, "k", "other") is None
    assert (await begun(ledger, "b", idempotency_key="k", input_hash="other", **given)).replayed is False


async def test_without_a_key_nothing_is_replayed(ledger: Ledger) -> None:
    first, second = await begun(ledger, "a"), await begun(ledger, "b")
    assert first.dispatch.id != second.dispatch.id


@pytest.mark.parametrize("given", ["a run", "a single send", "a run of what was sent", "a single send of two"])
async def test_what_was_begun_is_told_as_it_is_then_read(given: str, ledger: Ledger) -> None:
    asked = {
        "a run": request("a", "b", asked={"n": [1, None]}, idempotency_key="k"),
        "a single send": single("a", idempotency_key="k"),
        "a run of what was sent": request("old"),
        "a single send of two": request("a", "b", claim=LEASE, strict=True, resend=True),
    }[given]
    await begun(ledger, "old")
    written = await ledger.begin(asked)
    assert written.dispatch == await ledger.get(written.dispatch.id, None)
    sending = frozenset((ItemState.SENDING,))
    assert list(written.items) == list(await ledger.items(written.dispatch.id, states=sending))
