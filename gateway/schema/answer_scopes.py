"""Which scopes an answer takes, by what is selected of it: known before anything is done.

A mutation that acted, and then said FORBIDDEN of what it did, would leave its caller not knowing what was done.
"""

from collections.abc import Iterator

from graphql import GraphQLAbstractType, GraphQLNamedType, GraphQLSchema, get_named_type, is_abstract_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.principals import Scope
from gateway.schema.fields import DECLARED
from gateway.selection import Selection

__all__ = ["AnswerScopes"]


class AnswerScopes:
    """The scopes that the fields of a schema declare, and which types are below them."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._fields = {
            name: {field: (_declared(one), self._kinds(get_named_type(one.type))) for field, one in kind.fields.items()}
            for name, kind in schema.type_map.items()
            if hasattr(kind, "fields") and not name.startswith("__")
        }
        below = {scope for kind in self._fields.values() for scope, _ in kind.values()}
        self._readings = frozenset(scope for scope in below if scope in {Scope.READ, Scope.RAW})

    def lacking(self, selection: Selection, payload: str, scopes: frozenset[Scope]) -> Scope | None:
        """A scope that what is selected of this payload takes, and that is not among these; None where there is none.

        Of what stands under a condition (``@skip``, ``@include``) it is taken that it is asked for, where ``selection``
        does not know better.
        """
        if self._readings <= scopes:
            return None
        return next((scope for scope in self._taken(selection, (payload,)) if scope not in scopes), None)

    def _taken(self, selection: Selection, kinds: tuple[str, ...]) -> Iterator[Scope]:
        """An object's fields are looked up in each of the types that it may be of."""
        for name in selection.names():
            found = [self._fields[kind][name] for kind in kinds if name in self._fields.get(kind, ())]
            yield from (scope for scope, _ in found if scope is not None)
            below = tuple(dict.fromkeys(kind for _, inner in found for kind in inner))
            if below:
                yield from self._taken(selection.below(name), below)

    def _kinds(self, kind: GraphQLNamedType) -> tuple[str, ...]:
        if not is_abstract_type(kind):
            return (kind.name,) if hasattr(kind, "fields") else ()
        abstract: GraphQLAbstractType = kind
        return (kind.name, *(one.name for one in self._schema.get_possible_types(abstract)))


def _declared(field: object) -> Scope | None:
    definition = getattr(field, "extensions", {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return getattr(getattr(definition, "metadata", {}).get(DECLARED), "scope", None)
