"""What is too much is refused before it is validated, with the figure and the limit; what tools ask is let through."""

from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, get_introspection_query

from gateway.documents.limits import DocumentLimits
from gateway.documents.prepared import DocumentRefusedError
from gateway.documents.preparing import Documents
from gateway.schema.build import build_schema
from gateway.schema.costs import field_costs
from gateway.settings_limits import LimitSettings
from tests.gateway.documents.test_shape import bomb

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole_schema() -> Any:
    return build_schema().core


@pytest.fixture
def documents(whole_schema: Any) -> Documents:
    return Documents(whole_schema, field_costs(whole_schema), DocumentLimits(), most_records=500)


def names(count: int, form: str) -> str:
    """So many selections of a form, numbered."""
    return " ".join(form.format(number) for number in range(count))


def nested(levels: int) -> str:
    """Customers' counterparts, within one another."""
    return "{ customers { nodes {" + " counterparts {" * levels + " id" + " }" * levels + " } } }"


def doubled(levels: int) -> str:
    """Each selection twice, with each selection in it twice."""
    return "id" if levels == 0 else f"counterparts {{ {doubled(levels - 1)} {doubled(levels - 1)} }}"


FRAGMENTS = names(101, "fragment F{0} on Query {{ a{0}: __typename }}")

OVER = [
    (nested(18), {"depth": (21, 20)}),
    ("{" + names(21, "node(id: {0}) {{ id }}") + "}", {"root_fields": (21, 20)}),
    ("{ customers { nodes {" + "id " * 999 + "} } }", {"fields": (1001, 1000)}),
    ("{ customers { nodes {" + names(51, "a{0}: id") + "} } }", {"aliases": (51, 50)}),
    ("{ __typename " + "@skip(if: false) " * 51 + "}", {"directives": (51, 50)}),
    ("{ customers { nodes {" + "id " * 101 + "} } }", {"comparisons": (5050, 5000)}),
    ("{ customers { nodes {" + doubled(7) + "} } }", {"comparisons": (10795, 5000)}),
    ("{ a" + " b" * 4000 + "}", {"tokens": (4001, 4000)}),
    ("#\n" * 4001 + "{ __typename }", {"tokens": (4001, 4000)}),
    (
        bomb(levels=23),
        {"root_fields": (2**23, 20), "fields": (2**23, 1000), "tokens": (2**23 * 16 - 5, 12_000)},
    ),
]


def refusals(documents: Documents, text: str) -> dict[str, tuple[int, int]]:
    """By limit, the figure and the most there may be."""
    with pytest.raises(DocumentRefusedError) as caught:
        documents.prepared(text)
    told = [dict(error.extensions or {}) for error in caught.value.errors]
    assert {one["code"] for one in told} == {"DOCUMENT_LIMIT"}
    return {one["limit"]: (one["actual"], one["maximum"]) for one in told}


@pytest.mark.parametrize(("text", "expected"), OVER)
def test_what_is_over_a_limit_is_refused_unvalidated(
    documents: Documents, validated: list[DocumentNode], text: str, expected: dict[str, tuple[int, int]]
) -> None:
    assert refusals(documents, text) == expected
    assert validated == []


def test_the_message_says_the_figure_the_limit_and_the_setting(documents: Documents) -> None:
    with pytest.raises(DocumentRefusedError) as caught:
        documents.prepared(nested(18))
    assert str(caught.value) == "The document is 21 fields deep; at most 20 are allowed (limits.depth)."


@pytest.mark.parametrize(
    "text",
    [
        bomb(levels=28),  # 904 bytes with which the schema library's own limiters take 20 seconds
        bomb(levels=400),
        "{" + names(100, "...F{0}") + "} " + FRAGMENTS,
        "{" + names(500, "...F{0}") + "} " + names(500, "fragment F{0} on Query {{ ...F0 ...F1 ...F2 ...F3 }}"),
        "{ customers { nodes {" + doubled(9) + "} } }",
        "{ ...F0 } " + names(800, "fragment F{0} on Query {{ a{0}: __typename }}"),
        "{" + "... { __typename }" * 700 + "}",
        names(400, "query A{0} {{ __typename ...F }}")
        + " fragment F on Query { "
        + names(40, "b{0}: __typename")
        + "}",
        "{ nodes(ids: [" + '"x" ' * 5000 + "]) { id } }",
        "{" * 8000,
        "{ a(b: " + "[" * 8000 + "]" * 8000 + ") }",
        "{" + names(2300, "unknown{0}") + "}",
    ],
    ids=range(12),
)
def test_a_hostile_document_of_up_to_32_kib_is_refused_unvalidated(
    documents: Documents, validated: list[DocumentNode], text: str
) -> None:
    with pytest.raises(DocumentRefusedError):
        documents.prepared(text[: 32 * 1024])
    assert validated == []


def test_no_more_than_ten_errors_are_told_of_one_document(documents: Documents) -> None:
    """Each quotes the value: of nine hundred, four seconds."""
    with pytest.raises(DocumentRefusedError) as caught:
        documents.prepared("{ customers(filter: {" + names(900, "name{0}: 1") + "}) { totalCount } }")
    assert len(caught.value.errors) == 11
    assert caught.value.errors[-1].message.startswith("Too many validation errors")


PAGE = """{
  customers(first: 50) {
    nodes {
      id code name emails
      documents(first: 5) { nodes { id title date } }
      templates(first: 25) { nodes { id emailTemplate { name } } }
      message { text }
    }
    problems { code }
  }
}"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((path.name, path.read_text()) for path in (ROOT / "examples").glob("*.graphql")),
        (
            "GraphiQL's introspection",
            get_introspection_query(
                specified_by_url=True,
                directive_is_repeatable=True,
                schema_description=True,
                input_value_deprecation=True,
            ),
        ),
        ("a page of fifty customers", PAGE),
        (
            "thirty components with a fragment each",
            "{ customers(first: 10) { nodes { id __typename name "
            + names(30, "...F{0}")
            + "} } }"
            + names(30, "fragment F{0} on Customer {{ id __typename name }}"),
        ),
    ],
)
def test_what_tools_and_frontends_ask_is_let_through(documents: Documents, name: str, text: str) -> None:
    operation = documents.prepared(text).operation(None)
    assert operation.cost.total({"first": 50}, backends=4) <= DocumentLimits().cost, name


def test_the_settings_defaults_are_the_documents() -> None:
    assert LimitSettings().of_documents == DocumentLimits()
