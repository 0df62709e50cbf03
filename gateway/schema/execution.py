"""The schema as it is executed: every field's failure is made public where it arises, whatever carries the answer."""

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLOutputType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from gateway.problems import public_error

__all__ = ["PublicErrors", "PublicSchema"]


class PublicErrors(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which never lets an exception of ours out as it is."""

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: Any, path: Any
    ) -> None:
        """Makes a field's failure public, then places it as the specification says."""
        if not (isinstance(raw_error, GraphQLError) and raw_error.extensions):
            raw_error = public_error(raw_error)
        super().handle_field_error(raw_error, return_type, field_details_list, path)


class PublicSchema(strawberry.Schema):
    """Strawberry's schema, less its own logging of errors: failures are logged once each, by their incident."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does nothing more."""
