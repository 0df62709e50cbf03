"""Documents that are asked again: neither parsed nor validated, and answered the same."""

import pytest
import strawberry
from graphql import DocumentNode, GraphQLError, parse
from strawberry.schema import schema as strawberry_schema

from gateway.schema.document_cache import DocumentCache, ValidDocuments


@strawberry.type
class Query:
    @strawberry.field
    def echo(self, text: str = "") -> str:
        return text


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[DocumentNode]:
    """Every document that is validated."""
    seen: list[DocumentNode] = []
    validate = strawberry_schema.validate_document

    def noting(schema: object, document: DocumentNode, rules: object) -> list[GraphQLError]:
        seen.append(document)
        return validate(schema, document, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(strawberry_schema, "validate_document", noting)
    return seen


def schema() -> strawberry.Schema:
    documents = ValidDocuments()
    return strawberry.Schema(Query, extensions=[lambda: DocumentCache(documents)])


async def test_a_valid_document_is_validated_once(validated: list[DocumentNode]) -> None:
    asked = schema()
    query = "query ($text: String!) { echo(text: $text) }"
    answers = [(await asked.execute(query, {"text": text})).data for text in ("a", "b", "c")]
    assert answers == [{"echo": "a"}, {"echo": "b"}, {"echo": "c"}]
    assert len(validated) == 1


async def test_an_invalid_document_is_told_so_every_time(validated: list[DocumentNode]) -> None:
    asked = schema()
    messages = [[error.message for error in (await asked.execute("{ other }")).errors or ()] for _ in range(3)]
    assert messages == [["Cannot query field 'other' on type 'Query'."]] * 3
    assert len(validated) == 3


async def test_a_text_that_is_no_document_is_told_so_every_time() -> None:
    asked = schema()
    messages = [[error.message for error in (await asked.execute("{")).errors or ()] for _ in range(2)]
    assert messages == [["Syntax Error: Expected Name, found <EOF>."]] * 2


async def test_of_a_document_with_two_operations_the_one_that_is_named_runs(validated: list[DocumentNode]) -> None:
    asked = schema()
    query = 'query A { echo(text: "a") } query B { echo(text: "b") }'
    answers = [(await asked.execute(query, operation_name=name)).data for name in ("A", "B")]
    assert answers == [{"echo": "a"}, {"echo": "b"}]
    assert len(validated) == 1


def test_the_texts_kept_are_bounded_and_the_longest_unused_go_first() -> None:
    documents = ValidDocuments(most_characters=12)
    a, b, c = ("{ a }", "{ b }", "{ c }")
    document = parse(a)
    documents.add(a, document)
    documents.add(b, document)
    assert documents.get(a) is document
    documents.add(c, document)
    assert [documents.get(text) for text in (a, b, c)] == [document, None, document]


def test_a_text_beyond_the_bound_is_not_kept_and_nothing_goes_for_it() -> None:
    documents = ValidDocuments(most_characters=12)
    document = parse("{ a }")
    documents.add("{ a }", document)
    documents.add("{ a b c d e f g }", document)
    assert [documents.get("{ a }"), documents.get("{ a b c d e f g }")] == [document, None]
