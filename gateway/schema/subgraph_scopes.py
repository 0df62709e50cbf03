"""The scopes that fields take, in a router's terms.

What changes, sends or shows a vendor's own record has a tag, so that a variant of the supergraph may leave it out
(https://specs.apollo.dev/tag/v0.3). Whether the router itself looks at scopes is a switch: this gateway does in any
case, and routers that know no @requiresScopes refuse a schema with it.
"""

from collections.abc import Iterator
from typing import Any, Final

from graphql import ConstDirectiveNode, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.principals import Scope
from gateway.schema.access import NEEDS
from gateway.schema.fields import DECLARED
from gateway.schema.subgraph_sdl import FieldDirectives, directive

__all__ = ["TAG_PREFIX", "scopes_said"]

TAG_PREFIX: Final = "postroom/"
"""Before a scope in a tag: a supergraph has the tags of all its subgraphs."""

_UNTAGGED = frozenset((None, Scope.READ))
"""Reading is what a subgraph is for."""


def scopes_said(schema: GraphQLSchema, *, router_checks: bool) -> FieldDirectives:
    """What is said of the fields of this schema; with ``router_checks`` also which scopes a router has to ask for."""

    def said_of(type_name: str, field_name: str) -> Iterator[ConstDirectiveNode]:
        field = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
        metadata = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata
        scope = _scope(metadata)
        if scope not in _UNTAGGED:
            yield directive("tag", name=f"{TAG_PREFIX}{scope}")
        if router_checks and scope is not None and NEEDS not in metadata:  # of input fields only we can say
            yield directive("requiresScopes", scopes=[[scope]])

    return said_of


def _scope(metadata: Any) -> Scope | None:
    scope: Scope | None = metadata.get(NEEDS) or getattr(metadata.get(DECLARED), "scope", None)
    return scope
