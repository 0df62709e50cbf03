"""Operations made from the schema itself: everything selected, and every place where a caller can name something."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

__all__ = ["Place", "places", "selection"]

DEEPEST_INPUT = 3
_PLAUSIBLE = {
    "String": '"x"',
    "ID": '"aWQ"',
    "Int": "1",
    "Boolean": "false",
    "Date": '"2026-01-01"',
    "DateTime": '"2026-01-01T00:00:00Z"',
    "Decimal": '"1"',
    "JSON": "{}",
    "_Any": '{__typename: "Customer", id: "aWQ"}',
}


@dataclass(frozen=True)
class Place:
    """A place in an operation where a caller names something: a value put there makes the whole operation."""

    kind: str
    field: str
    path: tuple[str, ...]
    type_name: str
    _before: str
    _after: str
    _tail: str

    def operation(self, value: str) -> str:
        """The operation with this literal in the place."""
        return f"{self.kind} {{ {self.field}({self._before}{value}{self._after}){self._tail} }}"

    def __str__(self) -> str:
        return f"{self.field}({'.'.join(self.path)})"


def selection(schema: GraphQLSchema, of: Any, depth: int) -> str:
    """Everything that can be selected of a type without naming anything, down to a depth."""
    named = get_named_type(of)
    if is_leaf_type(named):
        return ""
    shared = getattr(named, "fields", {})  # a union has none
    fields = ["__typename", *(_members(schema, named, depth) if shared else ())]
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        for implementation in schema.get_possible_types(named):
            inside = " ".join(_members(schema, implementation, depth, besides=shared))
            fields += [f"... on {implementation.name} {{ {inside} }}"] if inside else []
    return " { " + " ".join(fields) + " }"


def _members(schema: GraphQLSchema, of: Any, depth: int, besides: Any = None) -> Iterator[str]:
    for name, field in of.fields.items():
        if any(map(is_required_argument, field.args.values())) or (besides is not None and name in besides):
            continue
        leaf = is_leaf_type(get_named_type(field.type))
        if leaf or depth > 0:
            # One response key for one type: fields of one name may differ among an interface's types.
            key = name if besides is None else f"{of.name}_{name}: {name}"
            yield key + selection(schema, field.type, depth - 1)


def places(schema: GraphQLSchema, depth: int) -> Iterator[Place]:
    """Every argument, and every field of every input, of every operation at the top that holds text or an id."""
    for kind, root in (
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
        ("subscription", schema.subscription_type),
    ):
        assert isinstance(root, GraphQLObjectType)
        for name, field in root.fields.items():
            tail = selection(schema, field.type, depth)
            yield from _of_field(kind, name, field, tail)


def _of_field(kind: str, name: str, field: GraphQLField, tail: str) -> Iterator[Place]:
    for argument, definition in field.args.items():
        rest = [
            f"{other}: {_plausible(one.type)}"
            for other, one in field.args.items()
            if other != argument and is_required_argument(one)
        ]
        for path, type_name, before, after in _leaves(definition.type, DEEPEST_INPUT):
            start = ", ".join([*rest, f"{argument}: {before}"])
            yield Place(kind, name, (argument, *path), type_name, start, after, tail)


def _leaves(of: Any, depth: int) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """The paths to texts and ids in an input, with what stands around them."""
    if is_non_null_type(of):
        yield from _leaves(of.of_type, depth)
    elif is_list_type(of):
        for path, type_name, before, after in _leaves(of.of_type, depth):
            yield path, type_name, f"[{before}", f"{after}]"
    elif isinstance(of, GraphQLInputObjectType):
        if depth == 0:
            return
        for name, field in of.fields.items():
            rest = "".join(
                f", {other}: {_plausible(one.type)}"
                for other, one in of.fields.items()
                if other != name and is_required_input_field(one)
            )
            for path, type_name, before, after in _leaves(field.type, depth - 1):
                yield (name, *path), type_name, f"{{{name}: {before}", f"{after}{rest}}}"
    elif of.name in {"ID", "String", "_Any"}:
        yield (), of.name, "", ""


def _plausible(of: Any) -> str:
    """A literal that a type takes."""
    if isinstance(of, GraphQLNonNull):
        return _plausible(of.of_type)
    if is_list_type(of):
        return f"[{_plausible(of.of_type)}]"
    if isinstance(of, GraphQLEnumType):
        return str(next(iter(of.values)))
    if isinstance(of, GraphQLInputObjectType):
        required = {name: field for name, field in of.fields.items() if is_required_input_field(field)}
        if not required:  # it may be one that takes exactly one
            required = {name: field for name, field in of.fields.items() if is_leaf_type(field.type)}
            required = dict([next(iter(required.items()))])
        return "{" + ", ".join(f"{name}: {_plausible(field.type)}" for name, field in required.items()) + "}"
    name: str = of.name
    return _PLAUSIBLE[name]
