"""Reading the ledger for a request: only what its principal may see."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.places import DISPATCHES, LedgerPlaces, items_about, items_of
from gateway.dispatch.records import Dispatch, ItemState
from gateway.ids import Ref
from gateway.lists import PageInfo
from gateway.loaders import each
from gateway.safe_loader import together

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["DispatchItemLoader", "DispatchListLoader", "ItemsKey", "dispatches_of", "visible_keys"]


class LedgerEdge:
    """A record of the ledger and its place, which costs something to tell."""

    __slots__ = ("_name", "_places", "node")

    def __init__(self, node: Any, places: LedgerPlaces, name: str) -> None:
        self.node = node
        self._places = places
        self._name = name

    @property
    def cursor(self) -> str:
        """The record's place in the list."""
        return self._places.cursor(self._name, self.node.number)


class LedgerConnection:
    """A part of a list out of the ledger: of the one of this name, whose cursors are `LedgerPlaces`."""

    def __init__(self, found: Sequence[Any], places: LedgerPlaces, name: str, *, first: int, after: str | None) -> None:
        self.nodes = list(found[:first])
        self.edges = [LedgerEdge(node, places, name) for node in self.nodes]
        self.total_count = None
        ends = (self.edges[0].cursor, self.edges[-1].cursor) if self.edges else (None, None)
        self.page_info = PageInfo(len(found) > first, after is not None, *ends)


class ItemsKey(Struct, frozen=True, kw_only=True):
    """The items of a dispatch, in order, or those about a record, newest first."""

    dispatch_id: str | None = None
    target: Ref | None = None
    states: frozenset[ItemState] | None = None
    first: int
    after: str | None


def visible_keys(context: "RequestContext") -> frozenset[str] | None:
    """The keys of the backends that the principal may see; None for all."""
    return context.principal.backends


def dispatches_of(context: "RequestContext") -> Callable[[Sequence[str]], Awaitable[list[Dispatch | None]]]:
    """Reads dispatches by their ledger ids, as they stand, or None."""

    async def read(dispatch_ids: Sequence[str]) -> list[Dispatch | None]:
        found = await context.sending.ledger.get_many(dispatch_ids, visible_keys(context))
        return [found.get(dispatch_id) for dispatch_id in dispatch_ids]

    return read


class DispatchListLoader:
    """Dispatches, newest first."""

    apart = staticmethod(together)

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """For many keys, in their order."""
        return each(self, keys)

    async def load(self, key: tuple[DispatchQuery, str | None]) -> LedgerConnection:
        """The connection for a query and a cursor."""
        query, after = key
        found = await self._context.sending.ledger.find(query)
        return LedgerConnection(found, self._context.places, DISPATCHES, first=query.first - 1, after=after)


class DispatchItemLoader:
    """The items of a dispatch, or those about a record."""

    apart = staticmethod(together)

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """For many keys, in their order."""
        return each(self, keys)

    async def load(self, key: ItemsKey) -> LedgerConnection:
        """The connection for a key."""
        ledger, places = self._context.sending.ledger, self._context.places
        if key.target is not None:
            name = items_about(key.target)
            found = await ledger.items_for(key.target, before=places.place(name, key.after), first=key.first + 1)
        else:
            assert key.dispatch_id is not None  # noqa: S101 - one of the two is given
            name = items_of(key.dispatch_id)
            after = places.place(name, key.after) or 0
            found = await ledger.items(key.dispatch_id, states=key.states, after=after, first=key.first + 1)
        return LedgerConnection(found, places, name, first=key.first, after=key.after)
