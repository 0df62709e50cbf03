"""Asks the vendors what became of UNKNOWN items, and settles those that the evidence decides."""

from collections.abc import Callable
from datetime import datetime

from adapters.contract import EvidenceRequest, OtherSending, SendAction, Verdict
from adapters.errors import AdapterError
from adapters.freshness import reading_fresh
from gateway.backends import Backends
from gateway.dispatch.ledger import Ledger, Settlement
from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, ItemState
from gateway.problems import incident_of

__all__ = ["reconcile"]

_VERDICTS = {Verdict.SENT: ItemState.ACCEPTED, Verdict.NOT_SENT: ItemState.FAILED, Verdict.UNDECIDED: ItemState.UNKNOWN}
_UNTIMED = (
    "But an older release began this, and did not write down when: it may speak of an earlier sending. Look at the "
    "record there."
)
_ITEMS_AT_ONCE = 100
_MAY_HAVE_GONE = (ItemState.SENDING, ItemState.ACCEPTED, ItemState.UNKNOWN)


async def reconcile(
    ledger: Ledger, dispatch: Dispatch, backends: Backends, *, clock: Callable[[], datetime]
) -> Dispatch:
    """The dispatch after each of its UNKNOWN items was asked about."""
    unknown = frozenset((ItemState.UNKNOWN,))
    after = 0
    while items := await ledger.items(dispatch.id, states=unknown, after=after):
        for item in items:
            found = await _evidence(ledger, dispatch, item, backends)
            await ledger.settle([found], at=clock())
        after = items[-1].number
    return await ledger.get(dispatch.id, None) or dispatch


async def _evidence(ledger: Ledger, dispatch: Dispatch, item: DispatchItem, backends: Backends) -> Settlement:
    backend = backends.get(item.target.backend)
    find = None if backend is None else backend.adapter.evidence
    if backend is None or find is None:
        return _undecided(item, "The backend keeps no evidence that can be asked for: look at the record there.")
    request = EvidenceRequest(
        action=SendAction(dispatch.action.value),
        native_id=item.target.native_id,
        stable_id=item.stable_id,
        since=item.claimed_at or item.requested_at,
        until=item.settled_at,
        recipients=item.recipients,
        unsent_before=item.unsent_at is not None,
        others=await _others(ledger, dispatch.action, item),
    )
    try:
        with reading_fresh():
            evidence = await find(request)
    except AdapterError as error:
        incident_of(error)
        return _undecided(item, f"The backend could not be asked: {error.message}")
    state = _VERDICTS[evidence.verdict]
    if state is ItemState.UNKNOWN:
        return _undecided(item, evidence.text)
    if state is ItemState.ACCEPTED and item.claimed_at is None:
        return _undecided(item, f"{evidence.text} {_UNTIMED}")
    return Settlement(number=item.number, attempt=item.attempt, state=state, evidence=evidence.text)


async def _others(ledger: Ledger, action: DispatchAction, item: DispatchItem) -> tuple[OtherSending, ...]:
    """What else of the same record went out by this channel, or may have; newest first."""
    found: list[OtherSending] = []
    before: int | None = None
    while page := await ledger.items_for(item.target, before=before, first=_ITEMS_AT_ONCE):
        for other in page:
            if other.number == item.number or other.state not in _MAY_HAVE_GONE:
                continue
            dispatch = await ledger.get(other.dispatch_id, None)
            if dispatch is not None and dispatch.action is action:
                found.append(OtherSending(since=other.requested_at, until=other.settled_at))
        before = page[-1].number
    return tuple(found)


def _undecided(item: DispatchItem, text: str) -> Settlement:
    return Settlement(number=item.number, attempt=item.attempt, state=ItemState.UNKNOWN, evidence=text)
