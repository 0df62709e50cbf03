"""A request's variables: where all are plain values of the exact types they are taken as they are.

For any other value graphql-core's rules are applied in full, and say what is wrong.
"""

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    get_variable_values,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

__all__ = ["MOST_COERCION_ERRORS", "Variables"]

MOST_COERCION_ERRORS: Final = 50
"""As graphql-core has it."""

_EXACT: Final[Mapping[Any, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""The scalars that a value of this exact type is taken for unchanged."""

_NO_VARIABLES: Final = VariableValues({}, {})


class Variables:
    """The variables of one operation. With ``suggesting``, errors say what was perhaps meant, and so what there is."""

    def __init__(self, schema: GraphQLSchema, node: OperationDefinitionNode, *, suggesting: bool = False) -> None:
        self._schema = schema
        self._suggesting = suggesting
        self._nodes = node.variable_definitions
        self._plain = _plain(schema, node)

    def coerced(self, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The values as the schema's types have them, or what is wrong with those that came."""
        if not self._nodes:
            return _NO_VARIABLES
        values = given or {}
        taken = None if self._plain is None else _taken(self._plain, values)
        if taken is not None:
            return taken
        return get_variable_values(
            self._schema, self._nodes, dict(values), MOST_COERCION_ERRORS, hide_suggestions=not self._suggesting
        )


_Plain = tuple[GraphQLVariableSignature, type, bool]
"""A variable, the type of its values, and whether it may be left out or null."""


def _plain(schema: GraphQLSchema, node: OperationDefinitionNode) -> list[_Plain] | None:
    """The variables, where all are of types whose values are taken unchanged and none has a default."""
    plain: list[_Plain] = []
    for one in node.variable_definitions or ():
        signature = get_variable_signature(schema, one)
        if isinstance(signature, GraphQLError) or one.default_value is not None:
            return None
        required = is_non_null_type(signature.type)
        exact = _EXACT.get(signature.type.of_type if required else signature.type)  # type: ignore[union-attr]
        if exact is None:
            return None
        plain.append((signature, exact, not required))
    return plain


def _taken(plain: list[_Plain], values: Mapping[str, Any]) -> VariableValues | None:
    """The values as they are; None where one is not plain."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, exact, optional in plain:
        name = signature.name
        value = values.get(name, Undefined)
        if type(value) is exact or (value is None and optional):
            sources[name] = VariableValueSource(signature, value)
            coerced[name] = value
        elif value is Undefined and optional:
            sources[name] = VariableValueSource(signature)
        else:
            return None
    return VariableValues(sources, coerced)
