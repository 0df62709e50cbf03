"""From a document's text to a prepared document: parsed once, validated once, and kept while it is in use."""

import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.documents.cost import CostPlan, FieldCosts, cost_plan
from gateway.documents.limits import DocumentLimits, over_limits, too_much
from gateway.documents.prepared import DocumentRefusedError, PreparedDocument
from gateway.documents.schema_told import NoSchemaTold
from gateway.documents.shape import shape_of
from gateway.public_codes import RequestCode

__all__ = ["MOST_CHARACTERS", "Documents"]

MOST_CHARACTERS: Final = 1_000_000
"""Of all texts kept. A parsed document takes some fifty times its text: this bounds it to tens of megabytes."""

MOST_ERRORS: Final = 10
"""Of one document. Each may quote a value whole, so that a hundred take seconds and make a megabyte."""

_RULES: Final = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
"""The specification's, and those that the schema's own library has beside them."""


class Documents:
    """The documents of one schema. Those used last are kept, by their texts; what is refused is not.

    ``most_records`` is how many records a list answers at most. With ``suggesting``, errors say what was perhaps meant,
    and so what there is; without ``introspecting`` nobody is told the schema.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        costs: FieldCosts,
        limits: DocumentLimits,
        *,
        most_records: int,
        suggesting: bool = False,
        introspecting: bool = True,
        most_characters: int = MOST_CHARACTERS,
    ) -> None:
        self.limits = limits
        self._schema = schema
        self._costs = costs
        self._most_records = most_records
        self._suggesting = suggesting
        self._rules = _RULES if introspecting else (*_RULES, NoSchemaTold)
        self._most_characters = most_characters
        self._characters = 0
        self._kept: OrderedDict[str, PreparedDocument] = OrderedDict()

    def prepared(self, text: str) -> PreparedDocument:
        """The document of this text; the same object for as long as it is kept.

        Raises:
            DocumentRefusedError: it is no GraphQL, does not fit the schema, or is over a limit.
        """
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._prepare(text)
        self._keep(document)
        return document

    def _prepare(self, text: str) -> PreparedDocument:
        node = self._parsed(text)
        shape = shape_of(node)
        # graphql-core's own coercion breaks on a number that Python does not convert.
        if shape.longest_number > sys.get_int_max_str_digits():
            raise _refused(GraphQLError("The document has a number of too many digits."))
        errors = over_limits(shape, node, self.limits)
        errors = errors or validate(
            self._schema, node, self._rules, max_errors=MOST_ERRORS, hide_suggestions=not self._suggesting
        )
        if errors:
            raise _refused(*errors)
        return PreparedDocument(text, node, self._cost, in_parts=shape.in_parts)

    def _parsed(self, text: str) -> DocumentNode:
        most = self.limits.tokens
        try:
            node = parse(text, max_tokens=most)
        except GraphQLError as error:
            if _is_too_long(error):
                raise _refused(too_much("tokens", "The document has {} tokens", most + 1, most)) from None
            raise _refused(error) from None
        if not any(isinstance(one, OperationDefinitionNode) for one in node.definitions):
            raise _refused(GraphQLError("The document has no operation."))
        return node

    def _cost(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> CostPlan:
        return cost_plan(operation, fragments, self._schema, self._costs, self._most_records)

    def _keep(self, document: PreparedDocument) -> None:
        size = len(document.text)
        if size > self._most_characters:
            return
        self._kept[document.text] = document
        self._characters += size
        while self._characters > self._most_characters:
            gone, _ = self._kept.popitem(last=False)
            self._characters -= len(gone)


def _refused(*errors: GraphQLError) -> DocumentRefusedError:
    for error in errors:
        error.extensions = error.extensions or {"code": RequestCode.GRAPHQL_VALIDATION_FAILED.value}
    return DocumentRefusedError(errors)


def _is_too_long(error: GraphQLError) -> bool:
    return error.message.startswith("Syntax Error: Document contains more than")
