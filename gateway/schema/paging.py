"""Connections: Relay's, forward, with the problems of the backends they are made of."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from adapters.contract import Order
from adapters.filters import Filter, FilterOptions
from gateway.context import Ask, RequestContext
from gateway.list_sizes import no_more_than
from gateway.lists import ConnectionKey, Stream
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.fields import attribute
from gateway.schema.problem import ProblemType

__all__ = ["After", "Connection", "Edge", "First", "PageInfo", "connection_key", "no_more_than_a_page", "page_size"]

NodeT = TypeVar("NodeT")

First = Annotated[int, strawberry.argument(description="The most records to return.")]
After = Annotated[
    str | None,
    strawberry.argument(description="Go on after this cursor of the same list: same filter, order, backends."),
]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = attribute(
        "has_next_page", "Whether there is more: also while a backend that failed has not been read to its end."
    )
    has_previous_page: bool = attribute("has_previous_page", "Whether the page began after a cursor.")
    start_cursor: str | None = attribute("start_cursor", "The first record's cursor.")
    end_cursor: str | None = attribute("end_cursor", "Goes on after this page.")


@strawberry.type(description="A record in a list.")
class Edge(Generic[NodeT]):
    """A record in a list."""

    cursor: str = attribute("cursor", "Goes on after this record.")
    node: NodeT = attribute("node", "The record.")


@strawberry.type(description="A part of a list, over one backend or several.")
class Connection(Generic[NodeT]):
    """A part of a list."""

    edges: list[Edge[NodeT]] = attribute("edges", "The records with their cursors.")
    nodes: list[NodeT] = attribute("nodes", "The records.")
    page_info: PageInfo = attribute("page_info", "Where this page stands.")
    total_count: int | None = attribute(
        "total_count", "How many there are in all; null where a backend does not say, or did not answer."
    )
    problems: list[ProblemType] = attribute("problems", "What is missing from this page, and why.")


def no_more_than_a_page(values: Sequence[Any], ask: Ask, argument: str) -> None:
    """Raises INVALID_INPUT, naming the argument, for more values than a page may have records."""
    no_more_than(values, ask.context.limits.max_page, argument, of="ids")


def page_size(first: int, context: RequestContext) -> int:
    """The size of the page asked for. Raises INVALID_INPUT below 1 and above the gateway's maximum."""
    maximum = context.limits.max_page
    if not 1 <= first <= maximum:
        message = f"`first` is from 1 to {maximum}; {first} was asked for."
        raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("first",)))
    return first


def connection_key(
    ask: Ask,
    streams: Sequence[Stream],
    *types: str,
    first: int,
    after: str | None,
    tree: Filter | None = None,
    order: Order | None = None,
    options: FilterOptions | None = None,
    alone: bool = False,
) -> ConnectionKey:
    """The connection that a field is asked for, over these streams, of records of these types."""
    return ConnectionKey(
        streams=tuple(streams),
        first=page_size(first, ask.context),
        after=after,
        filter=tree,
        order=order,
        options=options or FilterOptions(today=ask.context.today),
        wanted=ask.selection.wanted_of_nodes(*types),
        count=ask.selection.has("totalCount"),
        alone=alone,
    )
