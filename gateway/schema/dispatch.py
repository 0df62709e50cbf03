"""Dispatches: requests to send, as the ledger has them."""

import datetime
from typing import Annotated, Any

import strawberry

from gateway.context import Ask, RequestContext
from gateway.dispatch import records
from gateway.dispatch.loading import ItemsKey
from gateway.dispatch.records import DispatchAction, DispatchState, ItemState
from gateway.list_sizes import MOST_STATES, no_more_than
from gateway.schema.dispatch_item import DispatchItemConnection
from gateway.schema.fields import attribute, derived, load
from gateway.schema.node import Node
from gateway.schema.paging import After, First, PageInfo, page_size

__all__ = ["Dispatch", "DispatchConnection", "DispatchCounts", "DispatchEdge", "DispatchFilter"]


@strawberry.type(description="The items of a dispatch, counted by state.")
class DispatchCounts:
    """Items by state."""

    total: int = strawberry.field(description="All of them.")
    queued: int = strawberry.field(description="Not begun.")
    sending: int = strawberry.field(description="The vendor is being asked.")
    accepted: int = strawberry.field(description="The vendor took them.")
    failed: int = strawberry.field(description="Proved not to have gone.")
    unknown: int = strawberry.field(description="May or may not have gone.")
    skipped: int = strawberry.field(description="Not attempted.")
    cancelled: int = strawberry.field(description="Cancelled before they began.")


@strawberry.type(description="One request to send: a single document, or thousands of statements.")
class Dispatch(Node):
    """One request to send."""

    action: DispatchAction = attribute("action", "How it is sent.")
    state: DispatchState = attribute("state", "How it stands as a whole.")
    idempotency_key: str | None = attribute("idempotency_key", "The key that it was asked for under.")

    @derived("Its items, counted by state.")
    def counts(self: records.Dispatch, context: RequestContext) -> DispatchCounts:
        """Its items, counted by state."""
        by_state = {state.value.lower(): self.counts.get(state, 0) for state in ItemState}
        return DispatchCounts(total=sum(by_state.values()), **by_state)

    @load("dispatch_items", "Its items, in the order they were asked for.", returns=DispatchItemConnection)
    def items(
        self: records.Dispatch,
        ask: Ask,
        first: First = 100,
        after: After = None,
        states: Annotated[
            list[ItemState] | None, strawberry.argument(description="Only items that stand like this.")
        ] = None,
    ) -> ItemsKey:
        """Its items."""
        no_more_than(states, MOST_STATES, "states")
        chosen = None if states is None else frozenset(states)
        return ItemsKey(dispatch_id=self.id, states=chosen, first=page_size(first, ask.context), after=after)

    requested_by: str | None = attribute("requested_by", "Who asked for it.")
    requested_at: datetime.datetime = attribute("requested_at", "When it was asked for.")
    finished_at: datetime.datetime | None = attribute("finished_at", "When the last of its items was settled.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a dispatch."""
        return isinstance(value, records.Dispatch)


@strawberry.type(description="A dispatch in a list.")
class DispatchEdge:
    """A dispatch in a list."""

    cursor: str = attribute("cursor", "Goes on after this dispatch.")
    node: Dispatch = attribute("node", "The dispatch.")


@strawberry.type(description="A part of the list of dispatches, newest first.")
class DispatchConnection:
    """A part of the list of dispatches."""

    edges: list[DispatchEdge] = attribute("edges", "The dispatches with their cursors.")
    nodes: list[Dispatch] = attribute("nodes", "The dispatches.")
    page_info: PageInfo = attribute("page_info", "Where this page stands.")
    total_count: int | None = attribute("total_count", "How many there are in all, where the ledger counts them.")


@strawberry.input(description="Which dispatches. Everything that is given must hold.")
class DispatchFilter:
    """Which dispatches."""

    backends: list[str] | None = strawberry.field(default=None, description="With items at one of these backends.")
    states: list[DispatchState] | None = strawberry.field(default=None, description="That stand like one of these.")
    actions: list[DispatchAction] | None = strawberry.field(default=None, description="That send in one of these ways.")
    customer: strawberry.ID | None = strawberry.field(
        default=None, description="With a statement to this customer among their items."
    )
    since: datetime.datetime | None = strawberry.field(
        default=None, description="Asked for at or after this time; without an offset, UTC."
    )
    until: datetime.datetime | None = strawberry.field(
        default=None, description="Asked for before this time; without an offset, UTC."
    )
    requested_by: str | None = strawberry.field(default=None, description="Asked for by this principal.")
