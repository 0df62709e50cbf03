"""What of a list request the vendor can be told (the order), and what is left to do here (the filter)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from adapters.contract import ListRequest
from adapters.errors import UnsupportedByVendor
from adapters.filters import Compare, Filter, FilterOptions, Op, conjuncts, evaluate, fields_of, period_bounds
from adapters.model import Letter
from adapters.smallinvoice.client import Sort

__all__ = ["CUSTOMER_FILTERS", "CUSTOMER_ORDERS", "LETTER_FILTERS", "LETTER_ORDERS", "at_end", "matching", "sort_of"]

CUSTOMER_FILTERS = frozenset({"code", "name"})
CUSTOMER_ORDERS = {"code": "number", "name": "name"}
LETTER_FILTERS = frozenset({"title", "date", "state"})
LETTER_ORDERS = {"date": "date"}


def sort_of(request: ListRequest, orders: Mapping[str, str], *, backend: str, operation: str) -> Sort | None:
    """The vendor's name of the order asked for. Raises `UnsupportedByVendor`."""
    if request.order is None:
        return None
    if request.order.field not in orders:
        raise _unsupported("ordered", request.order.field, backend, operation)
    return Sort(orders[request.order.field], request.order.descending)


def matching(
    request: ListRequest, filters: frozenset[str], *, backend: str, operation: str
) -> Callable[[Any], bool] | None:
    """Whether a record passes the filter; None where each does. Raises `UnsupportedByVendor`."""
    tree, options = request.filter, request.options
    for field in sorted(fields_of(tree) - filters):
        raise _unsupported("filtered", field, backend, operation)
    if tree is None:
        return None
    return lambda record: evaluate(tree, lambda name: getattr(record, name), options) is True


def _unsupported(done: str, field: str, backend: str, operation: str) -> UnsupportedByVendor:
    message = f"This vendor's list cannot be {done} by {field}."
    return UnsupportedByVendor(message, backend=backend, operation=operation, field=field)


def at_end(letters: Sequence[Letter], request: ListRequest, sort: Sort) -> int | None:
    """After how many of these letters, which are sorted by date, none can pass the filter any more.

    None where that is not reached, or where the vendor did not sort as it was asked.
    """
    if request.filter is None:
        return None
    earliest, latest = _bounds(request.filter, request.options)
    bound = earliest if sort.descending else latest
    if bound is None:
        return None
    days = [letter.date or date.min for letter in letters]
    if days != sorted(days, reverse=sort.descending):
        return None
    return next((at for at, day in enumerate(days) if (day < bound if sort.descending else day > bound)), None)


def _bounds(tree: Filter | None, options: FilterOptions) -> tuple[date | None, date | None]:
    """The first and the last day that a filter lets pass, where its conjuncts bound them."""
    spans = [_span(term, options) for term in conjuncts(tree) if isinstance(term, Compare) and term.field == "date"]
    return (
        max((low for low, _ in spans if low is not None), default=None),
        min((high for _, high in spans if high is not None), default=None),
    )


def _span(term: Compare, options: FilterOptions) -> tuple[date | None, date | None]:
    match term.op:
        case Op.EQ:
            return term.value, term.value
        case Op.GT | Op.GTE:
            return term.value, None
        case Op.LT | Op.LTE:
            return None, term.value
        case Op.BETWEEN:
            low, high = term.value
            return low, high
        case Op.IN_PERIOD:
            return period_bounds(term.value, options.reference_day)
    return None, None
