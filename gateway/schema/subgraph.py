"""What federation routers ask of a subgraph: its schema in their terms, and records by their keys.

The specification of both fields: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from typing import Annotated, Any, NewType, Optional

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.context import Ask, RequestContext
from gateway.principals import Scope
from gateway.schema.backend import BackendType
from gateway.schema.customer import Customer
from gateway.schema.dispatch import Dispatch
from gateway.schema.document import Correspondence, Letter
from gateway.schema.entity_keys import entity_key
from gateway.schema.fields import derived, load
from gateway.schema.message import CustomerMessage
from gateway.schema.paging import no_more_than_a_page
from gateway.schema.template import CustomerEmailTemplate, EmailTemplate

__all__ = ["REPRESENTATION", "Representation", "SubgraphQueries"]

Representation = NewType("Representation", object)

REPRESENTATION: ScalarDefinition = strawberry.scalar(
    name="_Any", description="A router's representation of an entity: `__typename`, and the fields of one of its keys."
)

Entity = Annotated[
    BackendType
    | Correspondence
    | Customer
    | CustomerEmailTemplate
    | CustomerMessage
    | Dispatch
    | EmailTemplate
    | Letter,
    strawberry.union("_Entity", description="What a federation router can name by a key."),
]


@strawberry.type(name="_Service", description="This subgraph, for those who compose it.")
class Service:
    """This subgraph."""

    @derived("The schema as a subgraph of Apollo Federation 2.")
    def sdl(self: Any, context: RequestContext) -> str:
        """The schema as a subgraph."""
        return context.subgraph_sdl()


@strawberry.type
class SubgraphQueries:
    """What routers ask."""

    @derived("This subgraph, for those who compose it.", name="_service", scope=Scope.READ)
    def service(self: None, context: RequestContext) -> Service:
        """This subgraph."""
        return Service()

    @load(
        "nodes",
        "Records by a router's representations of them, in that order; null for those that are not there, or not "
        "visible here. Asked by federation routers; whoever has ids asks `nodes`.",
        returns=list[Optional[Entity]],
        name="_entities",
    )
    def entities(
        self: None,
        ask: Ask,
        representations: Annotated[
            list[Representation], strawberry.argument(description="The records, as the router names them.")
        ],
    ) -> Any:
        """Records by a router's representations."""
        no_more_than_a_page(representations, ask, "representations")
        return tuple(entity_key(one, place, ask) for place, one in enumerate(representations))
