"""Each field of each type, by both executors."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_union_type,
)

from gateway.schema.build import build_schema
from tests.engine.comparing import Both
from tests.engine.world import World
from tests.gateway.asking import gid

SCHEMA = build_schema().core

NODE = '{ node(id: "%s") { ... on {type} { {fields} } } }'
ROUTES = {
    "AggregateRow": '{ aggregate(backend: "a", input: {of: TEMPLATES, measures: []}) { {fields} } }',
    "Backend": "{ backends { {fields} } }",
    "BackendBudget": "{ backends { budget { {fields} } } }",
    "BackendHealth": "{ backends { health { {fields} } } }",
    "Correspondence": "{ correspondence { nodes { {fields} } } }",
    "CorrespondenceConnection": "{ correspondence(first: 3) { {fields} } }",
    "CorrespondenceEdge": "{ correspondence { edges { {fields} } } }",
    "Customer": "{ customers(first: 9) { nodes { {fields} } } }",
    "CustomerConnection": "{ customers(first: 3) { {fields} } }",
    "CustomerEdge": "{ customers(first: 3) { edges { {fields} } } }",
    "CustomerEmailTemplate": "{ templates { nodes { {fields} } } }",
    "CustomerEmailTemplateConnection": "{ templates { {fields} } }",
    "CustomerEmailTemplateEdge": "{ templates { edges { {fields} } } }",
    "CustomerMessage": "{ messages { nodes { {fields} } } }",
    "CustomerMessageConnection": "{ messages { {fields} } }",
    "CustomerMessageEdge": "{ messages { edges { {fields} } } }",
    "Dispatch": "{ dispatches { nodes { {fields} } } }",
    "DispatchConnection": "{ dispatches { {fields} } }",
    "DispatchCounts": "{ dispatches { nodes { counts { {fields} } } } }",
    "DispatchEdge": "{ dispatches { edges { {fields} } } }",
    "DispatchItem": "{ dispatches { nodes { items { nodes { {fields} } } } } }",
    "DispatchItemConnection": "{ letters { nodes { dispatchItems { {fields} } } } }",
    "DispatchItemEdge": "{ dispatches { nodes { items { edges { {fields} } } } } }",
    "Document": "{ documents { nodes { {fields} } } }",
    "DocumentConnection": "{ documents(first: 3) { {fields} } }",
    "DocumentEdge": "{ documents(first: 3) { edges { {fields} } } }",
    "EmailTemplate": "{ templates { nodes { emailTemplate { {fields} } } } }",
    "Letter": "{ letters { nodes { {fields} } } }",
    "LetterConnection": "{ customers { nodes { letters { {fields} } } } }",
    "LetterEdge": "{ customers { nodes { letters { edges { {fields} } } } } }",
    "Node": "{ nodes(ids: [" + ", ".join(
        f'"{gid(kind, "a", key)}"'
        for kind, key in [("Customer", "1"), ("Letter", "l1"), ("Correspondence", "c1"), ("CustomerMessage", "m1"),
                          ("CustomerEmailTemplate", "t1"), ("EmailTemplate", "Tt1"), ("Customer", "nobody")]
    ) + f', "{gid("Backend", "a", "a")}", "nonsense"]) {{ __typename {{fields}} }} }}',
    "PageInfo": "{ customers(first: 2) { pageInfo { {fields} } } }",
    "PostalAddress": "{ customers { nodes { address { {fields} } } } }",
    "Problem": '{ customers(backends: ["a"]) { problems { {fields} } } messages(backends: ["c"]) '
               "{ problems { {fields} } } }",
    "Query": "{ {fields} }",
    "TransactionDefinition": "{ templates { nodes { transactionDefinition { {fields} } } } }",
    "VendorFile": "{ letters { nodes { pdf { {fields} } preview { {fields} } } } }",
}  # fmt: skip
"""How each type that can be read is come by."""

WRITTEN = frozenset(
    ("CorrespondencePayload", "DeletePayload", "DispatchPayload", "DispatchPlan", "DocumentPayload", "LetterPayload",
     "MessagePayload", "Mutation", "PlannedItem", "PlannedRequest", "Subscription", "TemplatePayload")
)  # fmt: skip
"""Those that are come by otherwise: `test_mutations` has them."""

ARGUMENTS = {
    "id": f'"{gid("Customer", "b", "1")}"',
    "ids": f'["{gid("Letter", "a", "l1")}", "{gid("Customer", "c", "1")}", "{gid("Letter", "c", "none")}"]',
    "by": '{code: {backend: "a", code: "C-1"}}',
    "backend": '"a"',
    "representations": f'[{{__typename: "Customer", id: "{gid("Customer", "b", "1")}"}}, {{__typename: "Nothing"}}]',
    "input": '{of: TEMPLATES, measures: [{function: COUNT, field: "x"}]}',
}
"""For arguments that must be given."""


def readable() -> Iterator[GraphQLObjectType | GraphQLInterfaceType]:
    """The types with fields that a query may come by."""
    for of_type in SCHEMA.type_map.values():
        if of_type.name.startswith("_") or of_type.name in WRITTEN:
            continue
        if isinstance(of_type, GraphQLObjectType | GraphQLInterfaceType):
            yield of_type


def fields() -> Iterator[tuple[str, str]]:
    """Each field of each of them."""
    for of_type in readable():
        for name in of_type.fields:
            yield of_type.name, name


def selected(name: str, field: GraphQLField, depth: int = 2) -> str:
    """A field with what must be given for it, and all leaves below."""
    required = [argument for argument, of in field.args.items() if is_required_argument(of)]
    given = ", ".join(f"{argument}: {ARGUMENTS[argument]}" for argument in required)
    return name + (f"({given})" if given else "") + below(get_named_type(field.type), depth)


def below(of_type: GraphQLNamedType, depth: int) -> str:
    """What is selected of a type."""
    if is_leaf_type(of_type):
        return ""
    if is_union_type(of_type):
        return " { __typename }"
    assert isinstance(of_type, GraphQLObjectType | GraphQLInterfaceType)
    inner = ["__typename"]
    for name, field in of_type.fields.items():
        if is_leaf_type(get_named_type(field.type)) or (depth and not field.args):
            inner.append(selected(name, field, depth - 1))
    return " { " + " ".join(inner) + " }"


def test_each_type_that_can_be_read_is_come_by() -> None:
    assert {of_type.name for of_type in readable()} == ROUTES.keys()


@pytest.mark.parametrize(("type_name", "field"), [*fields()])
async def test_a_field(both: Both, type_name: str, field: str) -> None:
    of_type: Any = SCHEMA.type_map[type_name]
    query = ROUTES[type_name].replace("{fields}", selected(field, of_type.fields[field]))
    for _ in range(2):  # the first time the functions do not know the classes yet
        await both.agree(query)


@pytest.mark.parametrize("type_name", ROUTES)
async def test_all_fields_of_odd_records(type_name: str) -> None:
    both = Both(World(odd=True))
    of_type: Any = SCHEMA.type_map[type_name]
    every = " ".join(selected(name, field, 1) for name, field in of_type.fields.items())
    await both.agree(ROUTES[type_name].replace("{fields}", every))


async def test_a_value_of_another_type_is_written_by_its_types_own_rules(odd: Both) -> None:
    for _ in range(2):  # the first time the functions do not know the classes yet
        answer = await odd.agree('{ customers(first: 1, backends: ["odd"]) { nodes { name } } }')
        assert (answer.data["customers"]["nodes"], answer.errors) == ([{"name": "5"}], [])


async def test_an_object_of_another_type_is_a_failure(odd: Both) -> None:
    for _ in range(2):
        answer = await odd.agree('{ customers(first: 1, backends: ["odd"]) { nodes { message { __typename } } } }')
        assert answer.data["customers"]["nodes"] == [{"message": None}]
