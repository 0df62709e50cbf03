"""A request's variables, read by functions that are made with the plan: they take what is given as it should be.

For any other value graphql-core's rules are applied in full, and say what is wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    get_nullable_type,
    get_variable_values,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.language.parser import MAX_NESTING_DEPTH
from graphql.utilities.coerce_input_value import coerce_default_value

__all__ = ["MOST_COERCION_ERRORS", "Variables"]

MOST_COERCION_ERRORS: Final = 50
"""As graphql-core has it."""

_EXACT: Final[Mapping[Any, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""The scalars that a value of this exact type is taken for unchanged."""

_new: Final[Any] = tuple.__new__
"""Makes a named tuple without a call of its own function for that."""

_NO_VARIABLES: Final = VariableValues({}, {})

_Read = Callable[[Any, int], Any]
"""What a type makes of a value, which lies so deep in a variable's; raises where the rules in full are to say it."""


class _OddError(Exception):
    """Something that is left to the rules in full."""


class Variables:
    """The variables of one operation. With ``suggesting``, errors say what was perhaps meant, and so what there is."""

    def __init__(self, schema: GraphQLSchema, node: OperationDefinitionNode, *, suggesting: bool = False) -> None:
        self._schema = schema
        self._suggesting = suggesting
        self._nodes = node.variable_definitions
        self._readers = _readers(schema, node)

    def coerced(self, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The values as the schema's types have them, or what is wrong with those that came."""
        if not self._nodes:
            return _NO_VARIABLES
        values = given or {}
        if self._readers is not None:
            try:
                return _taken(self._readers, values)
            except Exception:  # noqa: BLE001, S110 - what it is, is said below
                pass
        return get_variable_values(
            self._schema, self._nodes, dict(values), MOST_COERCION_ERRORS, hide_suggestions=not self._suggesting
        )


_Variable = tuple[GraphQLVariableSignature, type | None, _Read, bool]
"""A variable, the type of values that are taken unchanged, what reads the others, and whether one may be missing."""


def _readers(schema: GraphQLSchema, node: OperationDefinitionNode) -> list[_Variable] | None:
    """What reads the variables; None where one of them is none."""
    readers: list[_Variable] = []
    made = _Readers()
    for one in node.variable_definitions or ():
        signature = get_variable_signature(schema, one)
        if isinstance(signature, GraphQLError):
            return None
        optional = one.default_value is None and not isinstance(signature.type, GraphQLNonNull)
        exact = _EXACT.get(get_nullable_type(signature.type))
        readers.append((signature, exact, made.of(signature.type), optional))
    return readers


def _taken(readers: list[_Variable], values: Mapping[str, Any]) -> VariableValues:
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, exact, read, optional in readers:
        name = signature.name
        value = values.get(name, Undefined)
        if value is not Undefined:
            sources[name] = _new(VariableValueSource, (signature, value))
            coerced[name] = value if type(value) is exact else read(value, 0)
        elif optional:
            sources[name] = VariableValueSource(signature)
        else:
            raise _OddError
    return VariableValues(sources, coerced)


class _Readers:
    """Makes the functions that read values of types. Input objects may hold themselves: they are looked into late."""

    def __init__(self) -> None:
        self._objects: dict[str, _Read] = {}

    def of(self, given: GraphQLInputType) -> _Read:
        """What reads values of a type."""
        if isinstance(given, GraphQLNonNull):
            return self._present(given.of_type)
        read = self._present(given)
        return lambda value, depth: None if value is None else read(value, depth)

    def _present(self, given: Any) -> _Read:
        """What reads values that are not null."""
        if isinstance(given, GraphQLList):
            return _items(self.of(given.of_type))
        if isinstance(given, GraphQLInputObjectType):
            if given.name not in self._objects:
                self._objects[given.name] = self._object(given)
            return self._objects[given.name]
        return _leaf(given)

    def _object(self, given: GraphQLInputObjectType) -> _Read:
        fields: list[tuple[str, str, _Read, bool, Any]] = []

        def read(value: Any, depth: int) -> Any:
            if type(value) is not dict or depth > MAX_NESTING_DEPTH:
                raise _OddError
            if not fields:
                fields.extend(
                    (name, field.out_name or name, self.of(field.type), is_required_input_field(field), default)
                    for name, field in given.fields.items()
                    for default in (coerce_default_value(field),)
                )
            made, known = {}, 0
            for name, out_name, reader, required, default in fields:
                member = value.get(name, Undefined)
                if member is not Undefined:
                    made[out_name] = reader(member, depth + 1)
                    known += 1
                elif required:
                    raise _OddError
                elif default is not Undefined:
                    made[out_name] = default
            if known != len(value) or (given.is_one_of and (len(made) != 1 or None in made.values())):
                raise _OddError
            return given.out_type(made)

        return read


def _items(item: _Read) -> _Read:
    def read(value: Any, depth: int) -> Any:
        if type(value) is not list:
            raise _OddError
        return [item(one, depth + 1) for one in value]

    return read


def _leaf(given: Any) -> _Read:
    exact = _EXACT.get(given)

    def read(value: Any, _depth: int) -> Any:
        if type(value) is exact:
            return value
        made = Undefined if value is None else given.coerce_input_value(value)
        if made is Undefined:
            raise _OddError
        return made

    return read
