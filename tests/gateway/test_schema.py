"""The schema says what was promised, is written down as it is, and is its own manual."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    DirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLNamedType,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_specified_scalar_type,
    parse,
    print_ast,
)
from strawberry.printer import print_schema

from gateway.schema.build import build_schema

ROOT = Path(__file__).parents[2]
TERMS = (Path(__file__).parent / "terms.graphql").read_text()

DEVIATIONS = {
    # One backend that cannot be asked is null in its place, so that the others' customers are still there.
    "Customer.counterparts": "[Customer]",
}
"""Where the schema differs from the terms, and why. One more holds throughout: what has a default is not nullable,
since null would mean nothing."""


def rows(sdl: str) -> dict[str, str]:
    """Each name of an SDL document, and what is said of it."""
    return dict(row for definition in parse(sdl).definitions for row in rows_of(definition))


def rows_of(definition: Any) -> Iterator[tuple[str, str]]:
    if isinstance(definition, EnumTypeDefinitionNode):
        for value in definition.values or ():
            yield f"{definition.name.value}.{value.name.value}", "enum value"
    kinds = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | InputObjectTypeDefinitionNode
    if not isinstance(definition, kinds):
        return
    name = definition.name.value
    interfaces = getattr(definition, "interfaces", None) or ()
    yield name, " ".join([definition.kind, *directives(definition.directives), *sorted(map(print_ast, interfaces))])
    for field in definition.fields or ():
        yield f"{name}.{field.name.value}", said_of(field)
        for argument in getattr(field, "arguments", None) or ():
            yield f"{name}.{field.name.value}({argument.name.value})", said_of(argument)


def directives(given: tuple[DirectiveNode, ...] | None) -> list[str]:
    return sorted(print_ast(one) for one in given or () if one.name.value == "oneOf")


def said_of(node: FieldDefinitionNode | InputValueDefinitionNode) -> str:
    kind = print_ast(node.type)
    default = getattr(node, "default_value", None)
    value = "null" if default is None else print_ast(default)
    return kind if value == "null" else f"{kind.rstrip('!')}! = {value}"


def test_every_term_is_there_with_its_type() -> None:
    actual = rows(print_schema(build_schema()))
    expected = rows(TERMS) | DEVIATIONS
    assert {name: actual.get(name) for name in expected} == expected


def test_what_has_a_default_is_not_nullable() -> None:
    sdl = print_schema(build_schema())
    found = {
        name: print_ast(node.type) for definition in parse(sdl).definitions for name, node in defaulted(definition)
    }
    assert {name: kind for name, kind in found.items() if not kind.endswith("!")} == {}
    assert found["Query.customers.first"] == "Int!"


def defaulted(definition: Any) -> Iterator[tuple[str, InputValueDefinitionNode]]:
    """Arguments and input fields with a default other than null, which says that they may be left out."""
    for field in getattr(definition, "fields", None) or ():
        for node in (field, *(getattr(field, "arguments", None) or ())):
            default = getattr(node, "default_value", None)
            if default is not None and print_ast(default) != "null":
                parts = dict.fromkeys((definition.name.value, field.name.value, node.name.value))
                yield ".".join(parts), node


def test_every_deviation_is_one() -> None:
    terms = rows(TERMS)
    assert {name for name, kind in DEVIATIONS.items() if terms[name] == kind} == set()


def test_the_schema_is_written_down_as_it_is() -> None:
    written = (ROOT / "schema.graphql").read_bytes()
    current = (build_schema().as_str().rstrip("\n") + "\n").encode()
    assert written == current, "schema.graphql is not the code's schema: run `make schema` and look at the difference"


def described_things(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    yield kind.name, kind.description
    if is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field.description
            for argument_name, argument in getattr(field, "args", {}).items():
                yield f"{kind.name}.{name}({argument_name})", argument.description
    if is_enum_type(kind):
        for name, value in kind.values.items():
            yield f"{kind.name}.{name}", value.description


def test_everything_has_a_description() -> None:
    kinds = build_schema()._schema.type_map.values()
    ours = [kind for kind in kinds if not is_introspection_type(kind) and not is_specified_scalar_type(kind)]
    things = dict(thing for kind in ours for thing in described_things(kind))
    assert len(things) > 600
    assert [name for name, description in things.items() if not (description or "").strip()] == []
