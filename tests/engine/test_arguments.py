"""Arguments and variables: what is read quickly is what the libraries' own rules make of it, errors included."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
    get_named_type,
    get_variable_values,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
)
from graphql import build_schema as build_core_schema
from graphql.execution.values import VariableValues
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.types.arguments import convert_arguments

from gateway.engine.arguments import Arguments
from gateway.engine.converting import Converters
from gateway.engine.declared import library_field
from gateway.engine.variables import Variables
from gateway.schema.build import build_schema

SCHEMA = build_schema()
CORE = SCHEMA.core
CONVERTERS = Converters(SCHEMA)
DEEPEST = 3
RIGHT: Mapping[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(-2, 300),
    "Boolean": st.booleans(),
    "Date": st.dates().map(str),
}
"""What is right for scalars that are not texts."""


def fields_with_arguments() -> Iterator[tuple[str, str]]:
    """Every field that takes arguments, by its type's name and its own."""
    for of_type in CORE.type_map.values():
        if is_object_type(of_type) and not of_type.name.startswith("__"):
            for name, field in of_type.fields.items():
                if field.args:
                    yield of_type.name, name


FIELDS = sorted(fields_with_arguments())


def values(of_type: GraphQLInputType, depth: int = DEEPEST) -> st.SearchStrategy[Any]:
    """JSON that may be given for a type: as a rule right, now and then of another type or null."""
    if is_non_null_type(of_type):
        return values(of_type.of_type, depth)
    odd: st.SearchStrategy[Any] = st.sampled_from((None, "", "x", 0, 1, 2**31, True, 1.5, "2026-02-03", (), {}))
    if is_list_type(of_type):
        right: st.SearchStrategy[Any] = st.lists(values(of_type.of_type, depth - 1), max_size=2 if depth > 0 else 0)
    elif isinstance(of_type, GraphQLInputObjectType):
        right = objects(of_type, depth)
    elif isinstance(of_type, GraphQLEnumType):
        right = st.sampled_from([*of_type.values])
    else:
        right = RIGHT.get(get_named_type(of_type).name, st.text(max_size=4))
    return st.integers(0, 11).flatmap(lambda roll: odd if roll == 0 else right)


def objects(of_type: GraphQLInputObjectType, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Likewise for an input type: all that is required, and some of the rest while there is room."""

    def of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        required = [name for name, field in of_type.fields.items() if is_non_null_type(field.type)]
        return st.fixed_dictionaries(
            {name: values(of_type.fields[name].type, depth - 1) for name in {*required, *names}}
        )

    most = 0 if depth <= 0 and not of_type.is_one_of else 1 if of_type.is_one_of else 2
    return st.lists(st.sampled_from([*of_type.fields]), max_size=most, min_size=most if depth > 0 else 0).flatmap(of)


def operation(declared: Mapping[str, Any], field: str, arguments: str) -> tuple[OperationDefinitionNode, FieldNode]:
    """An operation of one field, and that."""
    head = ", ".join(f"${name}: {of_type}" for name, of_type in declared.items())
    asked = f"{field}({arguments})" if arguments else field
    node: Any = parse(f"query({head}) {{ {asked} }}").definitions[0]
    return node, node.selection_set.selections[0]


def by_the_rules(field: GraphQLField, node: FieldNode, variables: VariableValues) -> Any:
    """What the libraries make of a field's arguments; an error as its type and words."""
    try:
        return convert_arguments(
            get_argument_values(field, node, variables),
            library_field(field).arguments,
            scalar_registry=SCHEMA.schema_converter.scalar_registry,
            config=SCHEMA.config,
        )
    except Exception as error:  # noqa: BLE001 - it is what is compared
        return type(error), str(error)


def told(given: Any) -> Any:
    """What was given, an error as its type and words."""
    return (type(given), str(given)) if isinstance(given, Exception) else given


def coerced(node: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
    """The variables as graphql-core has them."""
    return get_variable_values(CORE, node.variable_definitions or (), dict(given), max_errors=50)


@pytest.mark.parametrize(("type_name", "name"), FIELDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_arguments_given_by_variables_are_what_the_rules_make_of_them(
    type_name: str, name: str, data: st.DataObject
) -> None:
    of_type: Any = CORE.type_map[type_name]
    field: GraphQLField = of_type.fields[name]
    given = {
        one: data.draw(values(argument.type), label=one)
        for one, argument in field.args.items()
        if is_non_null_type(argument.type) or data.draw(st.booleans())
    }
    declared = {one: argument.type for one, argument in field.args.items()}
    node, asked = operation(declared, name, ", ".join(f"{one}: ${one}" for one in declared))
    variables = coerced(node, given)
    if isinstance(variables, VariableValues):
        found = Arguments(CONVERTERS, field, asked).given(variables)
        assert by_the_rules(field, asked, variables) == told(found)


CUSTOMER_BY = {
    "inside": ("by: {nativeId: {backend: $a, nativeId: $b}}", {"a": "String!", "b": "String!"}),
    "nullable inside": ("by: {nativeId: {backend: $a, nativeId: $b}}", {"a": "String", "b": "String!"}),
    "the one of": ("by: {id: $a}", {"a": "ID"}),
    "two of": ("by: {id: $a, code: {backend: $b, code: $b}}", {"a": "ID", "b": "String!"}),
    "half constant": ('by: {code: {backend: "a", code: $b}}', {"b": "String!"}),
    "left out": ("by: {code: {code: $b}}", {"b": "String!"}),
}


EMAIL = 'input: {document: $id, subject: "s", attachments: ["1"], recipients: $to}'
RECIPIENT = st.fixed_dictionaries({"email": st.text(max_size=3)}, optional={"name": st.text(max_size=3)})


@pytest.mark.parametrize("case", CUSTOMER_BY)
@given(given=st.dictionaries(st.sampled_from("ab"), st.one_of(st.none(), st.text(max_size=3), st.just(1))))
def test_variables_inside_literals_are_what_the_rules_make_of_them(case: str, given: dict[str, Any]) -> None:
    arguments, declared = CUSTOMER_BY[case]
    field: GraphQLField = CORE.query_type.fields["customer"]  # type: ignore[union-attr]
    node, asked = operation(declared, "customer", arguments)
    variables = coerced(node, given)
    if isinstance(variables, VariableValues):
        found = Arguments(CONVERTERS, field, asked).given(variables)
        assert by_the_rules(field, asked, variables) == told(found)


@pytest.mark.parametrize(
    ("name", "arguments", "declared", "given"),
    [
        ("customer", *CUSTOMER_BY["inside"], {"a": "x", "b": "1"}),
        ("customers", "first: 50, backends: [$a]", {"a": "String!"}, {"a": "x"}),
        ("customers", "first: $n, after: $a", {"n": "Int!", "a": "String"}, {"n": 3}),
        ("letters", "filter: $f", {"f": "DocumentFilter"}, {"f": {"title": {"contains": "x"}}}),
        ("emailDocument", EMAIL, {"id": "ID!", "to": "[RecipientInput!]"}, {"id": "x", "to": [{"email": "a"}]}),
    ],
)
def test_what_is_given_as_it_should_be_is_read_without_the_rules_in_full(
    name: str, arguments: str, declared: dict[str, Any], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    field: GraphQLField = (CORE.query_type.fields | CORE.mutation_type.fields)[name]  # type: ignore[union-attr]
    node, asked = operation(declared, name, arguments)
    variables = coerced(node, given)
    assert isinstance(variables, VariableValues)
    compiled = Arguments(CONVERTERS, field, asked)
    monkeypatch.setattr("gateway.engine.arguments.get_argument_values", None)
    assert by_the_rules(field, asked, variables) == told(compiled.given(variables))


@given(
    given=st.fixed_dictionaries({"id": st.text(max_size=3)}, optional={"to": st.none() | st.lists(RECIPIENT)}),
    shared=st.booleans(),
)
def test_what_a_literal_leaves_out_has_its_default(given: dict[str, Any], shared: bool) -> None:
    field: GraphQLField = CORE.mutation_type.fields["emailDocument"]  # type: ignore[union-attr]
    node, asked = operation({"id": "ID!", "to": "[RecipientInput!]"}, "emailDocument", EMAIL)
    variables = coerced(node, given)
    if isinstance(variables, VariableValues):
        found = Arguments(CONVERTERS, field, asked, shared=shared).given(variables)
        assert by_the_rules(field, asked, variables) == told(found)


@pytest.mark.parametrize("declared", [{"id": "ID!", "to": "[RecipientInput!]"}, {"unused": "ID"}])
def test_a_mutation_gets_constants_of_its_own_each_time(declared: dict[str, Any]) -> None:
    field: GraphQLField = CORE.mutation_type.fields["emailDocument"]  # type: ignore[union-attr]
    literal = (
        EMAIL if "to" in declared else 'input: {document: "d", attachments: ["1"], recipients: [{email: "a@b.c"}]}'
    )
    node, asked = operation(declared, "emailDocument", literal)
    variables = coerced(node, {"id": "x", "to": [{"email": "a@b.example"}]})
    assert isinstance(variables, VariableValues)
    compiled = Arguments(CONVERTERS, field, asked, shared=False)
    one, other = (dict(compiled.given(variables))["input"] for _ in range(2))  # type: ignore[arg-type]
    assert (one, one is other, one.attachments is other.attachments) == (other, False, False)


def agree(node: OperationDefinitionNode, given: dict[str, Any], schema: GraphQLSchema = CORE) -> None:
    """What is made of the variables is what graphql-core makes of them."""
    expected = get_variable_values(schema, node.variable_definitions or (), dict(given), max_errors=50)
    found = Variables(schema, node, suggesting=True).coerced(given)
    if isinstance(expected, VariableValues):
        assert isinstance(found, VariableValues)
        assert (expected.coerced, [*expected.sources]) == (found.coerced, [*found.sources])
    else:
        assert not isinstance(found, VariableValues)
        assert [str(error) for error in expected] == [str(error) for error in found]


@given(
    types=st.fixed_dictionaries(
        {
            one: st.sampled_from(
                (
                    "String",
                    "String!",
                    "ID",
                    "ID!",
                    "Boolean",
                    "Boolean!",
                    "Int",
                    'ID = "d"',
                    "Int! = 1",
                    "[ID!]",
                    "[[ID]]",
                )
            )
            for one in "ab"
        }
    ),
    given=st.dictionaries(
        st.sampled_from("abc"),
        st.recursive(
            st.one_of(st.none(), st.text(max_size=3), st.just(1), st.just(2**31), st.booleans(), st.just(())),
            lambda inner: st.lists(inner, max_size=2),
            max_leaves=3,
        ),
    ),
)
def test_variables_are_what_graphql_core_makes_of_them(types: dict[str, str], given: dict[str, Any]) -> None:
    agree(operation(types, "node", "id: $a")[0], given)


@pytest.mark.parametrize(("type_name", "name"), FIELDS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_variables_of_every_type_are_what_graphql_core_makes_of_them(
    type_name: str, name: str, data: st.DataObject
) -> None:
    of_type: Any = CORE.type_map[type_name]
    declared = {one: argument.type for one, argument in of_type.fields[name].args.items()}
    given = {
        one: data.draw(values(argument), label=one)
        for one, argument in declared.items()
        if is_non_null_type(argument) or data.draw(st.booleans())
    }
    agree(operation(declared, name, "")[0], given)


ODD_RECIPIENTS: Mapping[str, Any] = {
    "a member that there is none of": {"email": "a@b.example", "emial": "x"},
    "a required member missing": {"name": "A"},
    "a required member null": {"email": None},
    "no object": "a@b.example",
    "an object of a class of its own": OrderedDict(email="a@b.example"),
    "a list in its place": [["a@b.example"]],
}


@pytest.mark.parametrize("case", ODD_RECIPIENTS)
def test_odd_input_objects_are_what_graphql_core_makes_of_them(case: str) -> None:
    agree(operation({"a": "[RecipientInput!]"}, "node", "id: $a")[0], {"a": [ODD_RECIPIENTS[case]]})


@pytest.mark.parametrize("given", [{"id": "x"}, {"id": "x", "nativeId": None}, {"id": None}, {}])
def test_one_of_several_members_is_what_graphql_core_makes_of_it(given: dict[str, Any]) -> None:
    node, _ = operation({"a": "CustomerBy!"}, "customer", "by: $a")
    agree(node, {"a": given})
    agree(
        node, {"a": given}, build_core_schema("input CustomerBy @oneOf { id: ID, nativeId: ID } type Query { a: Int }")
    )


@pytest.mark.parametrize("by", ["and", "not"])
@pytest.mark.parametrize("levels", [1, 50, 150, 250])
def test_values_nested_deeply_are_what_graphql_core_makes_of_them(by: str, levels: int) -> None:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {by: [nested] if by == "and" else nested}
    agree(operation({"a": "CustomerFilter"}, "customers", "filter: $a")[0], {"a": nested})


@pytest.mark.parametrize(
    ("types", "given", "expected"),
    [
        ({"a": "ID!", "b": "String"}, {"a": "x"}, {"a": "x"}),
        ({"a": "[RecipientInput!]"}, {"a": [{"email": "x"}]}, {"a": [{"email": "x", "name": None, "cc": False}]}),
        ({"a": "CustomerFilter"}, {"a": {"and": [{}]}}, {"a": {"and": [{}]}}),
    ],
)
def test_variables_as_they_should_be_are_taken_without_the_rules_in_full(
    types: dict[str, str], given: dict[str, Any], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = Variables(CORE, operation(types, "node", "id: $a")[0])
    monkeypatch.setattr("gateway.engine.variables.get_variable_values", None)
    taken = compiled.coerced(given)
    assert isinstance(taken, VariableValues)
    assert taken.coerced == expected
