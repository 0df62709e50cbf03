"""From a document's text to a prepared document: parsed once, validated once, and kept while it is in use."""

import sys
from collections import OrderedDict
from typing import Final

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.documents.prepared import DocumentRefusedError, PreparedDocument
from gateway.documents.shape import shape_of

__all__ = ["MOST_CHARACTERS", "Documents"]

MOST_CHARACTERS: Final = 1_000_000
"""Of all texts kept. A parsed document takes some fifty times its text: this bounds it to tens of megabytes."""

_RULES: Final = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
"""The specification's, and those that the schema's own library has beside them."""

_VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"


class Documents:
    """The documents of one schema. Those used last are kept, by their texts; what is refused is not."""

    def __init__(self, schema: GraphQLSchema, most_characters: int = MOST_CHARACTERS) -> None:
        self._schema = schema
        self._most = most_characters
        self._characters = 0
        self._kept: OrderedDict[str, PreparedDocument] = OrderedDict()

    def prepared(self, text: str) -> PreparedDocument:
        """The document of this text; the same object for as long as it is kept.

        Raises:
            DocumentRefusedError: it is no GraphQL, or does not fit the schema.
        """
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._prepare(text)
        self._keep(document)
        return document

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            node = parse(text)
        except GraphQLError as error:
            raise _refused(error) from None
        if not any(isinstance(one, OperationDefinitionNode) for one in node.definitions):
            raise _refused(GraphQLError("The document has no operation."))
        shape = shape_of(node)
        # graphql-core's own coercion breaks on a number that Python does not convert.
        if shape.longest_number > sys.get_int_max_str_digits():
            raise _refused(GraphQLError("The document has a number of too many digits."))
        errors = validate(self._schema, node, _RULES)
        if errors:
            raise _refused(*errors)
        return PreparedDocument(text, node, in_parts=shape.in_parts)

    def _keep(self, document: PreparedDocument) -> None:
        size = len(document.text)
        if size > self._most:
            return
        self._kept[document.text] = document
        self._characters += size
        while self._characters > self._most:
            gone, _ = self._kept.popitem(last=False)
            self._characters -= len(gone)


def _refused(*errors: GraphQLError) -> DocumentRefusedError:
    for error in errors:
        error.extensions = error.extensions or {"code": _VALIDATION_FAILED}
    return DocumentRefusedError(errors)
