"""The arguments that a field's function takes: constants are converted once for a plan, the others once per request.

What a request brings is read by functions that are made with the plan. They know what is given as it should be; for
anything else the rules of graphql-core and of the schema's library are applied in full, and say what is wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_argument_values,
    is_non_null_type,
    is_required_argument,
)
from graphql.execution.values import VariableValues
from graphql.utilities import coerce_input_literal
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.types.arguments import StrawberryArgument, convert_arguments

from gateway.engine.converting import Converter, Converters, Input, Items, as_it_is, present
from gateway.engine.declared import library_field

__all__ = ["Arguments", "Given"]

Given = Mapping[str, Any] | Exception
"""What a function is called with, or why it cannot be called."""

_Read = Callable[[Mapping[str, Any]], Any]
"""What a request's coerced variables make of an argument; raises where that is for the rules in full to say."""


class _OddError(Exception):
    """Something that is left to the rules in full."""


class Arguments:
    """One field's arguments, as its first node gives them.

    ``shared``: one conversion of constants may serve many requests, as nobody changes what it is given.
    """

    def __init__(self, converters: Converters, field: GraphQLField, node: FieldNode, *, shared: bool = True) -> None:
        self._schema = converters.schema
        self._field = field
        self._node = node
        constant = not any(_has_variable(argument.value) for argument in node.arguments or ())
        given = self._converted(None) if shared and constant else None
        self._given = None if isinstance(given, Exception) else given
        readers = _Readers(converters, shared=shared)
        self._readers = readers.of(field, node) if not (shared and constant) else None

    def given(self, variables: VariableValues) -> Given:
        """The arguments for a request's variables."""
        if self._given is not None:
            return self._given
        if self._readers is not None:
            try:
                return _read(self._readers, variables.coerced)
            except Exception:  # noqa: BLE001, S110 - what it is, is said below
                pass
        return self._converted(variables)

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


def _read(readers: Mapping[str, _Read], coerced: Mapping[str, Any]) -> dict[str, Any]:
    given = {}
    for name, read in readers.items():
        value = read(coerced)
        if value is not Undefined:
            given[name] = value
    return given


class _Readers:
    """Makes the functions that read arguments; where constants are not ``shared``, each request gets its own."""

    def __init__(self, converters: Converters, *, shared: bool) -> None:
        self._converters = converters
        self._shared = shared

    def of(self, field: GraphQLField, node: FieldNode) -> dict[str, _Read] | None:
        """Those of a field's arguments, by the names that its function takes them by; None where one has none."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        name_of = self._converters.schema.config.name_converter.from_argument
        try:
            return {
                one.python_name: self._argument(one, field.args[name_of(one)], given.get(name_of(one)))
                for one in library_field(field).arguments
            }
        except Exception:  # noqa: BLE001 - said by the rules in full, at each request
            return None

    def _argument(self, known: StrawberryArgument, argument: GraphQLArgument, value: ValueNode | None) -> _Read:
        converter = self._converters.of(known.type)
        absent = self._constant(coerce_default_value(argument), converter)
        if value is None:
            return absent
        read = self._value(value, argument.type, converter)
        if not isinstance(value, VariableNode) or is_required_argument(argument):
            return read
        name = value.name.value
        return lambda coerced: read(coerced) if name in coerced else absent(coerced)

    def _value(self, node: ValueNode, of_type: GraphQLInputType, converter: Converter) -> _Read:
        if isinstance(node, VariableNode):
            return _variable(node.name.value, converter, required=is_non_null_type(of_type))
        if not _has_variable(node):
            value = coerce_input_literal(node, of_type)
            if value is Undefined:
                raise _OddError
            return self._constant(value, converter)
        inner = of_type.of_type if is_non_null_type(of_type) else of_type
        if (
            isinstance(node, ObjectValueNode)
            and isinstance(inner, GraphQLInputObjectType)
            and isinstance(converter, Input)
        ):
            return self._object(node, inner, converter)
        if isinstance(node, ListValueNode) and isinstance(inner, GraphQLList) and isinstance(converter, Items):
            readers = [self._value(one, inner.of_type, converter.item) for one in node.values]
            return lambda coerced: [read(coerced) for read in readers]
        raise _OddError  # a single value in the place of a list, or a library's own type

    def _constant(self, value: Any, converter: Converter) -> _Read:
        """Of a coerced value, which may be that there is none."""
        if value is Undefined:
            return lambda _: value
        converted = present(converter, value)
        return (lambda _: converted) if self._shared else (lambda _: present(converter, value))

    def _object(self, node: ObjectValueNode, of_type: GraphQLInputObjectType, converter: Input) -> _Read:
        given = {one.name.value: one.value for one in node.fields}
        readers: dict[str, _Read] = {}
        for name, field in of_type.fields.items():
            if name in given:
                readers[name] = self._value(given[name], field.type, converter.fields[name][1])
            elif (default := coerce_default_value(field)) is not Undefined:
                readers[name] = self._constant(default, converter.fields[name][1])
            elif is_non_null_type(field.type):
                raise _OddError
        if given.keys() - readers.keys() or (converter.one_of and len(given) != 1):
            raise _OddError

        members = {converter.fields[name][0]: reader for name, reader in readers.items()}
        absent = {name: value for name, value in converter.absent.items() if name not in members}
        made, one_of = converter.made, converter.one_of

        def read(coerced: Mapping[str, Any]) -> Any:
            values = absent.copy()
            for name, reader in members.items():
                values[name] = value = reader(coerced)
                if value is None and one_of:
                    raise _OddError
            return made(**values)

        return read


def _variable(name: str, converter: Converter, *, required: bool) -> _Read:
    leaf = converter is as_it_is
    if leaf and not required:
        return itemgetter(name)

    def read(coerced: Mapping[str, Any]) -> Any:
        value = coerced[name]
        if value is None:
            if required:
                raise _OddError
            return None
        return value if leaf else converter(value)

    return read


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
