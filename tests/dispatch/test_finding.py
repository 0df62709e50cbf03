from datetime import timedelta
from typing import Any

import pytest

from gateway.dispatch import finding
from gateway.dispatch.ledger import DispatchQuery, Ledger
from gateway.dispatch.records import DispatchAction, DispatchState, ItemState
from gateway.ids import Ref
from tests.dispatch.asking import LATER, LEASE, NOW, all_settled, begun, in_state, intent, names, settled


async def found(ledger: Ledger, **given: Any) -> list[str]:
    query = DispatchQuery(**{"visible": None} | given)
    return [str(dispatch.asked["name"]) for dispatch in await ledger.find(query)]


@pytest.fixture
async def four(ledger: Ledger) -> Ledger:
    """Four dispatches that differ in whatever one may ask for."""
    await begun(ledger, "a", "b", asked={"name": "uk"}, requested_by="bob")
    await begun(
        ledger, intent("c", "ch"), asked={"name": "ch"}, action=DispatchAction.POST, at=NOW + timedelta(hours=1)
    )
    both = [intent("d"), intent("a", "ch")]
    await begun(ledger, *both, asked={"name": "both"}, at=NOW + timedelta(hours=2))
    sent = (await begun(ledger, "e", asked={"name": "sent"}, at=NOW + timedelta(hours=3))).dispatch
    claimed = await ledger.claim(sent.id, "uk", first=9, claim=LEASE)
    await ledger.settle(all_settled(claimed, ItemState.ACCEPTED), at=LATER)
    return ledger


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["sent", "both", "ch", "uk"]),
        ({"first": 2}, ["sent", "both"]),
        ({"visible": frozenset(("uk",))}, ["sent", "uk"]),
        ({"visible": frozenset(("uk",)), "first": 1}, ["sent"]),
        ({"visible": frozenset()}, []),
        ({"backends": frozenset(("ch",))}, ["both", "ch"]),
        ({"backends": frozenset(("ch",)), "visible": frozenset(("ch",))}, ["ch"]),
        ({"states": frozenset((DispatchState.SUCCEEDED,))}, ["sent"]),
        ({"states": frozenset((DispatchState.QUEUED, DispatchState.UNKNOWN))}, ["both", "ch", "uk"]),
        ({"states": frozenset()}, []),
        ({"actions": frozenset((DispatchAction.POST,))}, ["ch"]),
        ({"actions": frozenset()}, []),
        ({"requested_by": "bob"}, ["uk"]),
        ({"since": NOW + timedelta(hours=1)}, ["sent", "both", "ch"]),
        ({"until": NOW + timedelta(hours=1)}, ["uk"]),
        ({"since": NOW + timedelta(hours=1), "until": NOW + timedelta(hours=2)}, ["ch"]),
        ({"customer": Ref("Invoice", "uk", "a")}, ["uk"]),
        ({"customer": Ref("Invoice", "ch", "a")}, ["both"]),
        ({"customer": Ref("Customer", "uk", "a")}, []),
    ],
)
async def test_dispatches_are_found_newest_first(given: dict[str, Any], names: list[str], four: Ledger) -> None:
    assert await found(four, **given) == names


@pytest.mark.parametrize("visible", [None, frozenset(("uk", "ch"))])
async def test_dispatches_are_paged_by_the_number_of_the_last(visible: frozenset[str] | None, four: Ledger) -> None:
    pages = []
    before = None
    while page := await four.find(DispatchQuery(visible=visible, before=before, first=3)):
        pages.append([dispatch.asked["name"] for dispatch in page])
        before = page[-1].number
    assert pages == [["sent", "both", "ch"], ["uk"]]


async def test_what_matches_is_found_behind_any_number_that_do_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "ROWS_AT_ONCE", 2)
    await begun(ledger, intent("x", "ch"), asked={"name": "old"})
    for number in range(5):
        await begun(ledger, f"{number}", asked={"name": f"{number}"})
    assert await found(ledger, visible=frozenset(("ch",)), first=1) == ["old"]
    assert await found(ledger, first=3) == ["4", "3", "2"]


async def test_a_dispatch_is_got_by_those_who_see_all_its_backends(ledger: Ledger) -> None:
    dispatch = (await begun(ledger, "a", intent("b", "ch"))).dispatch
    assert await ledger.get(dispatch.id, frozenset(("uk", "ch", "de"))) == dispatch
    assert await ledger.get(dispatch.id, frozenset(("uk",))) is None
    assert await ledger.get("0" * 32, None) is None


async def test_a_dispatchs_items_are_paged_in_order_and_filtered_by_state(ledger: Ledger) -> None:
    await begun(ledger, "elsewhere")
    dispatch = (await begun(ledger, *(f"{n}" for n in range(7)))).dispatch
    await ledger.claim(dispatch.id, "uk", first=5, claim=LEASE)
    first = await ledger.items(dispatch.id, first=3)
    assert names(first) == ["0", "1", "2"]
    assert names(await ledger.items(dispatch.id, first=3, after=first[-1].number)) == ["3", "4", "5"]
    assert names(await ledger.items(dispatch.id, states=frozenset((ItemState.QUEUED,)))) == ["5", "6"]
    sending = frozenset((ItemState.SENDING, ItemState.FAILED))
    assert names(await ledger.items(dispatch.id, states=sending, after=first[-1].number)) == ["3", "4"]
    assert await ledger.items(dispatch.id, states=frozenset()) == []


async def test_a_records_items_are_paged_newest_first(ledger: Ledger) -> None:
    for action in DispatchAction:
        await begun(
            ledger, intent("a", fingerprint=action.value), intent("b", fingerprint=f"{action} b"), action=action
        )
    await begun(ledger, intent("a", "ch"))
    target = Ref("Invoice", "uk", "a")
    pages = [await ledger.items_for(target, first=3)]
    pages.append(await ledger.items_for(target, first=3, before=pages[0][-1].number))
    assert [[item.fingerprint for item in page] for page in pages] == [
        ["EMAIL_STATEMENT", "POST", "DELIVER"],
        ["EMAIL"],
    ]


async def test_held_tells_which_item_holds_a_fingerprint(ledger: Ledger) -> None:
    items = {state: await in_state(ledger, state, state.value) for state in ItemState if state is not ItemState.SKIPPED}
    asked = [item.fingerprint for item in items.values()] + ["never asked for"]
    free = (ItemState.FAILED, ItemState.CANCELLED)
    assert await ledger.held(asked) == {item.fingerprint: item for item in items.values() if item.state not in free}


async def test_queued_names_each_dispatch_that_has_something_to_send(ledger: Ledger) -> None:
    for state in ItemState:
        await in_state(ledger, state, state.value)
    mixed = (await begun(ledger, "x", "y", "z")).dispatch
    claimed = await ledger.claim(mixed.id, "uk", first=1, claim=LEASE)
    await ledger.settle([settled(claimed[0], ItemState.FAILED)], at=NOW)
    queued = await ledger.find(DispatchQuery(visible=None, states=frozenset((DispatchState.QUEUED,))))
    assert sorted(await ledger.queued()) == sorted([mixed.id, *(dispatch.id for dispatch in queued)])
