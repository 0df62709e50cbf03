"""Finds dispatches and items in the database: the statements, and what of a query they leave to be looked at here."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, select

from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.records import Dispatch, DispatchItem
from gateway.dispatch.rows import dispatch_of, item_of
from gateway.dispatch.tables import dispatches, items
from gateway.ids import Ref

__all__ = ["about", "dispatch_of_id", "dispatches_of_ids", "find_dispatches", "items_where"]

ROWS_AT_ONCE = 200
"""Dispatches read at once where a query leaves something to be looked at here; each has its items counted."""


_DISPATCHES = select(dispatches).where(dispatches.c.id.in_(bindparam("ids", expanding=True)))
_COUNTING = (
    select(items.c.dispatch_id, items.c.state, func.count())
    .where(items.c.dispatch_id.in_(bindparam("ids", expanding=True)))
    .group_by(items.c.dispatch_id, items.c.state)
)


def items_where(connection: Connection, *conditions: Any, first: int | None = None) -> list[DispatchItem]:
    """Items in order."""
    statement = select(items).where(*conditions).order_by(items.c.number).limit(first)
    return [item_of(row) for row in connection.execute(statement)]


def dispatch_of_id(connection: Connection, dispatch_id: str) -> Dispatch | None:
    """One dispatch as it stands, or None."""
    found = dispatches_of_ids(connection, (dispatch_id,))
    return found[0] if found else None


def dispatches_of_ids(connection: Connection, dispatch_ids: Sequence[str]) -> list[Dispatch]:
    """Those of these dispatches that are there, as they stand."""
    rows = connection.execute(_DISPATCHES, {"ids": list(dispatch_ids)}).all()
    return _counted(connection, rows) if rows else []


def find_dispatches(connection: Connection, query: DispatchQuery) -> list[Dispatch]:
    """Dispatches, newest first. A dispatch's backends and its state are looked at here: neither is a column."""
    plain = query.visible is None and query.backends is None and query.states is None
    size = query.first if plain else ROWS_AT_ONCE
    found: list[Dispatch] = []
    before = query.before
    while len(found) < query.first:
        statement = select(dispatches).where(*_conditions(query, before))
        rows = (connection.execute(statement.order_by(dispatches.c.number.desc()).limit(size))).all()
        found += [dispatch for dispatch in _counted(connection, rows) if _matches(dispatch, query)]
        if len(rows) < size:
            break
        before = rows[-1].number
    return found[: query.first]


def about(target: Ref) -> list[Any]:
    """The conditions on an item to be about one record."""
    return [
        items.c.backend == target.backend,
        items.c.type == target.type,
        items.c.native_id == target.native_id,
    ]


def _counted(connection: Connection, rows: Sequence[Row[Any]]) -> list[Dispatch]:
    counts: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    for dispatch_id, state, count in connection.execute(_COUNTING, {"ids": list(counts)}):
        counts[dispatch_id][state] = count
    return [dispatch_of(row, counts[row.id]) for row in rows]


def _conditions(query: DispatchQuery, before: int | None) -> list[Any]:
    conditions: list[Any] = []
    if before is not None:
        conditions.append(dispatches.c.number < before)
    if query.actions is not None:
        conditions.append(dispatches.c.action.in_([action.value for action in query.actions]))
    if query.since is not None:
        conditions.append(dispatches.c.requested_at >= query.since)
    if query.until is not None:
        conditions.append(dispatches.c.requested_at < query.until)
    if query.requested_by is not None:
        conditions.append(dispatches.c.requested_by == query.requested_by)
    if query.customer is not None:
        conditions.append(exists().where(items.c.dispatch_id == dispatches.c.id, *about(query.customer)))
    return conditions


def _matches(dispatch: Dispatch, query: DispatchQuery) -> bool:
    return (
        (query.visible is None or dispatch.backends <= query.visible)
        and (query.backends is None or bool(dispatch.backends & query.backends))
        and (query.states is None or dispatch.state in query.states)
    )
