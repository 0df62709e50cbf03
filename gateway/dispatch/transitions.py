"""The ledger's transactions that move items: claimed, settled, retried, cancelled, expired; by compare-and-set only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, exists, or_, select, tuple_, update

from gateway.dispatch.intending import ROWS_AT_ONCE
from gateway.dispatch.ledger import Claim, Settlement
from gateway.dispatch.records import TRANSITIONS, DispatchItem, ItemState
from gateway.dispatch.rows import chunks, item_of, json_text, settled_values
from gateway.dispatch.tables import HELD_ITEMS, QUEUED_ITEMS, SENDING_ITEMS, dispatches, items
from gateway.problems import Problem, ProblemCode

__all__ = ["cancel_items", "claim_items", "conclude", "expire_items", "retry_items", "settle_items"]

_BEGUN = (ItemState.SENDING, ItemState.UNKNOWN)
"""An attempt's outcome is news of an item only while it is being sent, or nobody knows what became of it."""

_NOT_QUEUED = [state.value for state in ItemState if state is not ItemState.QUEUED]
"""Asked of rows that are found by number: were it asked for QUEUED, SQLite would look through all that is queued."""

_EXPIRED = Problem(
    code=ProblemCode.OUTCOME_UNKNOWN,
    message="Whoever was sending this did not live to hear the answer; it may have gone out.",
)


def claim_items(
    connection: Connection, dispatch_id: str, backend: str, first: int, claim: Claim
) -> Sequence[DispatchItem]:
    """Claims the next QUEUED items of a dispatch at one backend."""
    following = (
        select(items.c.number)
        .where(items.c.dispatch_id == dispatch_id, items.c.backend == backend, QUEUED_ITEMS)
        .order_by(items.c.number)
        .limit(first)
        .with_for_update(skip_locked=True)
        .cte("following")
        .prefix_with("MATERIALIZED")  # evaluated once: PostgreSQL may otherwise lock, and take, more than asked for
    )
    taking = (
        update(items)
        .where(items.c.number.in_(select(following.c.number)), items.c.state.not_in(_NOT_QUEUED))
        .values(
            state=ItemState.SENDING.value,
            attempt=items.c.attempt + 1,
            owner=claim.owner,
            lease_until=claim.until,
            problem=None,
            vendor_message=None,
            vendor_code=None,
            evidence=None,
        )
        .returning(items)
    )
    return sorted(map(item_of, connection.execute(taking)), key=lambda item: item.number)


def settle_items(connection: Connection, settlements: Sequence[Settlement], at: datetime) -> Sequence[bool]:
    """Settles attempts; False for one whose item has moved on. Those that say the same are one statement."""
    alike: dict[Settlement, list[Settlement]] = {}
    for settlement in settlements:
        alike.setdefault(replace(settlement, number=0, attempt=0), []).append(settlement)
    settled: set[tuple[int, int, Settlement]] = set()
    concerned: set[str] = set()
    for said, those in alike.items():
        for part in chunks(those, ROWS_AT_ONCE):
            for number, attempt, dispatch_id in connection.execute(_settling(said, part, at)):
                settled.add((number, attempt, said))
                concerned.add(dispatch_id)
    if concerned:
        conclude(connection, concerned, at)
    return [(s.number, s.attempt, replace(s, number=0, attempt=0)) in settled for s in settlements]


def retry_items(connection: Connection, dispatch_id: str) -> int:
    """FAILED items back to QUEUED."""
    other = items.alias()
    # HELD_ITEMS speaks of the innermost table's `state`: the other item's
    elsewhere = exists().where(other.c.fingerprint == items.c.fingerprint, HELD_ITEMS)
    allowed = or_(~elsewhere, items.c.resent_in != "")
    result = connection.execute(
        update(items)
        .where(items.c.dispatch_id == dispatch_id, items.c.state == ItemState.FAILED.value, allowed)
        .values(state=ItemState.QUEUED.value, problem=None, settled_at=None)
    )
    if result.rowcount:
        going_on = {"finished_at": None, "cancelled_at": None}
        connection.execute(update(dispatches).where(dispatches.c.id == dispatch_id).values(going_on))
    return result.rowcount


def cancel_items(connection: Connection, dispatch_id: str, at: datetime) -> int:
    """QUEUED items to CANCELLED, and those that come back to the queue later."""
    cancelling = update(dispatches).where(dispatches.c.id == dispatch_id, dispatches.c.finished_at.is_(None))
    connection.execute(cancelling.values(cancelled_at=at))
    cancelled = connection.execute(_cancelling(at).where(items.c.dispatch_id == dispatch_id))
    conclude(connection, [dispatch_id], at)
    return cancelled.rowcount


def expire_items(connection: Connection, now: datetime) -> int:
    """Items still SENDING after their lease to UNKNOWN."""
    lost = {
        "state": ItemState.UNKNOWN.value,
        "problem": json_text(_EXPIRED),
        "owner": None,
        "lease_until": None,
        "settled_at": now,
    }
    expiring = update(items).where(SENDING_ITEMS, items.c.lease_until < now).values(lost)
    concerned = connection.execute(expiring.returning(items.c.dispatch_id)).scalars().all()
    if concerned:
        conclude(connection, set(concerned), now)
    return len(concerned)


def conclude(connection: Connection, concerned: Iterable[str], at: datetime) -> None:
    """After items have moved: what came back to the queue of a cancelled dispatch is cancelled; what is done, finished.

    The dispatches' rows are locked first: of two that settle the last items at once, the later sees what the earlier
    did, and a cancellation comes wholly before or wholly after.
    """
    locking = select(dispatches.c.id, dispatches.c.cancelled_at).where(dispatches.c.id.in_(concerned))
    rows = connection.execute(locking.order_by(dispatches.c.id).with_for_update(key_share=True))
    cancelled = [row.id for row in rows if row.cancelled_at is not None]
    if cancelled:
        connection.execute(_cancelling(at).where(items.c.dispatch_id.in_(cancelled)))
    mine = items.c.dispatch_id == dispatches.c.id
    connection.execute(
        update(dispatches)
        .where(
            dispatches.c.id.in_(concerned),
            dispatches.c.finished_at.is_(None),
            ~exists().where(mine, QUEUED_ITEMS),
            ~exists().where(mine, SENDING_ITEMS),
        )
        .values(finished_at=at, paused=None)
    )


def _settling(said: Settlement, those: Sequence[Settlement], at: datetime) -> Any:
    """Compare and set: only the very attempts, and only out of a state that leads here."""
    sources = [state.value for state in _BEGUN if said.state in TRANSITIONS[state]]
    attempts = [(settlement.number, settlement.attempt) for settlement in those]
    return (
        update(items)
        .where(
            items.c.number.in_([number for number, _ in attempts]),  # what SQLite finds rows by; pairs it compares
            tuple_(items.c.number, items.c.attempt).in_(attempts),
            items.c.state.in_(sources),
        )
        .values(settled_values(said, at))
        .returning(items.c.number, items.c.attempt, items.c.dispatch_id)
    )


def _cancelling(at: datetime) -> Any:
    return update(items).where(QUEUED_ITEMS).values(state=ItemState.CANCELLED.value, settled_at=at)
