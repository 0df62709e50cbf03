"""The ledger: every send is written here before the vendor is called, and its outcome after. The only truth."""

import itertools
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, DispatchState, ItemState
from gateway.ids import Ref
from gateway.problems import Problem

__all__ = ["DispatchQuery", "Intent", "Ledger", "MemoryLedger", "Settlement"]

_SETTLED_FROM = frozenset((ItemState.SENDING, ItemState.UNKNOWN))
"""What an item may be settled from: while it is sent, or later by evidence."""


class Intent(Struct, frozen=True, kw_only=True):
    """One item that is about to be sent."""

    target: Ref
    recipients: tuple[str, ...] | None


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of an item."""

    state: ItemState
    vendor_message: str | None = None
    problem: Problem | None = None
    evidence: str | None = None


class DispatchQuery(Struct, frozen=True, kw_only=True):
    """Which dispatches, newest first: those whose every backend is ``visible`` (None: all), and that match the rest."""

    visible: frozenset[str] | None
    backends: frozenset[str] | None = None
    states: frozenset[DispatchState] | None = None
    actions: frozenset[DispatchAction] | None = None
    customer: Ref | None = None
    since: datetime | None = None
    until: datetime | None = None
    requested_by: str | None = None
    before: int | None = None
    first: int = 50


class Ledger(Protocol):
    """Where sends are written. Every method is one transaction."""

    async def begin(
        self, action: DispatchAction, intents: Sequence[Intent], *, requested_by: str, at: datetime
    ) -> tuple[Dispatch, Sequence[DispatchItem]]:
        """Writes a dispatch with its items, all of them claimed: SENDING."""

    async def settle(self, number: int, settlement: Settlement, *, at: datetime) -> bool:
        """Settles an item that is SENDING or UNKNOWN; False when it is neither, and nothing changes."""

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""

    async def items(
        self, dispatch_id: str, *, states: frozenset[ItemState] | None = None, after: int = 0, first: int = 100
    ) -> Sequence[DispatchItem]:
        """A dispatch's items in order."""

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""


class MemoryLedger:
    """A ledger that lives as long as its process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._dispatches: dict[str, Dispatch] = {}
        self._items: dict[int, DispatchItem] = {}
        self._of_dispatch: dict[str, list[int]] = {}
        self._of_target: dict[Ref, list[int]] = {}

    async def begin(
        self, action: DispatchAction, intents: Sequence[Intent], *, requested_by: str, at: datetime
    ) -> tuple[Dispatch, Sequence[DispatchItem]]:
        """Writes a dispatch with its items, all of them claimed: SENDING."""
        dispatch = Dispatch(
            number=next(self._numbers),
            id=uuid.uuid4().hex,
            action=action,
            backends=frozenset(intent.target.backend for intent in intents),
            requested_by=requested_by,
            requested_at=at,
            counts={},
        )
        self._dispatches[dispatch.id] = dispatch
        self._of_dispatch[dispatch.id] = []
        for intent in intents:
            item = DispatchItem(
                number=next(self._numbers),
                dispatch_id=dispatch.id,
                target=intent.target,
                recipients=intent.recipients,
                state=ItemState.SENDING,
                requested_at=at,
            )
            self._items[item.number] = item
            self._of_dispatch[dispatch.id].append(item.number)
            self._of_target.setdefault(item.target, []).append(item.number)
        return self._as_it_stands(dispatch), self._all_items(dispatch.id)

    async def settle(self, number: int, settlement: Settlement, *, at: datetime) -> bool:
        """Settles an item that is SENDING or UNKNOWN; False when it is neither, and nothing changes."""
        item = self._items[number]
        if item.state not in _SETTLED_FROM:
            return False
        self._items[number] = msgspec.structs.replace(
            item,
            state=settlement.state,
            vendor_message=settlement.vendor_message or item.vendor_message,
            problem=settlement.problem,
            evidence=settlement.evidence or item.evidence,
            settled_at=at,
        )
        return True

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""
        dispatch = self._dispatches.get(dispatch_id)
        if dispatch is None or (visible is not None and not dispatch.backends <= visible):
            return None
        return self._as_it_stands(dispatch)

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""
        found: list[Dispatch] = []
        for stored in reversed(self._dispatches.values()):
            dispatch = self._as_it_stands(stored)
            if self._matches(dispatch, query):
                found.append(dispatch)
            if len(found) == query.first:
                break
        return found

    async def items(
        self, dispatch_id: str, *, states: frozenset[ItemState] | None = None, after: int = 0, first: int = 100
    ) -> Sequence[DispatchItem]:
        """A dispatch's items in order."""
        items = (item for item in self._all_items(dispatch_id) if item.number > after)
        return list(itertools.islice((item for item in items if states is None or item.state in states), first))

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""
        numbers = (n for n in reversed(self._of_target.get(target, [])) if before is None or n < before)
        return [self._items[number] for number in itertools.islice(numbers, first)]

    def _all_items(self, dispatch_id: str) -> list[DispatchItem]:
        return [self._items[number] for number in self._of_dispatch.get(dispatch_id, [])]

    def _as_it_stands(self, dispatch: Dispatch) -> Dispatch:
        items = self._all_items(dispatch.id)
        counts: Mapping[ItemState, int] = Counter(item.state for item in items)
        settled = [item.settled_at for item in items if item.settled_at is not None]
        finished = max(settled) if settled and len(settled) == len(items) else None
        return msgspec.structs.replace(dispatch, counts=counts, finished_at=finished)

    def _matches(self, dispatch: Dispatch, query: DispatchQuery) -> bool:
        return (
            (query.visible is None or dispatch.backends <= query.visible)
            and (query.backends is None or bool(dispatch.backends & query.backends))
            and (query.states is None or dispatch.state in query.states)
            and (query.actions is None or dispatch.action in query.actions)
            and (query.since is None or dispatch.requested_at >= query.since)
            and (query.until is None or dispatch.requested_at < query.until)
            and (query.requested_by is None or dispatch.requested_by == query.requested_by)
            and (query.before is None or dispatch.number < query.before)
            and (query.customer is None or any(i.target == query.customer for i in self._all_items(dispatch.id)))
        )
