"""The schema whole."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.principals import EVERYTHING, Scope
from gateway.schema.customer import Customer
from gateway.schema.document import Correspondence, Document, Letter
from gateway.schema.execution import GivenDocument, PublicErrors, PublicSchema
from gateway.schema.fields import field_needs
from gateway.schema.message import CustomerMessage
from gateway.schema.node import Node
from gateway.schema.query import Query
from gateway.schema.record_mutations import RecordMutations
from gateway.schema.sends import SendMutations
from gateway.schema.subgraph import REPRESENTATION, Representation
from gateway.schema.subscription import Subscription
from gateway.schema.template import CustomerEmailTemplate, EmailTemplate
from gateway.selection import FieldNeeds

__all__ = ["build_schema", "schema_needs"]


@strawberry.type(description="What can be changed and sent.")
class Mutation(RecordMutations, SendMutations):
    """What can be changed and sent."""


def build_schema() -> PublicSchema:
    """The executable schema."""
    return PublicSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Correspondence, Letter, EmailTemplate, CustomerEmailTemplate, CustomerMessage],
        execution_context_class=PublicErrors,
        extensions=[GivenDocument],
        config=StrawberryConfig(
            enable_experimental_incremental_execution=True,  # @defer and @stream
            scalar_map={Representation: REPRESENTATION},
        ),
    )


def schema_needs(scopes: frozenset[Scope] = EVERYTHING) -> FieldNeeds:
    """What each field of a record needs of it, for a caller of these scopes."""
    records = (Customer, Correspondence, Letter, CustomerEmailTemplate, EmailTemplate, CustomerMessage)
    return field_needs(Node, Document, *records, scopes=scopes)
