"""Writes the items of a new dispatch: each holds its fingerprint, or is SKIPPED because another item holds it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dispatch.database import LostRaceError
from gateway.dispatch.finding import items_where
from gateway.dispatch.fingerprint import resend_of
from gateway.dispatch.ledger import AlreadySentError, Intent, Request
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.dispatch.rows import chunks, item_row, json_text
from gateway.dispatch.tables import HELD_ITEMS, items
from gateway.problems import Problem, ProblemCode

__all__ = ["ROWS_AT_ONCE", "holders", "insert_items"]

ROWS_AT_ONCE = 500
"""Rows in one statement: 16 columns each stay far below the 32,766 parameters that SQLite takes."""


async def insert_items(
    connection: AsyncConnection, insert: Callable[..., Any], dispatch_id: str, request: Request
) -> None:
    """Writes the items, in the order asked for save that what is SKIPPED comes last of its 500.

    Raises `AlreadySentError` where the request is strict.
    """
    statement = (
        insert(items)
        .on_conflict_do_nothing(index_elements=[items.c.fingerprint], index_where=HELD_ITEMS)
        .returning(items.c.fingerprint)
    )
    for part in chunks(request.intents, ROWS_AT_ONCE):
        rows, repeated = _rows(dispatch_id, part, request)
        written = set((await connection.execute(statement, list(rows.values()))).scalars())
        refused = [row for fingerprint, row in rows.items() if fingerprint not in written] + repeated
        if refused:
            held = await holders(connection, [row["fingerprint"] for row in refused])
            skipped = [_skipped(row, held, request) for row in refused]
            await connection.execute(items.insert(), skipped)


def _rows(
    dispatch_id: str, intents: Sequence[Intent], request: Request
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The rows by fingerprint, and those whose fingerprint is among them already."""
    rows: dict[str, dict[str, Any]] = {}
    repeated: list[dict[str, Any]] = []
    for intent in intents:
        own = resend_of(intent.fingerprint, dispatch_id) if request.resend else intent.fingerprint
        row = item_row(dispatch_id, intent, request, own)
        if rows.setdefault(own, row) is not row:
            repeated.append(row)
    return rows, repeated


async def holders(connection: AsyncConnection, fingerprints: Sequence[str]) -> dict[str, DispatchItem]:
    """The items that hold these fingerprints, by fingerprint."""
    found: dict[str, DispatchItem] = {}
    for part in chunks(fingerprints, ROWS_AT_ONCE):
        holding = await items_where(connection, items.c.fingerprint.in_(part), HELD_ITEMS)
        found |= {item.fingerprint: item for item in holding}
    return found


def _skipped(row: dict[str, Any], held: Mapping[str, DispatchItem], request: Request) -> dict[str, Any]:
    holder = held.get(row["fingerprint"])
    if holder is None:
        raise LostRaceError("what held the fingerprint let go of it meanwhile")
    if request.strict:
        raise AlreadySentError(holder)
    problem = Problem(
        code=ProblemCode.ALREADY_SENT,
        message=f"Not sent: {_reason(holder, row)}",
        backend=row["backend"],
    )
    return row | {
        "state": ItemState.SKIPPED.value,
        "attempt": 0,
        "owner": None,
        "lease_until": None,
        "problem": json_text(problem),
        "settled_at": request.at,
    }


def _reason(holder: DispatchItem, row: Mapping[str, Any]) -> str:
    if holder.dispatch_id == row["dispatch_id"]:
        return "it is in this request twice."
    since = holder.requested_at.isoformat(timespec="seconds")
    how = holder.state.value.lower()
    return f"it was sent before, or is about to be ({how}, asked for {since}). `resend` sends it again."
