"""How each field of the schema gets its value, as the compiled executor reads it: nothing here runs a resolver."""

from typing import Any

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from gateway.engine.fallback import NotCompiledError, Reason
from gateway.schema.fields import DECLARED, Action, Attribute, Derived, Load

__all__ = ["Declared", "declared_of", "library_field"]

Declared = Attribute | Derived | Load | Action


def library_field(field: GraphQLField) -> StrawberryField:
    """What the schema's library knows of a field."""
    known: Any = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(known, StrawberryField):
        raise NotCompiledError(Reason.UNDECLARED)
    return known


def declared_of(field: GraphQLField) -> Declared:
    """What is declared of a field; one without a resolver is its object's attribute.

    Raises:
        NotCompiledError: it has a resolver of its own.
    """
    known = library_field(field)
    declared: Declared | None = known.metadata.get(DECLARED)
    if declared is not None:
        return declared
    if known.base_resolver is not None or known.extensions:
        raise NotCompiledError(Reason.UNDECLARED)
    return Attribute(known.python_name, frozenset())
