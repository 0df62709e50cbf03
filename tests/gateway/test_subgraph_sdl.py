"""The schema as a subgraph: what is executed, in a router's terms, and nothing that routers may not have."""

import dataclasses
from typing import Any

import pytest
from graphql import (
    ConstDirectiveNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaExtensionNode,
    Visitor,
    is_object_type,
    is_union_type,
    parse,
    print_ast,
    visit,
)

from gateway.__main__ import run
from gateway.schema.build import build_schema
from gateway.schema.entity_keys import ENTITY_KEYS
from gateway.schema.subgraph_directives import said_of_fields
from gateway.schema.subgraph_sdl import FEDERATION, directive, subgraph_sdl
from gateway.settings import FederationSettings
from tests.gateway.asking import data, gateway_over
from tests.gateway.fakes import fake

SCHEMA = build_schema()
SDL = subgraph_sdl(SCHEMA.as_str())
ROOTS = ("Query.", "Mutation.", "Subscription.")


def said_of_types(sdl: str) -> dict[str, list[str]]:
    """The directives of each object type."""
    types = (one for one in parse(sdl).definitions if isinstance(one, ObjectTypeDefinitionNode))
    return {one.name.value: [print_ast(said) for said in one.directives or ()] for one in types}


def fields_of(sdl: str) -> dict[str, list[str]]:
    """The directives of each field of objects, interfaces and inputs."""
    return {
        f"{one.name.value}.{field.name.value}": [print_ast(said) for said in field.directives or ()]
        for one in parse(sdl).definitions
        if isinstance(one, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | InputObjectTypeDefinitionNode)
        for field in one.fields or ()
    }


class Directives(Visitor):
    """The names of all directives that are applied."""

    def __init__(self, sdl: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        visit(parse(sdl), self)

    def enter_directive(self, node: ConstDirectiveNode, *_: Any) -> None:
        self.names.add(node.name.value)


@pytest.mark.parametrize(("checks", "options"), [(False, ()), (True, ("--router-checks-scopes",))])
async def test_the_service_answers_what_the_command_prints(
    checks: bool, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(("schema", "--federation", *options)) == 0
    printed = capsys.readouterr().out
    gateway = gateway_over(fake("a"))
    federation = FederationSettings(router_checks_scopes=checks)
    gateway.settings = dataclasses.replace(gateway.settings, federation=federation)

    assert await data(gateway, "{ _service { sdl } }") == {"_service": {"sdl": printed}}
    assert ("@requiresScopes" in printed) is checks


def test_the_command_says_that_one_option_goes_with_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("schema", "--router-checks-scopes")) == 2
    assert capsys.readouterr().err == "postroom: --router-checks-scopes goes with --federation.\n"


@pytest.mark.parametrize("checks", [False, True])
def test_what_changes_sends_or_shows_a_vendors_own_record_is_tagged(checks: bool) -> None:
    sdl = subgraph_sdl(SCHEMA.as_str(), said_of_fields(SCHEMA.core, router_checks_scopes=checks))
    said = fields_of(sdl)
    tags = {name: [one for one in said[name] if one.startswith("@tag")] for name in said}

    assert {name for name in tags if name.startswith("Mutation.") and not tags[name]} == set()
    assert tags["Mutation.emailStatements"] == ['@tag(name: "postroom/send")']
    assert tags["Mutation.updateLetter"] == ['@tag(name: "postroom/write")']
    assert tags["CreateLetterInput.vendorFields"] == tags["Letter.raw"] == ['@tag(name: "postroom/raw")']
    assert {name for name in tags if tags[name] and not name.startswith("Mutation.")} == {
        name for name in said if name.endswith((".raw", ".vendorFields")) and name != "Document.raw"
    }


def test_a_router_that_checks_scopes_is_told_those_that_fields_take() -> None:
    said = fields_of(subgraph_sdl(SCHEMA.as_str(), said_of_fields(SCHEMA.core, router_checks_scopes=True)))
    scopes = {name: [one for one in said[name] if one.startswith("@requiresScopes")] for name in said}

    assert {name for name in scopes if name.startswith(ROOTS) and not scopes[name]} == set()
    assert scopes["Query.customers"] == scopes["Customer.letters"] == ['@requiresScopes(scopes: [["read"]])']
    assert scopes["Subscription.dispatchProgress"] == ['@requiresScopes(scopes: [["read"]])']
    assert scopes["Mutation.emailStatements"] == ['@requiresScopes(scopes: [["send"]])']
    assert scopes["Letter.raw"] == ['@requiresScopes(scopes: [["raw"]])']
    assert scopes["Customer.name"] == scopes["CreateLetterInput.vendorFields"] == []


def test_a_router_is_told_what_the_gateway_counts_with() -> None:
    sdl = subgraph_sdl(SCHEMA.as_str(), said_of_fields(SCHEMA.core, router_checks_scopes=False))
    said = {name: [one for one in directives if "tag" not in one] for name, directives in fields_of(sdl).items()}
    sized = '@listSize(slicingArguments: ["first"], sizedFields: ["nodes", "edges"], requireOneSlicingArgument: false)'

    assert said["Query.customers"] == ["@cost(weight: 1)", sized]
    assert said["Customer.documents"] == ["@cost(weight: 2)", sized]
    assert said["Customer.counterparts"] == [
        "@cost(weight: 1)",
        "@listSize(assumedSize: 3, requireOneSlicingArgument: false)",
    ]
    assert said["Mutation.emailStatements"] == ["@cost(weight: 10)"]
    assert said["Customer.emails"] == ["@cost(weight: 1)"]
    assert said["Customer.name"] == []


def test_every_entity_has_its_keys_and_nothing_else_has() -> None:
    expected = {
        name: [f'@key(fields: "{" ".join(key)}")' for key in ENTITY_KEYS.get(name, ())] for name in said_of_types(SDL)
    }
    expected["PageInfo"] = ["@shareable"]

    assert said_of_types(SDL) == expected


def test_every_key_is_made_of_fields_of_its_type() -> None:
    types = SCHEMA._schema.type_map
    missing = [
        f"{name}.{field}"
        for name, keys in ENTITY_KEYS.items()
        for key in keys
        for field in key
        if not is_object_type(kind := types[name]) or field not in kind.fields
    ]
    assert missing == []


def test_the_entities_are_the_types_with_keys() -> None:
    union = SCHEMA._schema.type_map["_Entity"]

    assert is_union_type(union)
    assert [kind.name for kind in union.types] == list(ENTITY_KEYS)


def test_the_rest_is_the_schema_as_it_is_executed() -> None:
    class Plain(Visitor):
        """Takes away what the federation adds."""

        def leave_directive(self, node: ConstDirectiveNode, *_: Any) -> Any:
            return self.REMOVE if node.name.value in {"key", "shareable", "link"} else None

        def leave_schema_extension(self, _: SchemaExtensionNode, *__: Any) -> Any:
            return self.REMOVE

    class Composed(Visitor):
        """Takes away what routers do not get."""

        def enter(self, node: Any, *_: Any) -> Any:
            name = getattr(getattr(node, "name", None), "value", None)
            if node.kind.endswith("_type_definition") and name in {"_Any", "_Entity", "_Service"}:
                return self.REMOVE
            if node.kind != "object_type_definition" or name != "Query":
                return None
            gone = {"node", "nodes", "_entities", "_service"}
            return dataclasses.replace(node, fields=tuple(one for one in node.fields if one.name.value not in gone))

    assert print_ast(visit(parse(SDL), Plain())) == print_ast(visit(parse(SCHEMA.as_str()), Composed()))


def test_what_is_used_of_the_federation_is_imported_and_nothing_else() -> None:
    extension = parse(SDL).definitions[0]

    assert isinstance(extension, SchemaExtensionNode)
    assert [print_ast(one) for one in extension.directives or ()] == [
        f'@link(url: "{FEDERATION}", import: ["@key", "@shareable"])'
    ]
    assert Directives(SDL).names - {"link", "key", "shareable"} == Directives(SCHEMA.as_str()).names


def test_what_is_said_of_a_field_is_printed_there_and_imported() -> None:
    sdl = subgraph_sdl(
        SCHEMA.as_str(),
        lambda kind, field: (
            [directive("requiresScopes", scopes=[["raw"]])] if (kind, field) == ("Letter", "raw") else []
        ),
    )
    letter = next(
        one
        for one in parse(sdl).definitions
        if isinstance(one, ObjectTypeDefinitionNode) and one.name.value == "Letter"
    )
    said = {one.name.value: [print_ast(said) for said in one.directives or ()] for one in letter.fields or ()}

    assert {name: directives for name, directives in said.items() if directives} == {
        "raw": ['@requiresScopes(scopes: [["raw"]])']
    }
    assert 'import: ["@key", "@requiresScopes", "@shareable"]' in sdl.splitlines()[0]


def test_types_are_defined_not_extended() -> None:
    assert [one for one in parse(SDL).definitions if isinstance(one, ObjectTypeExtensionNode)] == []
