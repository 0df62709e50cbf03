"""Claimed items meet the calls that were prepared for them: each item is settled, and no call is for anything else."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.contract import Outcome, OutcomeState
from gateway.dispatch.performing import perform_claimed
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.ids import Ref
from tests.gateway.fakes import Fake, prepared
from tests.gateway.records import NOW
from tests.gateway.sending import sender


def item(number: int, native_id: str, type_name: str = "Letter") -> DispatchItem:
    return DispatchItem(
        number=number,
        dispatch_id="d",
        target=Ref(type_name, "a", native_id),
        stable_id=native_id,
        fingerprint=f"{number}",
        recipients=None,
        state=ItemState.SENDING,
        requested_at=NOW,
        attempt=1,
    )


async def performed(a: Fake, calls: list[Any], items: list[DispatchItem], minutes: int = 1) -> dict[int, ItemState]:
    until = NOW + timedelta(minutes=minutes)
    done = await perform_claimed(a.backend, calls, items, until=until, clock=lambda: NOW)
    assert len(done.settlements) == len(items)
    return {settlement.number: settlement.state for settlement in done.settlements}


@pytest.mark.parametrize("batched", [True, False])
async def test_two_items_of_one_native_id_are_settled_each_by_its_own_call(batched: bool) -> None:
    a = sender()
    a.behaviour.outcomes += (
        [[Outcome(state=OutcomeState.DONE), Outcome(state=OutcomeState.UNDONE)]]
        if batched
        else [[Outcome(state=OutcomeState.DONE)], [Outcome(state=OutcomeState.UNDONE)]]
    )
    calls = [prepared("send", "5", "5")] if batched else [prepared("send", "5"), prepared("send", "5")]
    states = await performed(a, calls, [item(1, "5", "Correspondence"), item(2, "5")])
    assert states == {1: ItemState.ACCEPTED, 2: ItemState.FAILED}


async def test_an_item_that_no_call_is_for_is_proved_unsent() -> None:
    a = sender()
    states = await performed(a, [prepared("send", "5")], [item(1, "5"), item(2, "6"), item(3, "5")])
    assert states == {1: ItemState.ACCEPTED, 2: ItemState.FAILED, 3: ItemState.FAILED}
    assert a.behaviour.performed == [("5",)]


@pytest.mark.parametrize("targets", [("5", "6"), ("5", "5"), ()])
async def test_a_call_for_what_nobody_claimed_is_not_sent(targets: tuple[str, ...]) -> None:
    a = sender()
    states = await performed(a, [prepared("send", *targets), prepared("send", "7")], [item(1, "5"), item(2, "7")])
    assert states == {1: ItemState.FAILED, 2: ItemState.ACCEPTED}
    assert a.behaviour.performed == [("7",)]


async def test_after_its_lease_nothing_is_sent() -> None:
    a = sender()
    assert await performed(a, [prepared("send", "5")], [item(1, "5")], minutes=0) == {1: ItemState.FAILED}
    assert a.behaviour.performed == []
