"""What a scenario came to: what left the house, against what the ledger says of it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.ids import decode
from tests.faults.vendors import Sent

__all__ = ["Figures", "aligned", "figures_of", "ledger_items", "table"]

_ALL = 1_000_000
_PENDING = (ItemState.QUEUED, ItemState.SENDING)
_HEADINGS = ("scenario", "items", "sent", "twice", "lost", "FAILED, yet sent", "UNKNOWN", "at most")


class Figures(Struct, frozen=True, kw_only=True):
    """The counts of one scenario.

    ``twice``: left the house more than once. ``lost``: ACCEPTED but never left the house, left it without an item in
    the ledger, or still pending when all was over. ``denied``: FAILED, although it left the house. ``unknown`` may be
    ``bound`` at most: calls in flight × batch size, for each crash or answer that proves nothing.
    """

    scenario: str
    items: int
    sent: int
    twice: int
    lost: int
    denied: int
    unknown: int
    bound: int

    def check(self) -> None:
        """Fails where a promise was broken."""
        assert (self.twice, self.lost, self.denied) == (0, 0, 0), self
        assert self.unknown <= self.bound, self


def ledger_items(url: str, dispatch: str | None = None) -> list[DispatchItem]:
    """Every item in a ledger, or of one dispatch alone, by its global id."""
    return asyncio.run(_items(url, None if dispatch is None else decode(dispatch).native_id))


async def _items(url: str, only: str | None) -> list[DispatchItem]:
    database = Database(url)
    ledger = SqlLedger(database)
    found: list[DispatchItem] = []
    for dispatch in await ledger.find(DispatchQuery(visible=None, first=_ALL)):
        if only in (None, dispatch.id):
            found += await ledger.items(dispatch.id, first=_ALL)
    await database.close()
    return found


def figures_of(scenario: str, items: Sequence[DispatchItem], outbox: Counter[Sent], *, bound: int) -> Figures:
    """Compares a ledger's items with what left the house, and how often."""
    by_state: dict[ItemState, set[Sent]] = {state: set() for state in ItemState}
    for item in items:
        by_state[item.state].add((item.target.backend, item.target.native_id))
    known = {(item.target.backend, item.target.native_id) for item in items}
    lost = [sent for sent in by_state[ItemState.ACCEPTED] if not outbox[sent]]
    lost += [sent for sent in outbox if sent not in known]
    lost += [(item.target.backend, item.target.native_id) for item in items if item.state in _PENDING]
    return Figures(
        scenario=scenario,
        items=len(items),
        sent=outbox.total(),
        twice=sum(times - 1 for times in outbox.values()),
        lost=len(lost),
        denied=sum(bool(outbox[sent]) for sent in by_state[ItemState.FAILED] - by_state[ItemState.ACCEPTED]),
        unknown=sum(item.state is ItemState.UNKNOWN for item in items),
        bound=bound,
    )


def table(rows: Iterable[Figures]) -> list[str]:
    """The figures, aligned."""
    lines: list[tuple[str, ...]] = [_HEADINGS]
    lines += [
        (row.scenario, *map(str, (row.items, row.sent, row.twice, row.lost, row.denied, row.unknown, row.bound)))
        for row in rows
    ]
    return aligned(lines)


def aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """The lines of a table; all columns but the first stand on the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
