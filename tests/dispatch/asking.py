"""What the ledger's tests ask it to write, with everything given that a test does not care about."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.dispatch.ledger import Begun, Claim, Intent, Ledger, Request, Settlement, WriteKey
from gateway.dispatch.records import DispatchAction, DispatchItem, ItemState
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
LEASE = Claim(owner="north", at=NOW, until=NOW + timedelta(minutes=1))
WRITE = WriteKey(principal="alice", mutation="createCustomer", key="k", input_hash="input")
AFTER_LEASE = LEASE.until + timedelta(microseconds=1)
PROBLEM = Problem(code=ProblemCode.REJECTED, message="No such address.", backend="uk", vendor_code="E17")


def intent(what: str, backend: str = "uk", **given: Any) -> Intent:
    """An item about a record called ``what``; the same word is the same sending."""
    values: dict[str, Any] = {
        "target": Ref("Invoice", backend, what),
        "stable_id": what,
        "fingerprint": f"{backend} {what}",
        "recipients": None,
    }
    return Intent(**values | given)


def request(*intents: Intent | str, **given: Any) -> Request:
    """A run over ``intents``, or over the records that are named."""
    values: dict[str, Any] = {
        "action": DispatchAction.EMAIL,
        "mutation": "emailDocuments",
        "requested_by": "alice",
        "at": NOW,
        "asked": {"documents": ["…"]},
        "input_hash": "input",
        "intents": [intent(given) if isinstance(given, str) else given for given in intents],
    }
    return Request(**values | given)


def single(what: str, **given: Any) -> Request:
    """A single send: claimed from the start, refused when it was sent before."""
    return request(what, **{"claim": LEASE, "strict": True} | given)


async def begun(ledger: Ledger, *intents: Intent | str, **given: Any) -> Begun:
    """What the ledger wrote."""
    return await ledger.begin(request(*intents, **given))


def settled(item: DispatchItem, state: ItemState, **given: Any) -> Settlement:
    """What became of the very attempt that ``item`` is at."""
    return Settlement(number=item.number, attempt=item.attempt, state=state, **given)


def all_settled(items: Iterable[DispatchItem], state: ItemState) -> list[Settlement]:
    """The same of each."""
    return [settled(item, state) for item in items]


async def in_state(ledger: Ledger, state: ItemState, what: str = "a") -> DispatchItem:
    """The only item of a new dispatch, brought to a state the way it gets there."""
    if state is ItemState.SKIPPED:
        await begun(ledger, what)
    dispatch = (await begun(ledger, what)).dispatch
    if state not in (ItemState.QUEUED, ItemState.CANCELLED, ItemState.SKIPPED):
        (item,) = await ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
        if state is not ItemState.SENDING:
            assert await ledger.settle([settled(item, state)], at=NOW) == [True]
    elif state is ItemState.CANCELLED:
        assert await ledger.cancel(dispatch.id, at=NOW) == 1
    found = await only_item(ledger, dispatch.id)
    assert found.state is state
    return found


async def only_item(ledger: Ledger, dispatch_id: str) -> DispatchItem:
    """The only item of a dispatch, as it stands."""
    (item,) = await ledger.items(dispatch_id)
    return item


def names(items: Sequence[DispatchItem]) -> list[str]:
    """Which records the items are about."""
    return [item.target.native_id for item in items]
