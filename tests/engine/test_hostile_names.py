"""What a document holds gets into no source: aliases, names and strings that would be something in Python."""

import ast
import keyword
from typing import Any

import pytest

from gateway.engine.executor import CompiledExecutor
from gateway.engine.generate import Generated
from tests.engine.comparing import Both, Told

ALIASES = ["__class__", "__init__", "_", "d", "s", "run", "level", "done", "push", "values", "context", "Odd", "UNSET",
           "exec", "__builtins__", "one_0", "many_1", *keyword.kwlist]  # fmt: skip

STRINGS = [
    '"\\"}); import os; os.abort() #"',
    '"\'\'\'\\"\\"\\"\\n\\r\\t\\\\"',
    '"\\u2028\\u0000\\ud83d\\ude00"',
    '"""block " string \\""" """',
    '"{s.__class__}%s${x}"',
]


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if alias.isascii()])
async def test_an_alias_is_a_key_and_nothing_else(both: Both, alias: str) -> None:
    below = f"{{ {alias}: name l: letters {{ nodes {{ id }} }} }}"
    query = f"{{ {alias}: customers(first: 2) {{ {alias}: nodes {below} }} }}"
    answer = await both.agree(query)
    assert [one.keys() for one in answer.data[alias][alias]] == [{alias, "l"}] * 2


@pytest.mark.parametrize("string", STRINGS)
async def test_a_string_is_a_value_and_nothing_else(both: Both, string: str) -> None:
    await both.agree(f"{{ customers(filter: {{name: {{contains: {string}}}}}) {{ nodes {{ name }} }} }}")
    await both.agree(f"query __init__ {{ node(id: {string}) {{ id }} letters(after: {string}) {{ totalCount }} }}")


@pytest.mark.parametrize("string", STRINGS)
async def test_a_variable_is_a_value_and_nothing_else(both: Both, string: str) -> None:
    query = "query class($exec: ID!) { node(id: $exec) { id } }"
    await both.agree(query, {"exec": string})


async def test_the_source_of_a_plan_holds_no_text_of_the_document_but_its_keys(both: Both) -> None:
    query = """query secretName($secretVariable: ID = "secretDefault") {
      secretAlias: customers(first: 17, filter: {name: {eq: "secretLiteral"}}) { nodes { ...secretFragment } }
      node(id: $secretVariable) { id }
    } fragment secretFragment on Customer { name @skip(if: false) }"""
    source = source_of(both, query)
    assert "secretAlias" in source
    held = [word for word in ("secretName", "secretVariable", "secretDefault", "secretLiteral", "secretFragment", "17")
            if word in source]  # fmt: skip
    assert held == []


def test_the_source_of_a_plan_is_made_of_few_kinds_of_syntax(both: Both) -> None:
    query = """{ customers { nodes {
      id name emails status outstandingBalance address { lines } documents { nodes { __typename date } }
    } } }"""
    kinds = {type(node) for node in ast.walk(ast.parse(source_of(both, query)))}
    assert kinds & {ast.Import, ast.ImportFrom, ast.Global, ast.Lambda, ast.ClassDef, ast.JoinedStr, ast.With} == set()


def source_of(both: Both, query: str) -> str:
    """The source that a query is compiled to."""
    operation = both.documents.prepared(query).operation(None)
    made: Any = CompiledExecutor(both.world.gateway.schema, Told()).compile(operation, {})
    functions: Generated = made.functions
    return functions.source
