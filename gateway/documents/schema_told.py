"""Whether a document asks for the schema, in any of the ways that there are."""

from typing import Any

from graphql import FieldNode, GraphQLError, ValidationRule, get_named_type, is_introspection_type

__all__ = ["NoSchemaTold"]

_SUBGRAPH = "_Service"
"""The type by which a federation's composer is told the schema."""


class NoSchemaTold(ValidationRule):
    """Refuses introspection, and `_service`, which tells the same. `__typename` can always be asked."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Looks at one field."""
        kind = get_named_type(self.context.get_type())
        if kind is not None and (kind.name == _SUBGRAPH or is_introspection_type(kind)):
            asked = node.name.value
            message = f"GraphQL introspection has been disabled, but the requested query contained the field {asked!r}."
            self.report_error(GraphQLError(message, node))
