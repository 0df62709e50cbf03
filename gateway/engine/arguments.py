"""The arguments that a field's function takes: constants are converted once for a plan, the others once per request."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues
from strawberry import Schema
from strawberry.types.arguments import convert_arguments

from gateway.engine.declared import library_field

__all__ = ["Arguments", "Given"]

Given = Mapping[str, Any] | Exception
"""What a function is called with, or why it cannot be called."""


class Arguments:
    """One field's arguments, as its first node gives them.

    ``shared``: one conversion may serve many requests, as nobody changes what it is given.
    """

    def __init__(self, schema: Schema, field: GraphQLField, node: FieldNode, *, shared: bool = True) -> None:
        self._schema = schema
        self._field = field
        self._node = node
        constant = not any(_has_variable(argument.value) for argument in node.arguments or ())
        given = self._converted(None) if shared and constant else None
        self._given = None if isinstance(given, Exception) else given

    def given(self, variables: VariableValues) -> Given:
        """The arguments for a request's variables."""
        return self._converted(variables) if self._given is None else self._given

    def _converted(self, variables: VariableValues | None) -> Given:
        """By graphql-core's rules, then by those of the schema's library."""
        try:
            values = get_argument_values(self._field, self._node, variables)
            return convert_arguments(
                values,
                library_field(self._field).arguments,
                scalar_registry=self._schema.schema_converter.scalar_registry,
                config=self._schema.config,
            )
        except Exception as error:  # noqa: BLE001 - it is the field's, wherever that is asked for
            return error


def _has_variable(value: ValueNode) -> bool:
    return any(isinstance(node, VariableNode) for node in _parts(value))


def _parts(value: ValueNode) -> Iterator[ValueNode]:
    todo = [value]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ListValueNode):
            todo.extend(node.values)
        elif isinstance(node, ObjectValueNode):
            todo.extend(field.value for field in node.fields)
