"""Writes the items of a new dispatch: each holds its fingerprint, or is SKIPPED because another item holds it.

Or because it is withheld. What was sent before is the stronger reason: it says by which dispatch.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from gateway.dispatch.database import LostRaceError, insert_for
from gateway.dispatch.finding import items_where
from gateway.dispatch.ledger import AlreadySentError, Intent, Request, WithheldError
from gateway.dispatch.prepared import Prepared
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.dispatch.rows import begun_item, chunks, item_of, item_row, json_text
from gateway.dispatch.tables import HELD_ITEMS, SENDING_ITEMS, items
from gateway.problems import Problem, ProblemCode

__all__ = ["ROWS_AT_ONCE", "holders", "insert_items"]

ROWS_AT_ONCE = 500
"""Rows in one statement: 19 columns each stay far below the 32,766 parameters that SQLite takes."""


_HELD = select(items).where(items.c.fingerprint.in_(bindparam("fingerprints", expanding=True)), HELD_ITEMS)
_NEWEST_LAST = Prepared(_HELD.order_by(items.c.number), list(items.c))
_OWN_NEWEST_LAST = Prepared(_HELD.where(items.c.resent_in == bindparam("own")).order_by(items.c.number), list(items.c))


@functools.cache
def _inserting(dialect: str) -> Any:
    return (
        insert_for(dialect, items)
        .on_conflict_do_nothing(index_elements=[items.c.fingerprint, items.c.resent_in], index_where=HELD_ITEMS)
        .returning(items.c.number)
    )


@functools.cache
def _inserting_one(dialect: str) -> Prepared:
    return Prepared(_inserting(dialect), [items.c.number])


class Inserted(Struct, frozen=True):
    """How many items were written in each state, and those that are claimed from the start."""

    counts: Mapping[ItemState, int]
    claimed: Sequence[DispatchItem]


def insert_items(connection: Connection, dispatch_id: str, request: Request) -> Inserted:
    """Writes the items in the order asked for.

    Raises `AlreadySentError` or `WithheldError` where the request is strict.
    """
    counts: Counter[ItemState] = Counter()
    only: int | None = None
    for part in chunks(request.intents, ROWS_AT_ONCE):
        # What was sent before does not keep a sending back that is asked for again, save for this very request.
        fingerprints = [intent.fingerprint for intent in part]
        held = holders(connection, fingerprints, own=dispatch_id if request.resend else None)
        rows = _rows(dispatch_id, part, held, request)
        written = _insert(connection, rows)
        if len(written) < len(rows):
            raise LostRaceError("another dispatch took a fingerprint meanwhile")
        counts.update(ItemState(row["state"]) for row in rows)
        only = written[0].number
    if request.claim is None:
        return Inserted(counts, [])
    if len(request.intents) == 1 and counts[ItemState.SENDING] and only is not None:
        return Inserted(counts, [begun_item(only, dispatch_id, request.intents[0], request)])
    return Inserted(counts, items_where(connection, items.c.dispatch_id == dispatch_id, SENDING_ITEMS))


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> Sequence[Any]:
    dialect = connection.dialect.name
    if len(rows) == 1:
        return _inserting_one(dialect).run(connection, rows[0])
    return connection.execute(_inserting(dialect), rows).all()


def holders(connection: Connection, fingerprints: Sequence[str], *, own: str | None = None) -> dict[str, DispatchItem]:
    """The items that hold these fingerprints, by fingerprint; the newest, where resending made it several.

    With ``own`` only those that were sent again in that very dispatch.
    """
    found: dict[str, DispatchItem] = {}
    for part in chunks(fingerprints, ROWS_AT_ONCE):
        given = {"fingerprints": list(part)}
        rows = (
            _NEWEST_LAST.run(connection, given)
            if own is None
            else _OWN_NEWEST_LAST.run(connection, given | {"own": own})
        )
        found |= {item.fingerprint: item for item in map(item_of, rows)}
    return found


def _rows(
    dispatch_id: str, intents: Sequence[Intent], held: Mapping[str, DispatchItem], request: Request
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for intent in intents:
        row = item_row(dispatch_id, intent, request)
        holder = held.get(intent.fingerprint)
        if intent.fingerprint in seen or (holder is not None and holder.dispatch_id == dispatch_id):
            row |= _skipped(_already("it is in this request twice.", intent), request)
        elif holder is not None and request.strict:
            raise AlreadySentError(holder)
        elif holder is not None:
            row |= _skipped(_already(_reason(holder), intent), request)
        elif intent.withheld is not None and request.strict:
            raise WithheldError(intent.withheld)
        elif intent.withheld is not None:
            row |= _skipped(intent.withheld, request)
        seen.add(intent.fingerprint)
        rows.append(row)
    return rows


def _already(reason: str, intent: Intent) -> Problem:
    return Problem(code=ProblemCode.ALREADY_SENT, message=f"Not sent: {reason}", backend=intent.target.backend)


def _skipped(problem: Problem, request: Request) -> dict[str, Any]:
    return {
        "state": ItemState.SKIPPED.value,
        "attempt": 0,
        "owner": None,
        "lease_until": None,
        "claimed_at": None,
        "claimed_attempt": None,
        "problem": json_text(problem),
        "settled_at": request.at,
    }


def _reason(holder: DispatchItem) -> str:
    how = holder.state.value.lower()
    since = holder.requested_at.isoformat(timespec="seconds")
    return f"it was sent before, or is about to be ({how}, asked for {since}). `resend` sends it again."
