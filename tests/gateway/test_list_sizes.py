"""Every list that a caller may give has a most: one item more is refused, with the figure and the most there may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_nullable_type, is_list_type

from gateway import list_sizes
from gateway.schema.build import build_schema
from gateway.schema.filters import MOST_OPERANDS
from gateway.settings_limits import LimitSettings
from tests.gateway.asking import MAX_PAGE, Answer, answer, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, template

CUSTOMER = gid("Customer", "a", "1")
LETTER = gid("Letter", "a", "l1")
VALUES = 20_000
"""What the variables may be here."""


@dataclass(frozen=True)
class Case:
    """A list, `$x` in an operation; the most items there may be, one of them, and what is said of one more."""

    operation: str
    most: int
    item: Any
    message: str


def page(operation: str, argument: str, item: Any) -> Case:
    """A list that has as many as a page has records."""
    return Case(operation, MAX_PAGE, item, f"`{argument}` has at most {MAX_PAGE} ids; {MAX_PAGE + 1} were given.")


def keys(name: str) -> Case:
    """The keys of backends."""
    operation = f"query ($x: [String!]) {{ {name}(backends: $x) {{ totalCount }} }}"
    return Case(operation, list_sizes.MOST_KEYS, "a", "`backends` has at most 1000 keys; 1001 were given.")


def operands(of_type: str, name: str, condition: str, item: Any) -> Case:
    """A list in a filter; what the filter has beside it is nothing."""
    operation = f"query ($x: {of_type}) {{ {name}(filter: {condition}) {{ totalCount }} }}"
    message = "A filter has at most 500 values and conditions; this one has 501."
    return Case(operation, MOST_OPERANDS, item, message)


def two(scalar: str, name: str, field: str, operator: str, item: Any) -> Case:
    """A list of exactly two values."""
    operation = f"query ($x: [{scalar}!]) {{ {name}(filter: {{{field}: {{{operator}: $x}}}}) {{ totalCount }} }}"
    return Case(operation, 2, item, "give two values, the lower first.")


def sending(operation: str, of_type: str, members: str, most: int, item: Any, message: str) -> Case:
    """A list of a request to send."""
    asked = f"done: {operation}(input: {{{members}, dryRun: true}}) {{ problems {{ message }} }}"
    return Case(f"mutation ($x: {of_type}) {{ {asked} }}", most, item, message)


DOCUMENTS = (list_sizes.MOST_DOCUMENTS, LETTER, "`documents` has at most 10000 ids; 10001 were given.")
RECIPIENTS = (
    list_sizes.MOST_RECIPIENTS,
    {"email": "a@b.example"},
    "`recipients` has at most 100 values; 101 were given.",
)
ATTACHMENTS = (list_sizes.MOST_ATTACHMENTS, "x", "`attachments` has at most 20 values; 21 were given.")
STATES = "has at most 100 values; 101 were given."
AGGREGATE = 'aggregate(backend: "a", input: {of: TEMPLATES, '
LISTS = {"Customer": "customers", "Document": "letters", "Template": "templates", "Message": "messages"}

CASES = {
    "Query._entities.representations": page(
        "query ($x: [_Any!]!) { _entities(representations: $x) { __typename } }",
        "representations",
        {"__typename": "Customer", "id": CUSTOMER},
    ),
    "Query.nodes.ids": page("query ($x: [ID!]!) { nodes(ids: $x) { id } }", "ids", CUSTOMER),
    "Query.documents.customers": page(
        "query ($x: [ID!]) { documents(customers: $x, first: 1) { totalCount } }", "customers", CUSTOMER
    ),
    **{
        f"Query.{name}.backends": keys(name)
        for name in ("customers", "documents", "correspondence", "letters", "templates", "messages")
    },
    "DispatchFilter.backends": Case(
        "query ($x: [String!]) { dispatches(filter: {backends: $x}) { totalCount } }",
        list_sizes.MOST_KEYS,
        "a",
        "`backends` has at most 1000 keys; 1001 were given.",
    ),
    "DispatchFilter.states": Case(
        "query ($x: [DispatchState!]) { dispatches(filter: {states: $x}) { totalCount } }",
        list_sizes.MOST_STATES,
        "QUEUED",
        f"`states` {STATES}",
    ),
    "DispatchFilter.actions": Case(
        "query ($x: [DispatchAction!]) { dispatches(filter: {actions: $x}) { totalCount } }",
        list_sizes.MOST_STATES,
        "EMAIL",
        f"`actions` {STATES}",
    ),
    "Dispatch.items.states": Case(
        "mutation ($x: [ItemState!]) { done: emailStatements(input: {customers: "
        f'"{CUSTOMER}"}}) {{ problems {{ message }} dispatch {{ items(states: $x) {{ totalCount }} }} }} }}',
        list_sizes.MOST_STATES,
        "QUEUED",
        f"`states` {STATES}",
    ),
    "AggregateInput.measures": Case(
        f"query ($x: [MeasureInput!]!) {{ {AGGREGATE}measures: $x}}) {{ group }} }}",
        list_sizes.MOST_MEASURES,
        {"function": "SUM", "field": "total"},
        "`measures` has at most 20 values; 21 were given.",
    ),
    "AggregateInput.groupBy": Case(
        f'query ($x: [String!]) {{ {AGGREGATE}measures: {{function: SUM, field: "f"}}, groupBy: $x}}) {{ group }} }}',
        list_sizes.MOST_GROUPS,
        "name",
        "`groupBy` has at most 10 fields; 11 were given.",
    ),
    **{
        f"{kind}Filter.{name}": operands(f"[{kind}Filter!]", of, f"{{{name}: $x}}", {})
        for kind, of in LISTS.items()
        for name in ("and", "or")
    },
    **{
        f"StringFilter.{name}": operands("[String!]", "customers", f"{{name: {{{name}: $x}}}}", "x")
        for name in ("in", "notIn")
    },
    "TemplateFilter.customer": operands("[ID!]", "templates", "{customer: $x}", CUSTOMER),
    **{
        f"{of_type}Filter.{operator}": two(scalar, *place, operator, item)
        for of_type, scalar, place, item in (
            ("String", "String", ("customers", "name"), "x"),
            ("Date", "Date", ("letters", "date"), "2026-01-01"),
            ("Decimal", "Decimal", ("customers", "outstandingBalance"), "1.5"),
        )
        for operator in ("between", "notBetween")
    },
    **{
        f"Email{kind}Input.{name}": sending(f"email{kind}", f"[{of_type}!]", f'{which}: "{LETTER}", {name}: $x', *case)
        for kind, which in (("Document", "document"), ("Documents", "documents"))
        for name, of_type, case in (
            ("recipients", "RecipientInput", RECIPIENTS),
            ("attachments", "String", ATTACHMENTS),
        )
    },
    **{
        f"{verb}DocumentsInput.documents": sending(f"{verb.lower()}Documents", "[ID!]!", f"{members}: $x", *DOCUMENTS)
        for verb, members in (
            ("Email", "documents"),
            ("Deliver", "documents"),
            ("Post", "speed: ECONOMY, documents"),
        )
    },
    "EmailStatementsInput.customers": Case(
        "mutation ($x: [ID!]) { done: emailStatements(input: {customers: $x, dryRun: true}) { problems { message } } }",
        VALUES - 1,
        CUSTOMER,
        f"The variables have {VALUES + 1} values; at most {VALUES} are allowed (limits.variables).",
    ),
}


def lists() -> Iterator[str]:
    """Every list of the schema that a caller gives."""
    for kind in build_schema().core.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{kind.name}.{name}" for name, one in kind.fields.items() if is_list(one.type))
        elif not kind.name.startswith("__"):
            for name, field in getattr(kind, "fields", {}).items():
                yield from (f"{kind.name}.{name}.{one}" for one, given in field.args.items() if is_list(given.type))


def is_list(of_type: Any) -> bool:
    """Whether it is a list, perhaps null."""
    return is_list_type(get_nullable_type(of_type))


def test_every_list_that_a_caller_gives_has_a_case_here() -> None:
    assert sorted(CASES) == sorted(lists())


def company() -> Fake:
    """A backend with one of each, that can do everything."""
    return fake(
        "a",
        customers=[customer("a", "1")],
        letters=[letter("a", "l1", "1")],
        correspondence=[correspondence("a", "c1", "1")],
        templates=[template("a", "t1", "1")],
        messages=[],
        writes=True,
    )


async def told(backend: Fake, case: Case, count: int) -> list[str]:
    """What is said of a list of so many."""
    gateway = gateway_over(backend, changed={"limits": LimitSettings(variables=VALUES, cost=10**6)})
    answered: Answer = await answer(gateway, case.operation, x=[case.item] * count)
    done = (answered.data or {}).get("done")
    return [one["message"] for one in [*answered.errors, *(done["problems"] if done else [])]]


@pytest.mark.parametrize("name", CASES)
async def test_one_item_more_is_refused_before_anything_is_asked(name: str) -> None:
    backend, case = company(), CASES[name]
    (message,) = await told(backend, case, case.most + 1)

    assert message.endswith(case.message)
    assert backend.behaviour.calls == [] or name == "Dispatch.items.states"


@pytest.mark.parametrize("name", CASES)
async def test_as_many_as_there_may_be_are_taken(name: str) -> None:
    messages = await told(company(), CASES[name], CASES[name].most)
    assert not [one for one in messages if "at most" in one or "two values" in one]
