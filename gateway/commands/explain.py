"""``postroom explain``: what an operation is compiled to."""

from typing import Annotated

from cyclopts import Parameter

from gateway.commands.failure import CommandFailure
from gateway.commands.output import say
from gateway.commands.query import read_document, read_variables
from gateway.document_settings import documents_of
from gateway.documents.prepared import DocumentRefusedError
from gateway.engine.executor import CompiledExecutor
from gateway.engine.fallback import NotCompiledError
from gateway.engine.telling import told
from gateway.metrics import Metrics
from gateway.schema.build import build_schema
from gateway.settings import Settings

__all__ = ["explain"]


def explain(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    variables: str | None = None,
    operation: str | None = None,
) -> int:
    """Prints what an operation is compiled to: its fields, what each costs at the vendors, and the functions.

    Args:
        file: The file with the document; - for standard input.
        variables: The variables, as a JSON object; those of its conditions matter, and are true when left out.
        operation: The operation's name, where the document has several.
    """
    schema = build_schema()
    documents = documents_of(Settings(), schema)
    given = read_variables(variables)
    try:
        prepared = documents.prepared(read_document(file)).operation(operation)
        compiled = CompiledExecutor(schema, Metrics()).explained(prepared, given)
    except DocumentRefusedError as refusal:
        raise CommandFailure("\n".join(error.message for error in refusal.errors)) from None
    except NotCompiledError as refusal:
        raise CommandFailure(f"It is not compiled ({refusal.reason.value}): graphql-core executes it.") from None
    say("\n".join(told(compiled)))
    return 0
