"""The ledger's transactions that move items: claimed, settled, retried, cancelled, expired; by compare-and-set only."""

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Integer, bindparam, case, exists, or_, select, tuple_, update

from gateway.dispatch.intending import ROWS_AT_ONCE
from gateway.dispatch.ledger import LOST, Claim, Settlement
from gateway.dispatch.prepared import Prepared
from gateway.dispatch.records import TRANSITIONS, DispatchItem, ItemState
from gateway.dispatch.rows import chunks, item_of, json_text, settled_values
from gateway.dispatch.tables import HELD_ITEMS, QUEUED_ITEMS, SENDING_ITEMS, dispatches, items

__all__ = ["cancel_items", "claim_items", "conclude", "expire_items", "note_unsent", "retry_items", "settle_items"]

_BEGUN = (ItemState.SENDING, ItemState.UNKNOWN)
"""An attempt's outcome is news of an item only while it is being sent, or nobody knows what became of it."""

_NOT_QUEUED = [state.value for state in ItemState if state is not ItemState.QUEUED]
"""Asked of rows that are found by number: were it asked for QUEUED, SQLite would look through all that is queued."""

# Statements are built once: building one costs more than SQLite takes to run it. No parameter of an UPDATE is named as
# a column is: it would be taken for a value to set.

_FOLLOWING = (
    select(items.c.number)
    .where(items.c.dispatch_id == bindparam("of_dispatch"), items.c.backend == bindparam("at_backend"), QUEUED_ITEMS)
    .order_by(items.c.number)
    .limit(bindparam("first", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("following")
    .prefix_with("MATERIALIZED")  # evaluated once: PostgreSQL may otherwise lock, and take, more than asked for
)
_CLAIMING = Prepared(
    update(items)
    .where(items.c.number.in_(select(_FOLLOWING.c.number)), items.c.state.not_in(_NOT_QUEUED))
    .values(
        state=ItemState.SENDING.value,
        attempt=items.c.attempt + 1,
        owner=bindparam("new_owner", type_=items.c.owner.type),
        lease_until=bindparam("until", type_=items.c.lease_until.type),
        claimed_at=bindparam("since", type_=items.c.claimed_at.type),
        claimed_attempt=items.c.attempt + 1,
        problem=None,
        vendor_message=None,
        vendor_code=None,
        evidence=None,
        unsent_at=None,
    )
    .returning(items),
    list(items.c),
)
_NOTING_UNSENT = Prepared(
    update(items)
    .where(
        items.c.number.in_(bindparam("numbers", expanding=True)),  # as in `_settling`
        tuple_(items.c.number, items.c.attempt).in_(bindparam("attempts", expanding=True)),
        items.c.state.not_in([state.value for state in ItemState if state is not ItemState.SENDING]),
    )
    .values(unsent_at=bindparam("at", type_=items.c.unsent_at.type))
)
_LOCKING = Prepared(
    select(dispatches.c.id, dispatches.c.cancelled_at)
    .where(dispatches.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(dispatches.c.id)
    .with_for_update(key_share=True),
    [dispatches.c.id, dispatches.c.cancelled_at],
)
_FINISHING = Prepared(
    update(dispatches)
    .where(
        dispatches.c.id.in_(bindparam("ids", expanding=True)),
        dispatches.c.finished_at.is_(None),
        ~exists().where(items.c.dispatch_id == dispatches.c.id, QUEUED_ITEMS),
        ~exists().where(items.c.dispatch_id == dispatches.c.id, SENDING_ITEMS),
    )
    .values(finished_at=bindparam("at", type_=dispatches.c.finished_at.type), paused=None)
)


@functools.cache
def _settling(state: ItemState, columns: frozenset[str]) -> Prepared:
    """Compare and set: only the very attempts, and only out of a state that leads here."""
    sources = [source.value for source in _BEGUN if state in TRANSITIONS[source]]
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=items.c[name].type) for name in columns}
    if state is ItemState.UNKNOWN:  # what was so has been so since it was settled as that
        stays = items.c.state == ItemState.UNKNOWN.value
        values["settled_at"] = case((stays, items.c.settled_at), else_=values["settled_at"])
    return Prepared(
        update(items)
        .where(
            items.c.number.in_(bindparam("numbers", expanding=True)),  # what SQLite finds rows by; pairs it compares
            tuple_(items.c.number, items.c.attempt).in_(bindparam("attempts", expanding=True)),
            items.c.state.in_(sources),
        )
        .values(values)
        .returning(items.c.number, items.c.attempt, items.c.dispatch_id),
        [items.c.number, items.c.attempt, items.c.dispatch_id],
    )


def claim_items(
    connection: Connection, dispatch_id: str, backend: str, first: int, claim: Claim
) -> Sequence[DispatchItem]:
    """Claims the next QUEUED items of a dispatch at one backend."""
    those = {"of_dispatch": dispatch_id, "at_backend": backend, "first": first}
    claimed = _CLAIMING.run(connection, those | {"new_owner": claim.owner, "since": claim.at, "until": claim.until})
    return sorted(map(item_of, claimed), key=lambda item: item.number)


def settle_items(connection: Connection, settlements: Sequence[Settlement], at: datetime) -> Sequence[bool]:
    """Settles attempts; False for one whose item has moved on. Those that say the same are one statement."""
    alike: dict[Settlement, list[tuple[int, int]]] = {}
    said = [replace(settlement, number=0, attempt=0) for settlement in settlements]
    for settlement, same in zip(settlements, said, strict=True):
        alike.setdefault(same, []).append((settlement.number, settlement.attempt))
    settled: set[tuple[int, int, Settlement]] = set()
    concerned: set[str] = set()
    for same, attempts in alike.items():
        values = settled_values(same, at)
        settling = _settling(same.state, frozenset(values))
        given = {f"new_{name}": value for name, value in values.items()}
        for part in chunks(attempts, ROWS_AT_ONCE):
            these = {"numbers": [number for number, _ in part], "attempts": list(part)}
            for number, attempt, dispatch_id in settling.run(connection, given | these):
                settled.add((number, attempt, same))
                concerned.add(dispatch_id)
    if concerned:
        conclude(connection, concerned, at, requeued=any(same.state is ItemState.QUEUED for same in alike))
    return [(s.number, s.attempt, same) in settled for s, same in zip(settlements, said, strict=True)]


def note_unsent(connection: Connection, of: Sequence[DispatchItem], at: datetime) -> None:
    """Notes of attempts under way that the vendor's own status does not say that they were sent."""
    for part in chunks([(item.number, item.attempt) for item in of], ROWS_AT_ONCE):
        numbers = [number for number, _ in part]
        _NOTING_UNSENT.run(connection, {"numbers": numbers, "attempts": list(part), "at": at})


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
        "problem": json_text(LOST),
        "owner": None,
        "lease_until": None,
        "settled_at": now,
    }
    expiring = update(items).where(SENDING_ITEMS, items.c.lease_until < now).values(lost)
    concerned = connection.execute(expiring.returning(items.c.dispatch_id)).scalars().all()
    if concerned:
        conclude(connection, set(concerned), now)
    return len(concerned)


def conclude(connection: Connection, concerned: Iterable[str], at: datetime, *, requeued: bool = True) -> None:
    """After items have moved: what came back to the queue of a cancelled dispatch is cancelled; what is done, finished.

    The dispatches' rows are locked first: of two that settle the last items at once, the later sees what the earlier
    did, and a cancellation comes wholly before or wholly after. In SQLite, where one writes at a time, they need no
    lock, and are looked at only where something was ``requeued``.
    """
    ids = sorted(concerned)
    if requeued or connection.dialect.name != "sqlite":
        rows = _LOCKING.run(connection, {"ids": ids})
        cancelled = [row.id for row in rows if row.cancelled_at is not None]
        if cancelled:
            connection.execute(_cancelling(at).where(items.c.dispatch_id.in_(cancelled)))
    _FINISHING.run(connection, {"ids": ids, "at": at})


def _cancelling(at: datetime) -> Any:
    return update(items).where(QUEUED_ITEMS).values(state=ItemState.CANCELLED.value, settled_at=at)
