"""How leaves are written: inline for a value of the exact common type, by the schema's own rules for anything else."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined
from strawberry.schema.schema_converter import CustomGraphQLEnumType

__all__ = ["ALIKE", "EXACT", "OUTPUT", "LeafError", "names_of", "output"]

MOST_INT: Final = 2**31 - 1
LEAST_INT: Final = -(2**31)


class LeafError(TypeError):
    """A value that its type cannot be written as."""


def output(of_type: GraphQLLeafType) -> Callable[[Any], Any]:
    """The type's own rules for values that are not null."""
    coerce = of_type.coerce_output_value

    def written(value: Any) -> Any:
        coerced = None if value is None else coerce(value)
        if coerced is None or coerced is Undefined:
            raise LeafError(of_type.name)
        return coerced

    return written


EXACT: Final[dict[str, tuple[str, str]]] = {
    "String": ("type({v}) is str", "{v}"),
    "ID": ("type({v}) is str", "{v}"),
    "Boolean": ("type({v}) is bool", "{v}"),
    "Int": (f"type({{v}}) is int and {LEAST_INT} <= {{v}} <= {MOST_INT}", "{v}"),
    "Decimal": ("type({v}) is Decimal", "str({v})"),
    "Date": ("type({v}) is date", "{v}"),
    "DateTime": ("type({v}) is datetime", "{v}.isoformat()"),
}
"""Per scalar, when a value needs no call, and how it is written then. A day stays what it is: whoever writes JSON
(`gateway.server.json_writing`) writes it as its own rules do, and in a twentieth of the time."""

ALIKE: Final[dict[str, frozenset[type]]] = {
    "ALL_String": frozenset((str,)),
    "ALL_ID": frozenset((str,)),
    "ALL_Boolean": frozenset((bool,)),
}
"""The types of values that are written as they are, in lists too, by the names that the functions know them by."""

OUTPUT: Final[dict[str, Any]] = {"Decimal": Decimal, "date": date, "datetime": datetime}
"""The names that `EXACT` uses."""


def names_of(of_type: GraphQLEnumType) -> dict[Any, str]:
    """The names of an enumeration's members, as they are written."""
    return dict(_members(of_type))


def _members(of_type: GraphQLEnumType) -> Iterator[tuple[Any, str]]:
    if isinstance(of_type, CustomGraphQLEnumType):
        members: Iterable[Any] = of_type.wrapped_cls
        for member in members:
            yield member, of_type.coerce_output_value(member)
