"""The schema in the terms of Apollo Federation 2: what a composer takes, and `_service` answers.

Made from the schema's own SDL, so that nothing in it can differ from what is executed. The directives are those of
https://specs.apollo.dev/federation/v2.9, the newest version that both Apollo's and The Guild's composers take.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from graphql import (
    ConstArgumentNode,
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    NameNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    parse,
    parse_const_value,
    print_ast,
    visit,
)

from gateway.schema.entity_keys import ENTITY_KEYS

__all__ = ["FEDERATION", "FieldDirectives", "directive", "subgraph_sdl"]

FEDERATION = "https://specs.apollo.dev/federation/v2.9"

_IMPORTED = frozenset(("authenticated", "cost", "key", "listSize", "requiresScopes", "shareable", "tag"))
"""The federation's directives that we use; composers know their definitions."""

_OF_EVERY_SUBGRAPH = frozenset(("_Any", "_Entity", "_Service"))
"""Types that the specification gives each subgraph, and composers add themselves."""

_NO_ROUTERS = frozenset(("node", "nodes", "_entities", "_service"))
"""Fields of Query that are not composed: any other Relay subgraph has a `node` too, and neither finds the other's."""

_SHAREABLE = frozenset(("PageInfo",))
"""Types that other subgraphs define alike."""

Described = TypeVar("Described", ObjectTypeDefinitionNode, FieldDefinitionNode, InputValueDefinitionNode)

FieldDirectives = Callable[[str, str], Iterable[ConstDirectiveNode]]
"""What is said of a field, by its type's name and its own."""


def subgraph_sdl(sdl: str, said_of: FieldDirectives = lambda _type, _field: ()) -> str:
    """The SDL as a subgraph, of the schema that has this SDL."""
    definitions = [_as_subgraph(one, said_of) for one in parse(sdl, no_location=True).definitions if _is_composed(one)]
    document = DocumentNode(definitions=tuple(definitions))
    used = _Used()
    visit(document, used)
    imports = json.dumps([f"@{name}" for name in sorted(used.names & _IMPORTED)])
    return f'extend schema @link(url: "{FEDERATION}", import: {imports})\n\n{print_ast(document)}\n'


def directive(name: str, /, **arguments: Any) -> ConstDirectiveNode:
    """A directive as it is applied, with arguments of strings, numbers and lists of them."""
    given = (
        ConstArgumentNode(name=NameNode(value=argument), value=parse_const_value(json.dumps(value), no_location=True))
        for argument, value in arguments.items()
    )
    return ConstDirectiveNode(name=NameNode(value=name), arguments=tuple(given))


class _Used(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: ConstDirectiveNode, *_: Any) -> None:
        self.names.add(node.name.value)


def _is_composed(definition: DefinitionNode) -> bool:
    if isinstance(definition, DirectiveDefinitionNode):
        return definition.name.value not in _IMPORTED
    return not isinstance(definition, TypeDefinitionNode) or definition.name.value not in _OF_EVERY_SUBGRAPH


def _as_subgraph(definition: DefinitionNode, said_of: FieldDirectives) -> DefinitionNode:
    if isinstance(definition, InputObjectTypeDefinitionNode):
        inputs = (_adding(field, said_of(definition.name.value, field.name.value)) for field in definition.fields or ())
        return dataclasses.replace(definition, fields=tuple(inputs))
    if not isinstance(definition, ObjectTypeDefinitionNode):
        return definition
    name = definition.name.value
    fields = tuple(
        _adding(field, said_of(name, field.name.value))
        for field in definition.fields or ()
        if name != "Query" or field.name.value not in _NO_ROUTERS
    )
    keys = [directive("key", fields=" ".join(key)) for key in ENTITY_KEYS.get(name, ())]
    shareable = [directive("shareable")] if name in _SHAREABLE else []
    return dataclasses.replace(_adding(definition, [*keys, *shareable]), fields=fields)


def _adding(node: Described, directives: Iterable[ConstDirectiveNode]) -> Described:
    return dataclasses.replace(node, directives=(*(node.directives or ()), *directives))
