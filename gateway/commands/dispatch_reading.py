"""``postroom dispatches list``, ``show`` and ``export``: out of the ledger, whatever else runs or can be reached."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from gateway.commands.configuration import configured
from gateway.commands.dispatch_export import csv_to, write_csv
from gateway.commands.dispatch_ledger import OpenLedger, dispatches_of, items_of, opened
from gateway.commands.dispatch_telling import dispatch_json, dispatch_text, item_json, item_text, table
from gateway.commands.failure import CommandFailure
from gateway.commands.output import say
from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, DispatchState, ItemState

__all__ = ["Filters", "export", "list_", "show"]

Flag = Parameter(negative=())
Many = Parameter(negative=(), show_default=False)
ItemStates = Annotated[tuple[ItemState, ...], Many]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which dispatches; all that is given must hold.

    Args:
        state: That stand like this; may be repeated.
        backend: With items at the backend of this key; may be repeated.
        action: That send in this way; may be repeated.
        since: Asked for at or after this time, such as 2026-03-31 or 2026-03-31T16:00; without an offset, UTC.
        until: Asked for before this time.
        config: The configuration; postroom.toml in this folder when absent.
    """

    state: Annotated[tuple[DispatchState, ...], Many] = ()
    backend: Annotated[tuple[str, ...], Many] = ()
    action: Annotated[tuple[DispatchAction, ...], Many] = ()
    since: datetime | None = None
    until: datetime | None = None
    config: Path | None = None

    def query(self, first: int = 1) -> DispatchQuery:
        """The same, as the ledger is asked."""
        return DispatchQuery(
            visible=None,
            states=frozenset(self.state) or None,
            backends=frozenset(self.backend) or None,
            actions=frozenset(self.action) or None,
            since=_aware(self.since),
            until=_aware(self.until),
            first=first,
        )


ALL = Filters()


async def list_(filters: Filters = ALL, *, limit: int = 20, json: Annotated[bool, Flag] = False) -> int:
    """Lists dispatches, newest first.

    Args:
        filters: Which.
        limit: At most so many.
        json: Print a JSON array.
    """
    if limit < 1:
        raise CommandFailure("--limit: must be 1 or more.", code=2)
    async with opened(configured(filters.config), read_only=True) as ledger:
        found = await ledger.ledger.find(filters.query(limit))
        if json:
            say(_json([dispatch_json(dispatch) for dispatch in found]))
        else:
            say(table(found) if found else "No dispatch matches.")
    return 0


async def show(
    id: str,
    /,
    *,
    items: Annotated[bool, Flag] = False,
    state: ItemStates = (),
    json: Annotated[bool, Flag] = False,
    config: Path | None = None,
) -> int:
    """Shows a dispatch.

    Args:
        id: The dispatch.
        items: Show its items too.
        state: Only items that stand like this; may be repeated, and stands for --items.
        json: Print a JSON object.
        config: The configuration; postroom.toml in this folder when absent.
    """
    async with opened(configured(config), read_only=True) as ledger:
        dispatch = await ledger.dispatch(id)
        wanted = items_of(ledger.ledger, dispatch.id, frozenset(state) or None) if items or state else None
        await (_show_json if json else _show_text)(dispatch, wanted)
    return 0


async def _show_text(dispatch: Dispatch, items: AsyncIterator[DispatchItem] | None) -> None:
    say(dispatch_text(dispatch))
    if items is not None:
        say()
        async for item in items:
            say(item_text(item))


async def _show_json(dispatch: Dispatch, items: AsyncIterator[DispatchItem] | None) -> None:
    """One object, written as it is read: its items may be many."""
    head = orjson.dumps(dispatch_json(dispatch)).decode()
    if items is None:
        say(_json(dispatch_json(dispatch)))
        return
    sys.stdout.write(head.removesuffix("}") + ',"items":[')
    separator = ""
    async for item in items:
        sys.stdout.write(separator + orjson.dumps(item_json(item)).decode())
        separator = ","
    say("]}")


async def export(filters: Filters = ALL, *, item_state: ItemStates = (), output: Path | None = None) -> int:
    """Writes items as CSV (RFC 4180, UTF-8), one row each; cells that a spreadsheet would compute begin with '.

    Args:
        filters: Of which dispatches.
        item_state: Only items that stand like this; may be repeated.
        output: The file to write; standard output when absent.
    """
    async with opened(configured(filters.config), read_only=True) as ledger:
        with csv_to(output) as file:
            count = await write_csv(_rows(ledger, filters.query(), frozenset(item_state) or None), file)
        if output is not None:
            say(f"{count} items are in {output}.")
    return 0


async def _rows(
    ledger: OpenLedger, query: DispatchQuery, states: frozenset[ItemState] | None
) -> AsyncIterator[tuple[Dispatch, DispatchItem]]:
    async for dispatch in dispatches_of(ledger.ledger, query):
        async for item in items_of(ledger.ledger, dispatch.id, states):
            yield dispatch, item


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0).decode()
