"""Documents that are asked again: neither parsed nor validated, and the same objects."""

from typing import Any

import graphql
import pytest
from graphql import DocumentNode, OperationType

from gateway.documents.limits import DocumentLimits
from gateway.documents.prepared import DocumentRefusedError
from gateway.documents.preparing import Documents

SCHEMA = graphql.build_schema(
    """
    type Query { echo(text: String): String }
    type Mutation { change: Boolean }
    directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
    """
)


SEVERAL = "The document has several operations: operationName must say which."


def documents_of(**options: Any) -> Documents:
    """The schema's documents, without costs."""
    return Documents(SCHEMA, {}, DocumentLimits(), most_records=100, **options)


def messages(documents: Documents, text: str, name: str | None = None) -> list[str]:
    """Why an operation is refused."""
    with pytest.raises(DocumentRefusedError) as caught:
        documents.prepared(text).operation(name)
    return [error.message for error in caught.value.errors]


def test_a_valid_document_is_validated_once(validated: list[DocumentNode]) -> None:
    documents = documents_of()
    first, second = (documents.prepared("{ echo }") for _ in range(2))
    assert first is second
    assert len(validated) == 1


def test_an_invalid_document_is_told_so_every_time(validated: list[DocumentNode]) -> None:
    documents = documents_of()
    told = [messages(documents, "{ other }") for _ in range(3)]
    assert told == [["Cannot query field 'other' on type 'Query'."]] * 3
    assert len(validated) == 3


def test_a_text_that_is_no_document_is_told_so_every_time() -> None:
    documents = documents_of()
    assert [messages(documents, "{") for _ in range(2)] == [["Syntax Error: Expected Name, found <EOF>."]] * 2


def test_of_a_document_with_two_operations_there_is_the_one_that_is_named(validated: list[DocumentNode]) -> None:
    document = documents_of().prepared("query A { echo } mutation B { change }")
    kinds = [document.operation(name).kind for name in ("A", "B")]
    assert kinds == [OperationType.QUERY, OperationType.MUTATION]
    assert len(validated) == 1


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "query A { echo } query B { echo }",
            None,
            SEVERAL,
        ),
        ("query A { echo }", "B", "The document has no operation of this name."),
        ("{ echo }", "B", "The document has no operation of this name."),
        ("fragment F on Query { echo }", None, "The document has no operation."),
        ("{ echo(text: " + "1" * 5000 + ") }", None, "The document has a number of too many digits."),
    ],
)
def test_an_operation_that_cannot_be_executed_is_refused(text: str, name: str | None, message: str) -> None:
    assert message in messages(documents_of(), text, name)


@pytest.mark.parametrize(
    ("text", "in_parts"),
    [("{ ... @defer(if: false) { echo } }", True), ("{ defer: echo }", False), ('{ echo(text: "@defer") }', False)],
)
def test_it_is_known_whether_results_may_come_in_parts(text: str, in_parts: bool) -> None:
    assert documents_of().prepared(text).operation(None).in_parts is in_parts


def test_the_texts_kept_are_bounded_and_the_longest_unused_go_first(validated: list[DocumentNode]) -> None:
    a, b, c = ("{a:echo}", "{b:echo}", "{c:echo}")
    documents = documents_of(most_characters=2 * len(a))
    for text in (a, b, a, c, a, c):
        documents.prepared(text)
    assert len(validated) == 3
    documents.prepared(b)
    assert len(validated) == 4


def test_a_text_beyond_the_bound_is_not_kept_and_nothing_goes_for_it(validated: list[DocumentNode]) -> None:
    documents = documents_of(most_characters=10)
    for text in ("{echo}", "{ echo                }", "{echo}", "{ echo                }"):
        documents.prepared(text)
    assert len(validated) == 3
