"""What of a list request the vendor can be told, and what is left to do here."""

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Struct

from adapters.contract import ListRequest, Order
from adapters.errors import MalformedAnswer, UnsupportedByVendor
from adapters.filters import Compare, Filter, FilterOptions, Op, conjuncts, evaluate, fields_of
from adapters.model import Customer, RecordStatus

__all__ = ["OPERATION", "Listing", "matching", "plan"]

OPERATION = "customer.list"

_FILTERS = frozenset({"code", "name", "status", "outstanding_balance"})
_SORT_BY = {"name": "0", "code": "1", "outstanding_balance": "4"}

_SAFE_PREFIX = re.compile(r"\w[\w '&.,()-]*")
"""The part of a prefix that no reading as a pattern can narrow. A shorter prefix finds more, never less."""


class Listing(Struct, frozen=True, kw_only=True):
    """How a list is read.

    ``codes`` are the only customers that the filter lets pass, where it names them: they are read one by one. Else
    the list is read with ``parameters``. Both may find too much; the whole filter is evaluated here.
    """

    codes: tuple[str, ...] | None
    parameters: tuple[tuple[str, str], ...]


def plan(request: ListRequest, *, backend: str, most_codes: int) -> Listing:
    """How to read the list. Raises `UnsupportedByVendor` for a field that the vendor's customers lack."""
    unknown = sorted(fields_of(request.filter) - _FILTERS)
    if request.order is not None and request.order.field not in _SORT_BY:
        unknown.append(request.order.field)
    for field in unknown:
        raise UnsupportedByVendor(
            f"Customers of this vendor cannot be filtered or ordered by {field}.",
            backend=backend,
            operation=OPERATION,
            field=field,
        )
    order = request.order or Order("code")
    terms = [term for term in conjuncts(request.filter) if isinstance(term, Compare)]
    parameters = [("sortby", _SORT_BY[order.field]), ("order", "Desc" if order.descending else "Asc")]
    if not any(_only_active(term) for term in terms):
        # Left to itself the vendor leaves archived customers out; `true` lets them in beside the others.
        parameters.append(("filterarchived", "true"))
    prefix = max((_prefix(term) for term in terms), key=len, default="") if request.options.case_sensitive else ""
    if prefix:
        parameters.append(("namestartswith", prefix))
    return Listing(codes=_codes(request, terms, most_codes), parameters=tuple(parameters))


def _codes(request: ListRequest, terms: list[Compare], most: int) -> tuple[str, ...] | None:
    if not request.options.case_sensitive:
        return None
    named = [set(_values(term)) for term in terms if term.field == "code" and term.op in (Op.EQ, Op.IN)]
    codes = set.intersection(*named) if named else None
    if codes is None or len(codes) > (most if request.order is None else 1):
        return None
    return tuple(sorted(codes))


def _values(term: Compare) -> tuple[Any, ...]:
    return tuple(term.value) if term.op is Op.IN else (term.value,)


def _only_active(term: Compare) -> bool:
    return term.field == "status" and term.op in (Op.EQ, Op.IN) and set(_values(term)) == {RecordStatus.ACTIVE}


def _prefix(term: Compare) -> str:
    if term.field != "name" or term.op not in (Op.EQ, Op.STARTS_WITH):
        return ""
    found = _SAFE_PREFIX.match(term.value)
    return found[0].rstrip() if found is not None else ""


def matching(tree: Filter | None, options: FilterOptions, *, backend: str) -> Callable[[Customer], bool] | None:
    """Whether a customer passes; None where each does."""
    if tree is None:
        return None

    def value_of(customer: Customer, name: str) -> Any:
        value = getattr(customer, name)
        if value is UNSET:
            message = f"The vendor's rows lack the {name} that they are documented to have."
            raise MalformedAnswer(message, backend=backend, operation=OPERATION, field=name)
        return value

    return lambda customer: evaluate(tree, lambda name: value_of(customer, name), options) is True
