"""Plans: made once, kept with their document, no larger than it, and left to graphql-core where there can be none."""

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, parse

from gateway.engine.executor import MOST_VARIANTS, Compiled, CompiledExecutor
from gateway.engine.fallback import NotCompiledError, Reason
from gateway.engine.plan import MOST_FIELDS, Plan
from tests.engine.comparing import Both, Told


def compiled(both: Both, query: str) -> Compiled:
    """The plan of a query and its functions, whatever the limits say of its size."""
    document = parse(query)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operation: Any = SimpleNamespace(node=document.definitions[0], document=SimpleNamespace(fragments=fragments))
    return CompiledExecutor(both.world.gateway.schema, Told()).compile(operation, {})


def planned(both: Both, query: str) -> Plan:
    """The plan alone."""
    return compiled(both, query).plan


async def ask(both: Both, query: str, **variables: Any) -> None:
    """Has both answer a query, whatever the reasons for there being no plan."""
    await both.agree(query, variables, reasons=tuple(Reason))


async def test_a_plan_is_made_once(both: Both) -> None:
    for _ in range(3):
        await ask(both, "{ backends { key } }")
    assert both.told.known == [False, True, True]


async def test_there_is_a_plan_for_each_combination_of_conditions(both: Both) -> None:
    query = "query($a: Boolean!, $b: Boolean! = true) { backends { key @skip(if: $a) id @include(if: $b) } }"
    for a, b in [(True, True), (False, True), (False, True), (False, False)]:
        await ask(both, query, a=a, b=b)
    assert both.told.known == [False, False, True, False]


async def test_combinations_beyond_a_few_are_left_to_graphql_core(both: Both) -> None:
    names = "abcde"
    declared = " ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: key @include(if: ${name})" for name in names)
    for number in range(MOST_VARIANTS + 1):
        given = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        await both.agree(f"query({declared}) {{ backends {{ id {fields} }} }}", given, reasons=(Reason.VARIANTS,))
    assert both.told.reasons == [Reason.VARIANTS]


@pytest.mark.parametrize(
    ("query", "variables", "reason"),
    [
        ("{ __schema { queryType { name } } }", {}, Reason.INTROSPECTION),
        ('{ __type(name: "Query") { name } backends { key } }', {}, Reason.INTROSPECTION),
        ("query($a: Boolean = true) { backends { key @skip(if: $a) } }", {"a": None}, Reason.CONDITION),
    ],
)
async def test_it_is_told_why_there_is_no_plan(
    both: Both, query: str, variables: dict[str, Any], reason: Reason
) -> None:
    for _ in range(2):
        await both.agree(query, variables, reasons=(reason,))
        assert both.told.reasons == [reason]


async def test_a_document_with_defer_is_left_to_graphql_core(both: Both) -> None:
    operation = both.documents.prepared("{ backends { ... @defer { key } } }").operation(None)
    await both.compiled.execute(operation, None, both.world.gateway.context())
    assert both.told.reasons == [Reason.INCREMENTAL]


# ── Size: counted in selections looked at and fields planned, not in seconds ─────────────────────────────────────────


def deep(size: int) -> str:
    query = "{ id }"
    for _ in range(size):
        query = "{ documents { nodes { customer " + query + " } } }"
    return "{ customers { nodes " + query + " } }"


def wide(size: int) -> str:
    return "{ customers { nodes { " + " ".join(f"a{n}: name" for n in range(size)) + " } } }"


def fragments(size: int) -> str:
    """Each fragment spreads the next twice: all of them spread out are 2**size fields."""
    chain = [
        f"fragment F{n} on Customer {{ x{n}: counterparts {{ ...F{n + 1} }} y{n}: counterparts {{ ...F{n + 1} }} }}"
        for n in range(size)
    ]
    return "\n".join(["{ customers { nodes { ...F0 } } }", *chain, f"fragment F{size} on Customer {{ id }}"])


def merged(size: int) -> str:
    return "{ customers { nodes { " + " ".join("... { ... on Customer { name code } }" for _ in range(size)) + " } } }"


@pytest.mark.parametrize("document", [deep, wide, fragments, merged])
def test_a_plan_grows_as_its_document_does(both: Both, document: Any) -> None:
    small, large = (planned(both, document(size)) for size in (10, 40))
    grown = len(document(40)) / len(document(10))
    assert large.steps / small.steps <= 1.2 * grown
    assert large.fields / small.fields <= 1.2 * grown


@pytest.mark.parametrize("document", [deep, wide, fragments, merged])
def test_its_source_grows_as_its_document_does(both: Both, document: Any) -> None:
    small, large = (len(compiled(both, document(size)).functions.source) for size in (10, 40))
    assert large / small <= 1.2 * len(document(40)) / len(document(10))


def test_an_object_that_is_at_two_places_has_functions_of_its_own(both: Both) -> None:
    source = compiled(both, "{ documents { nodes { backend { key } } } }").functions.source
    assert source.count("{'key': ") == 2  # one, and many: not in those of both kinds of documents


def test_a_plan_has_no_more_than_so_many_fields(both: Both) -> None:
    with pytest.raises(NotCompiledError) as refused:
        planned(both, wide(MOST_FIELDS + 1))
    assert refused.value.reason is Reason.TOO_LARGE
