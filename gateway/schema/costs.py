"""What each field costs, read off what it is declared to be; and the same as the directives of the cost specification.

https://ibm.github.io/graphql-specs/cost-spec.html: ``@cost`` says how many reads a field is, ``@listSize`` how many
records follow. The directives cannot say that a list over all backends is a read at each: the gateway counts that.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from msgspec import Struct

from gateway.documents.cost import UNKNOWN, Arguments, FieldCost, FieldCosts, how_many, page
from gateway.list_sizes import MOST_DOCUMENTS
from gateway.schema.fields import DECLARED, Action, Attribute, Load

__all__ = ["CostDirectives", "ListSize", "cost_directives", "field_costs"]

ACTION: Final = 10
"""A mutation's weight: what it reads before and after its write, the write, and what an error would cost."""

READ_AHEAD: Final = 100
"""How many records' statuses and stable ids a sending mutation reads by itself; the run reads on at its own pace."""

_SIZED: Final = ("nodes", "edges")
"""A connection's fields of records."""


def _at_backends(arguments: Arguments, backends: int) -> int:
    """Each backend that is named, or each that is visible."""
    named = arguments.get("backends")
    return backends if named is None else min(how_many(arguments, "backends", backends), backends)


def _at_others(_: Arguments, backends: int, __: int = 1) -> int:
    return max(0, backends - 1)


def _timeline(arguments: Arguments, backends: int) -> int:
    """Both kinds of documents, of each backend or of each customer; a customer's counterparts are looked up first."""
    if arguments.get("customers") is None:
        return 2 * _at_backends(arguments, backends)
    customers = how_many(arguments, "customers", MOST_DOCUMENTS)
    alone = arguments.get("withCounterparts") in (None, False)
    return customers * (2 if alone else backends + 2 * backends)


def _records(arguments: Arguments) -> int:
    """How many records are named: by ids, or as a federation router names them."""
    return how_many(arguments, "ids", MOST_DOCUMENTS) + how_many(arguments, "representations", MOST_DOCUMENTS)


def _named(arguments: Arguments) -> int:
    """How many records a mutation's input names; where nothing says how many, as many as a run has documents."""
    given = arguments.get("input")
    if not isinstance(given, Mapping):
        return MOST_DOCUMENTS if given is UNKNOWN else 1
    for name in ("documents", "customers"):
        if given.get(name) is not None:
            return how_many(given, name, MOST_DOCUMENTS)
    return 1 if given.get("backend") is None else MOST_DOCUMENTS


def _planned(arguments: Arguments, _: int, about: int) -> int:
    """All that a run is about, or the first of them."""
    first = arguments.get("first")
    return about if first is None else page(first, about)


def _read_ahead(arguments: Arguments, _: int) -> int:
    return ACTION if _named(arguments) <= 1 else ACTION + min(_named(arguments), READ_AHEAD)


BY_LOADER: Final[Mapping[str, FieldCost]] = {
    "record": FieldCost(weight=1),
    "raw": FieldCost(weight=1),
    "customer": FieldCost(weight=1),
    "node": FieldCost(weight=1),
    "nodes": FieldCost(
        weight=1,
        times=lambda arguments, _: _records(arguments),
        size=lambda arguments, *_: _records(arguments),
        arguments=("ids", "representations"),
    ),
    "counterparts": FieldCost(weight=1, times=_at_others, size=_at_others, assumed_size=3),
    "connection": FieldCost(weight=1, sliced_by="first"),
    "timeline": FieldCost(
        weight=1, times=_timeline, sliced_by="first", arguments=("backends", "customers", "withCounterparts")
    ),
    "aggregate": FieldCost(weight=1),
    "dispatch": FieldCost(weight=1),
    "dispatches": FieldCost(weight=1, sliced_by="first"),
    "dispatch_items": FieldCost(weight=1, sliced_by="first"),
}
"""What a load costs, by its loader."""

OVER_ALL: Final = FieldCost(weight=1, times=_at_backends, sliced_by="first", arguments=("backends",))
"""A list over all backends."""

OF_ACTION: Final = FieldCost(weight=1, times=_read_ahead, about=_named, arguments=("input",))

BY_FIELD: Final[Mapping[tuple[str, str], FieldCost]] = {
    ("Customer", "documents"): FieldCost(weight=2, sliced_by="first"),  # correspondence and letters
    ("DispatchPlan", "items"): FieldCost(weight=0, size=_planned, sliced_by="first"),
    ("Query", "backends"): FieldCost(weight=0, size=lambda _, backends, __: backends),
    ("Subscription", "dispatchProgress"): FieldCost(weight=1),
}
"""What is known of a field by its name alone."""


def field_costs(schema: GraphQLSchema) -> FieldCosts:
    """The costs of all fields of this schema that have one."""
    return dict(_costs(schema))


def _costs(schema: GraphQLSchema) -> Iterator[tuple[tuple[str, str], FieldCost]]:
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for name, field in kind.fields.items():
            declaration = field.extensions.get("strawberry-definition")
            declared = None if declaration is None else declaration.metadata.get(DECLARED)
            cost = BY_FIELD.get((kind.name, name)) or _cost_of(declared, everywhere=kind is schema.query_type)
            if cost is not None:
                yield (kind.name, name), cost


def _cost_of(declared: Any, *, everywhere: bool) -> FieldCost | None:
    if isinstance(declared, Load):
        return OVER_ALL if everywhere and declared.loader == "connection" else BY_LOADER[declared.loader]
    if isinstance(declared, Action):
        return OF_ACTION
    return FieldCost(weight=1) if isinstance(declared, Attribute) and declared.fetch else None


class ListSize(Struct, frozen=True):
    """The arguments of ``@listSize``; those that are None are not said."""

    assumed_size: int | None = None
    slicing_arguments: tuple[str, ...] | None = None
    sized_fields: tuple[str, ...] | None = None
    require_one_slicing_argument: bool = False


class CostDirectives(Struct, frozen=True):
    """A field's ``@cost(weight:)`` and ``@listSize``, where it has them."""

    weight: int | None
    list_size: ListSize | None


def cost_directives(cost: FieldCost) -> CostDirectives:
    """A field's cost as the specification's directives say it: without what depends on the backends there are."""
    weight = ACTION if cost is OF_ACTION else cost.weight
    size = None if cost.assumed_size is None else ListSize(assumed_size=cost.assumed_size)
    if cost.sliced_by is not None:
        of_records = _SIZED if cost.size is None else None  # a connection's; else it is a list itself
        size = ListSize(slicing_arguments=(cost.sliced_by,), sized_fields=of_records)
    return CostDirectives(weight or None, size)
