"""What an operation may cost is known before it runs: from the document, its variables and the backends there are."""

from typing import Any, cast

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
)

from gateway.documents import cost
from gateway.documents.limits import DocumentLimits
from gateway.documents.preparing import Documents
from gateway.schema.build import build_schema
from gateway.schema.costs import field_costs
from tests.gateway.documents.test_shape import bomb

BACKENDS = 3
MAX_PAGE = 100
EVERYTHING = DocumentLimits(
    depth=10**9, aliases=10**9, directives=10**9, fields=10**9, root_fields=10**9, tokens=10**9, comparisons=10**9
)


@pytest.fixture(scope="module")
def documents() -> Documents:
    schema = build_schema().core
    return Documents(schema, field_costs(schema), EVERYTHING, most_records=MAX_PAGE)


def cost_of(documents: Documents, text: str, **variables: Any) -> int:
    """What the only operation of a document costs."""
    return documents.prepared(text).operation(None).cost.total(variables, BACKENDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename backends { key health { state } } }", 0),
        ("{ __schema { types { name } } }", 0),
        ('{ node(id: "x") { id } }', 1),
        ('{ node(id: "x") { ... on Customer { emails message { text } } } }', 1 + 1 + 2),
        ('{ nodes(ids: ["x", "y"]) { ... on Customer { emails } } }', 2 + 2),
        ('{ nodes(ids: "x") { id } }', 1),
        ('{ _entities(representations: [{id: "x"}, {id: "y"}]) { ... on Customer { emails } } }', 2 + 2),
        ('{ customer(by: {id: "x"}) { counterparts { emails } } }', 1 + 2 + 2),
        ("{ customers { nodes { id } } }", 3),
        ("{ customers(first: 4) { nodes { emails } } }", 3 + 4),
        ("{ customers(first: 4) { edges { node { emails } } totalCount } }", 3 + 4),
        ('{ customers(first: 4, backends: ["a"]) { nodes { emails } } }', 1 + 4),
        ('{ customers(first: 4, backends: ["a", "b", "c", "c"]) { nodes { emails } } }', 3 + 4),
        ("{ customers(first: 4, backends: null) { nodes { emails } } }", 3 + 4),
        ("{ customers(first: 1000) { nodes { emails } } }", 3 + MAX_PAGE),
        ("{ customers(first: -1) { nodes { emails } } }", 3),
        ("{ customers(first: 4) { nodes { documents(first: 2) { nodes { customer { id } } } } } }", 3 + 4 * (2 + 2)),
        ("{ customers(first: 4) { nodes { letters(first: 2) { nodes { raw } } } } }", 3 + 4 * (1 + 2)),
        ("{ documents(first: 2) { nodes { id } } }", 6),
        ('{ documents(customers: ["x", "y"]) { nodes { id } } }', 4),
        ('{ documents(customers: ["x", "y"], withCounterparts: true) { nodes { id } } }', 2 * (3 + 6)),
        ("{ dispatches(first: 5) { nodes { items(first: 2) { nodes { target { id } } } } } }", 1 + 5 * (1 + 2)),
        ('mutation { deleteLetter(input: {id: "x"}) { problems { code } } }', 10),
        ('mutation { a: cancelDispatch(id: "x") { dispatch { items(first: 3) { nodes { target { id } } } } } }', 14),
        (
            'mutation { emailDocuments(input: {documents: ["x", "y"]}) { plan { items { target { id } } } } }',
            12 + 2,
        ),
        (
            'mutation { emailStatements(input: {backend: "a"}) { plan { items { target { id } } } } }',
            110 + 10_000,
        ),
        (
            'mutation { emailStatements(input: {backend: "a"}) { plan { items(first: 50) { target { id } } } } }',
            110 + 50,
        ),
        (
            'mutation { emailStatements(input: {backend: "a"}) { plan { itemCount items { targetId name } } } }',
            110,
        ),
        (
            'mutation { emailDocuments(input: {documents: ["x"]}) { plan { items(first: 50) { target { id } } } } }',
            10 + 1,
        ),
        ('subscription { dispatchProgress(id: "x") { items(first: 3) { nodes { target { id } } } } }', 1 + 1 + 3),
        ("{ customers(first: 2) { nodes { ...F ...F ... { ...F } } } } fragment F on Customer { emails }", 3 + 2 * 3),
        ("{ customers(first: 4) @skip(if: true) { nodes { emails } } }", 3 + 4),
    ],
)
def test_a_list_is_as_full_as_it_may_be(documents: Documents, text: str, expected: int) -> None:
    assert cost_of(documents, text) == expected


PAGED = "query ($n: Int!) { customers(first: $n) { nodes { emails } } }"
PLANNED = """mutation ($c: [ID!], $b: String, $n: Int) {
  emailStatements(input: {customers: $c, backend: $b, dryRun: true}) { plan { items(first: $n) { target { id } } } }
}"""
DEFAULTED = "query ($n: Int = 7) { customers(first: $n) { nodes { emails } } }"


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        (PAGED, {"n": 4}, 3 + 4),
        (PAGED, {"n": 4.0}, 3 + 4),
        (PAGED, {"n": 10**30}, 3 + MAX_PAGE),
        (PAGED, {"n": "4"}, 3 + MAX_PAGE),
        (PAGED, {"n": True}, 3 + 1),
        (PAGED, {}, 3 + 50),
        (DEFAULTED, {}, 3 + 7),
        (DEFAULTED, {"n": 4}, 3 + 4),
        (DEFAULTED, {"n": None}, 3 + MAX_PAGE),
        ("query ($i: [ID!]!) { nodes(ids: $i) { ... on Customer { emails } } }", {"i": ["x", "y", "z"]}, 3 + 3),
        ("query ($i: [ID!]!) { nodes(ids: $i) { ... on Customer { emails } } }", {"i": "x"}, 1 + 1),
        ("query ($i: ID!) { nodes(ids: [$i, $i]) { id } }", {"i": "x"}, 2),
        ("query ($b: [String!]) { customers(backends: $b) { nodes { id } } }", {"b": ["a"]}, 1),
        (
            "mutation ($i: EmailDocumentsInput!) { emailDocuments(input: $i) { problems { code } } }",
            {"i": {"documents": ["x"] * 5000}},
            110,
        ),
        (
            "mutation ($d: [ID!]!) { emailDocuments(input: {documents: $d}) { problems { code } } }",
            {"d": ["x"]},
            10,
        ),
        (PLANNED, {"c": ["x"] * 3}, 13 + 3),
        (PLANNED, {"c": ["x"] * 3, "n": 2}, 13 + 2),
        (PLANNED, {"c": ["x"] * 20_000}, 110 + 20_000),
        (PLANNED, {"c": ["x"] * 20_000, "n": 100}, 110 + 100),
        (PLANNED, {"b": "a"}, 110 + 10_000),
        (PLANNED, {"b": "a", "n": 100}, 110 + 100),
        (PLANNED, {}, 10 + 1),
    ],
)
def test_variables_count_as_they_came(
    documents: Documents, text: str, variables: dict[str, Any], expected: int
) -> None:
    assert cost_of(documents, text, **variables) == expected


def reading(schema: GraphQLSchema) -> set[str]:
    """The types with fields that cost something, and those through which such are reached."""
    found = {of_type for of_type, _ in field_costs(schema)}
    while True:
        more = {name for name, kind in schema.type_map.items() if below(kind) & found} - found
        if not more:
            return found
        found |= more


def below(kind: Any) -> set[str]:
    """The types of a type's fields, or of a union's members."""
    members = {one.name for one in getattr(kind, "types", ())}
    return members | {get_named_type(field.type).name for field in getattr(kind, "fields", {}).values()}


def test_an_input_may_be_nested_as_deep_as_json_is_taken(documents: Documents) -> None:
    text = "mutation ($i: EmailStatementsInput!) { emailStatements(input: $i) { problems { code } } }"
    nested: Any = None
    for _ in range(5000):
        nested = {"customers": nested}
    assert cost_of(documents, text, i=nested) == 10


def test_every_list_below_which_something_is_read_says_how_many_it_has() -> None:
    schema = build_schema().core
    costs, reached = field_costs(schema), reading(schema)
    unsized = {
        f"{kind.name}.{name}"
        for kind in schema.type_map.values()
        for name, field in getattr(kind, "fields", {}).items()
        if is_list_type(get_nullable_type(getattr(field, "type", None)))
        and get_named_type(field.type).name in reached
        and (kind.name, name) not in costs
        and not is_input_object_type(kind)
    }
    of_connections = {f"{name}.{field}" for name in schema.type_map for field in ("nodes", "edges")}
    assert unsized <= {one for one in of_connections if one.split(".")[0].endswith("Connection")}


def test_every_connection_is_of_a_field_that_says_how_many_it_has() -> None:
    schema = build_schema().core
    costs = field_costs(schema)
    unsliced = {
        f"{kind.name}.{name}"
        for kind in schema.type_map.values()
        if not is_input_object_type(kind)
        for name, field in getattr(kind, "fields", {}).items()
        if get_named_type(field.type).name.endswith("Connection")
        and ((kind.name, name) not in costs or costs[kind.name, name].sliced_by != "first")
    }
    assert unsliced == set()


def test_what_was_added_up_for_one_is_not_taken_for_another(documents: Documents) -> None:
    found = [cost_of(documents, PAGED, n=n) for n in (4, 5, "4", 4, 5)]
    assert found == [7, 8, 103, 7, 8]


def test_a_cost_goes_with_how_many_backends_are_visible(documents: Documents) -> None:
    plan = documents.prepared("{ customers { nodes { id } } }").operation(None).cost
    assert [plan.total(None, backends) for backends in (0, 1, 5)] == [0, 1, 5]


def test_each_selection_is_planned_and_added_up_once_however_often_it_is_spread(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    plan_term, add_term = cost._Planning._term, cost._Adding._term

    def planning(self: Any, node: Any, parent: Any) -> Any:
        seen.append(f"planned {node.name.value}")
        return plan_term(self, node, parent)

    def adding(self: Any, term: Any, about: int) -> int:
        seen.append("added")
        return add_term(self, term, about)

    monkeypatch.setattr(cost._Planning, "_term", planning)
    monkeypatch.setattr(cost._Adding, "_term", adding)
    document = documents._parsed(bomb(levels=40).replace("{ a }", '{ node(id: "x") { id } }'))
    operation, *others = document.definitions
    fragments: Any = {one.name.value: one for one in others if isinstance(one, FragmentDefinitionNode)}
    assert documents._cost(cast("Any", operation), fragments).total({}, BACKENDS) == 2**40
    assert seen == ["planned node", "planned id", "added"]
