"""Claims, pauses, retries and cancellations, and when a dispatch is finished."""

import pytest
from sqlalchemy import text

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import Claim, Ledger
from gateway.dispatch.records import DispatchState, ItemState
from tests.dispatch.asking import (
    AFTER_LEASE,
    LATER,
    LEASE,
    NOW,
    PROBLEM,
    all_settled,
    begun,
    in_state,
    intent,
    names,
    only_item,
    settled,
    single,
)


async def test_a_claim_takes_the_next_items_of_one_backend_in_order(ledger: Ledger) -> None:
    await begun(ledger, "elsewhere")
    asked = [intent(f"{n}", backend="uk" if n % 2 else "ch") for n in range(10)]
    dispatch = (await begun(ledger, *asked)).dispatch
    first = await ledger.claim(dispatch.id, "uk", first=3, claim=LEASE)
    assert [(item.target.native_id, item.state, item.attempt) for item in first] == [
        (name, ItemState.SENDING, 1) for name in ("1", "3", "5")
    ]
    assert names(await ledger.claim(dispatch.id, "uk", first=3, claim=LEASE)) == ["7", "9"]
    assert await ledger.claim(dispatch.id, "uk", first=3, claim=LEASE) == []
    assert names(await ledger.claim(dispatch.id, "ch", first=9, claim=LEASE)) == ["0", "2", "4", "6", "8"]


OLD_CLAIM = text("UPDATE items SET state = 'SENDING', attempt = attempt + 1, owner = 'old', lease_until = 9")
"""As a process claims whose release knows no times of claims."""


async def test_what_an_older_release_claims_anew_keeps_no_time_of_the_attempt_before(
    ledger: Ledger, database: Database
) -> None:
    dispatch = (await begun(ledger, "a")).dispatch
    (item,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    await ledger.found_unsent([item], at=LATER)
    noted = await only_item(ledger, dispatch.id)
    await ledger.settle([settled(item, ItemState.QUEUED)], at=LATER)
    await database.write(lambda connection: connection.execute(OLD_CLAIM))
    claimed = await only_item(ledger, dispatch.id)

    assert (noted.claimed_at, noted.unsent_at) == (NOW, LATER)
    assert (claimed.attempt, claimed.claimed_at, claimed.unsent_at) == (2, None, None)


async def test_a_claim_of_an_unknown_dispatch_takes_nothing(ledger: Ledger) -> None:
    await begun(ledger, "a")
    assert await ledger.claim("0" * 32, "uk", first=9, claim=LEASE) == []


async def test_each_claim_has_its_own_lease(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", "b")).dispatch
    await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    await ledger.claim(dispatch.id, "uk", first=1, claim=Claim(owner="south", at=NOW, until=LATER))
    assert await ledger.expire(now=AFTER_LEASE) == 1
    assert [item.state for item in await ledger.items(dispatch.id)] == [ItemState.UNKNOWN, ItemState.SENDING]


async def test_retry_leaves_what_was_sent_elsewhere_meanwhile(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", "b")).dispatch
    claimed = await ledger.claim(dispatch.id, "uk", first=2, claim=LEASE)
    await ledger.settle(all_settled(claimed, ItemState.FAILED), at=NOW)
    await begun(ledger, "a")
    assert await ledger.retry(dispatch.id) == 1
    assert [item.state for item in await ledger.items(dispatch.id)] == [ItemState.FAILED, ItemState.QUEUED]


async def test_a_resent_item_that_failed_is_retried_though_another_holds_the_same(ledger: Ledger) -> None:
    await in_state(ledger, ItemState.ACCEPTED)
    again = await ledger.begin(single("a", resend=True))
    await ledger.settle(all_settled(again.items, ItemState.FAILED), at=NOW)
    assert await ledger.retry(again.dispatch.id) == 1


async def test_retry_clears_what_was_wrong_and_when(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.SENDING)
    await ledger.settle([settled(item, ItemState.FAILED, problem=PROBLEM)], at=NOW)
    await ledger.retry(item.dispatch_id)
    found = await only_item(ledger, item.dispatch_id)
    assert (found.state, found.problem, found.settled_at, found.attempt) == (ItemState.QUEUED, None, None, 1)


async def test_cancel_leaves_what_has_begun_and_keeps_when(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", "b", "c")).dispatch
    (sending,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    assert await ledger.cancel(dispatch.id, at=LATER) == 2
    assert [(item.state, item.settled_at) for item in await ledger.items(dispatch.id)] == [
        (ItemState.SENDING, None),
        (ItemState.CANCELLED, LATER),
        (ItemState.CANCELLED, LATER),
    ]
    await ledger.settle([settled(sending, ItemState.ACCEPTED)], at=LATER)
    found = await ledger.get(dispatch.id, None)
    assert found is not None
    assert found.state is DispatchState.SUCCEEDED


async def test_what_comes_back_to_the_queue_of_a_cancelled_dispatch_is_cancelled(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.SENDING)
    other = await in_state(ledger, ItemState.SENDING, "b")
    assert await ledger.cancel(item.dispatch_id, at=NOW) == 0
    back = [settled(item, ItemState.QUEUED), settled(other, ItemState.QUEUED)]
    assert await ledger.settle(back, at=LATER) == [True, True]
    assert (await only_item(ledger, item.dispatch_id)).state is ItemState.CANCELLED
    assert (await only_item(ledger, other.dispatch_id)).state is ItemState.QUEUED
    found = await ledger.get(item.dispatch_id, None)
    assert found is not None
    assert (found.state, found.finished_at) == (DispatchState.CANCELLED, LATER)


async def test_a_cancelled_dispatch_that_is_retried_goes_on(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", "b")).dispatch
    (sending,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    await ledger.cancel(dispatch.id, at=NOW)
    await ledger.settle([settled(sending, ItemState.FAILED)], at=NOW)
    assert await ledger.retry(dispatch.id) == 1
    (sending,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    await ledger.settle([settled(sending, ItemState.QUEUED)], at=NOW)
    assert (await ledger.items(dispatch.id))[0].state is ItemState.QUEUED


async def test_a_pause_says_why_until_it_is_over(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a")).dispatch
    await ledger.pause(dispatch.id, PROBLEM)
    paused = await ledger.get(dispatch.id, None)
    assert paused is not None
    assert (paused.state, paused.paused) == (DispatchState.PAUSED, PROBLEM)
    await ledger.pause(dispatch.id, None)
    assert await ledger.get(dispatch.id, None) == dispatch


async def test_a_pause_ends_with_the_dispatch_and_a_late_one_is_not_noted(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.SENDING)
    await ledger.pause(item.dispatch_id, PROBLEM)
    await ledger.settle([settled(item, ItemState.FAILED)], at=NOW)
    await ledger.pause(item.dispatch_id, PROBLEM)
    await ledger.retry(item.dispatch_id)
    found = await ledger.get(item.dispatch_id, None)
    assert found is not None
    assert (found.state, found.paused) == (DispatchState.QUEUED, None)


@pytest.mark.parametrize("state", [ItemState.ACCEPTED, ItemState.FAILED, ItemState.UNKNOWN])
async def test_a_dispatch_is_finished_with_its_last_pending_item(state: ItemState, ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", "b")).dispatch
    (one,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    await ledger.settle([settled(one, state)], at=NOW)
    (other,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    assert await finished(ledger, dispatch.id) is None
    await ledger.settle([settled(other, state)], at=LATER)
    assert await finished(ledger, dispatch.id) == LATER


async def test_a_dispatch_is_finished_when_its_last_lease_ends(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.SENDING)
    await ledger.expire(now=AFTER_LEASE)
    assert await finished(ledger, item.dispatch_id) == AFTER_LEASE


async def test_a_dispatch_is_finished_when_it_is_cancelled(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a")).dispatch
    await ledger.cancel(dispatch.id, at=LATER)
    assert await finished(ledger, dispatch.id) == LATER


async def test_what_is_settled_later_leaves_when_it_was_finished(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.UNKNOWN)
    await ledger.settle([settled(item, ItemState.ACCEPTED)], at=LATER)
    assert await finished(ledger, item.dispatch_id) == NOW


async def test_a_retried_dispatch_is_finished_no_more(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.FAILED)
    await ledger.retry(item.dispatch_id)
    assert await finished(ledger, item.dispatch_id) is None


async def test_a_retry_of_nothing_leaves_a_dispatch_finished(ledger: Ledger) -> None:
    item = await in_state(ledger, ItemState.ACCEPTED)
    assert await ledger.retry(item.dispatch_id) == 0
    assert await finished(ledger, item.dispatch_id) == NOW


async def finished(ledger: Ledger, dispatch_id: str) -> object:
    found = await ledger.get(dispatch_id, None)
    assert found is not None
    return found.finished_at
