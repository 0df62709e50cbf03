"""What is said of fields to a router: the scopes that they take, and what they cost.

What changes, sends or shows a vendor's own record has a tag, so that a variant of the supergraph may leave it out
(https://specs.apollo.dev/tag/v0.3). Whether the router itself looks at scopes is a switch: this gateway does in any
case, and routers that know no @requiresScopes refuse a schema with it. Costs (https://specs.apollo.dev/cost/v0.1) are
those that this gateway counts with, as far as they do not depend on how many backends there are.
"""

from collections.abc import Iterator
from typing import Any, Final

from graphql import ConstDirectiveNode, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.principals import Scope
from gateway.schema.access import NEEDS
from gateway.schema.costs import CostDirectives, ListSize, cost_directives, field_costs
from gateway.schema.fields import DECLARED
from gateway.schema.subgraph_sdl import FieldDirectives, directive

__all__ = ["TAG_PREFIX", "said_of_fields"]

TAG_PREFIX: Final = "postroom/"
"""Before a scope in a tag: a supergraph has the tags of all its subgraphs."""

_UNTAGGED = frozenset((None, Scope.READ))
"""Reading is what a subgraph is for."""


def said_of_fields(schema: GraphQLSchema, *, router_checks_scopes: bool) -> FieldDirectives:
    """What is said of the fields of this schema; with ``router_checks_scopes`` also which a router has to ask for."""
    costs = {place: cost_directives(cost) for place, cost in field_costs(schema).items()}

    def said_of(type_name: str, field_name: str) -> Iterator[ConstDirectiveNode]:
        field = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
        metadata = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata
        yield from _scopes(metadata, router_checks_scopes=router_checks_scopes)
        if (cost := costs.get((type_name, field_name))) is not None:
            yield from _costs(cost)

    return said_of


def _scopes(metadata: Any, *, router_checks_scopes: bool) -> Iterator[ConstDirectiveNode]:
    scope = metadata.get(NEEDS) or getattr(metadata.get(DECLARED), "scope", None)
    if scope not in _UNTAGGED:
        yield directive("tag", name=f"{TAG_PREFIX}{scope}")
    if router_checks_scopes and scope is not None and NEEDS not in metadata:  # of input fields only we can say
        yield directive("requiresScopes", scopes=[[scope]])


def _costs(cost: CostDirectives) -> Iterator[ConstDirectiveNode]:
    if cost.weight is not None:
        yield directive("cost", weight=cost.weight)
    if cost.list_size is not None:
        yield directive("listSize", **_arguments(cost.list_size))


def _arguments(size: ListSize) -> dict[str, Any]:
    """Only what is said: Apollo's composer breaks on a null for `sizedFields`."""
    arguments = {
        "assumedSize": size.assumed_size,
        "slicingArguments": size.slicing_arguments,
        "sizedFields": size.sized_fields,
        "requireOneSlicingArgument": size.require_one_slicing_argument,
    }
    return {name: value for name, value in arguments.items() if value is not None}
