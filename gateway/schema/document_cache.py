"""Documents that were found valid, kept: a frontend asks the same few, and validation costs more than most answers."""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError

from gateway.context import RequestContext

__all__ = ["DocumentCache", "ValidDocuments"]

MOST_CHARACTERS = 1_000_000
"""Of all texts kept. A parsed document takes some fifty times its text: this bounds it to tens of megabytes."""


class ValidDocuments:
    """The latest used valid documents, by their texts; of one schema."""

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most = most_characters
        self._characters = 0
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()

    def get(self, text: str) -> DocumentNode | None:
        """The document of that text, if it is known to be valid."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
        return document

    def add(self, text: str, document: DocumentNode) -> None:
        """Keeps a valid document, in place of those that were not used for longest."""
        if text in self._documents or len(text) > self._most:
            return
        self._documents[text] = document
        self._characters += len(text)
        while self._characters > self._most:
            gone, _ = self._documents.popitem(last=False)
            self._characters -= len(gone)


class DocumentCache(SchemaExtension):
    """Parses and validates a document only when its text is new. One for each operation, over the schema's own.

    What kind of operation a valid document asks for is noted in the request's context.
    """

    def __init__(self, documents: ValidDocuments) -> None:
        self._documents = documents
        self._known: DocumentNode | None = None

    def on_parse(self) -> Iterator[None]:
        """Takes the document where it is known."""
        context = self.execution_context
        if context.query is not None:
            self._known = context.graphql_document = self._documents.get(context.query)
        yield

    def on_validate(self) -> Iterator[None]:
        """Skips what was found valid, and keeps what is found valid now."""
        context = self.execution_context
        if self._known is not None:
            context.pre_execution_errors = []
        yield
        if self._known is None and not context.pre_execution_errors:
            assert context.query is not None  # noqa: S101 - it was parsed
            assert context.graphql_document is not None  # noqa: S101
            self._documents.add(context.query, context.graphql_document)
        if not context.pre_execution_errors and isinstance(context.context, RequestContext):
            with contextlib.suppress(CannotGetOperationTypeError):  # there is no operation of that name
                context.context.is_a(context.operation_type.value)
