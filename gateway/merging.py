"""Several lists as one: in the order asked for, or one after another as configured."""

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from adapters.contract import Order
from adapters.model import Page

__all__ = ["can_merge_by", "followed", "merged", "order_needs"]

Taken = tuple[str, Any, str | None]
"""A list's name, one of its records, and where the list goes on after it."""

_NESTED: Mapping[str, tuple[str, Callable[[Any], Any] | None]] = {
    "template_name": ("email_template", lambda template: template.name),
    "transaction_definition": ("transaction_definition", lambda definition: definition.name),
    "customer_code": ("customer_id", None),
}
"""Orders by what is not an attribute of the record itself: what holds it, and how it is read there. None: the record
does not know it, only its vendor does."""


def order_needs(order: Order | None) -> frozenset[str]:
    """The attributes by which records are put in order here."""
    return frozenset() if order is None else frozenset((_NESTED.get(order.field, (order.field, None))[0],))


def can_merge_by(order: Order) -> bool:
    """Whether records themselves show their place in this order."""
    return order.field not in _NESTED or _NESTED[order.field][1] is not None


def followed(pages: Mapping[str, Page[Any]], first: int) -> list[Taken]:
    """The first records, one list after another."""
    taken: list[Taken] = []
    for name, page in pages.items():
        room = first - len(taken)
        taken += [(name, record, at) for record, at in zip(page.records[:room], page.positions, strict=False)]
    return taken


def merged(pages: Mapping[str, Page[Any]], order: Order, first: int) -> list[Taken]:
    """Takes the next of all lists, again and again; stops at a list that has more which nobody has read yet."""
    if any(not page.records and page.end is not None for page in pages.values()):
        return []
    names = list(pages)
    heads = [
        (_Rank(pages[name].records[0], order), place, 0) for place, name in enumerate(names) if pages[name].records
    ]
    heapq.heapify(heads)
    taken: list[Taken] = []
    while heads and len(taken) < first:
        _, place, index = heapq.heappop(heads)
        page = pages[names[place]]
        taken.append((names[place], page.records[index], page.positions[index]))
        if index + 1 < len(page.records):
            heapq.heappush(heads, (_Rank(page.records[index + 1], order), place, index + 1))
        elif page.end is not None:
            break
    return taken


class _Rank:
    """A record's place in an order: nulls last either way, equal otherwise only when the values are."""

    __slots__ = ("descending", "value")

    def __init__(self, record: Any, order: Order) -> None:
        attribute, read = _NESTED.get(order.field, (order.field, None))
        value = getattr(record, attribute)
        if read is not None and value is not None:
            value = read(value)
        self.value = None if value is UNSET else value
        self.descending = order.descending

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rank) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: "_Rank") -> bool:
        if self.value is None or other.value is None:
            return self.value is not None
        return bool(self.value > other.value) if self.descending else bool(self.value < other.value)
