"""Reading the ledger for a request: only what its principal may see."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.records import Dispatch, ItemState
from gateway.ids import Ref
from gateway.lists import PageInfo
from gateway.loaders import each
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.safe_loader import together

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["DispatchItemLoader", "DispatchListLoader", "ItemsKey", "dispatches_of", "visible_keys"]


class LedgerEdge(Struct, frozen=True):
    """A record of the ledger and its place."""

    node: Any
    cursor: str


class LedgerConnection:
    """A part of a list out of the ledger; cursors are places in the ledger."""

    def __init__(self, found: Sequence[Any], *, first: int, after: str | None) -> None:
        self.nodes = list(found[:first])
        self.edges = [LedgerEdge(node, str(node.number)) for node in self.nodes]
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


def place(cursor: str | None) -> int | None:
    """The place in the ledger that a cursor stands for. Raises INVALID_INPUT."""
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        message = "This cursor was not made by this list."
        raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("after",)))
    return int(cursor)


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
        return LedgerConnection(found, first=query.first - 1, after=after)


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
        ledger = self._context.sending.ledger
        if key.target is not None:
            found = await ledger.items_for(key.target, before=place(key.after), first=key.first + 1)
        else:
            assert key.dispatch_id is not None  # noqa: S101 - one of the two is given
            found = await ledger.items(
                key.dispatch_id, states=key.states, after=place(key.after) or 0, first=key.first + 1
            )
        return LedgerConnection(found, first=key.first, after=key.after)
