"""What a failure takes with it: both executors leave the same, with the same errors."""

from typing import Any

import pytest

from adapters.errors import Forbidden, Unavailable
from tests.engine.comparing import Both
from tests.gateway.asking import gid

DOWN = Unavailable("Down.", backend="a")

CASES: dict[str, tuple[str, list[tuple[str, str | None]]]] = {
    "a list's backend becomes a problem of the list": (
        "{ customers { nodes { name } problems { code backend message } totalCount pageInfo { hasNextPage } } }",
        [("customers.page", None)],
    ),
    "a nullable list of one record is null": (
        "{ customers { nodes { code letters { nodes { title } } } } }",
        [("letters.of_customers", None)],
    ),
    "one record's list fails alone": (
        "{ customers { nodes { code letters { nodes { title } } } } }",
        [("letters.of_customers", "1")],
    ),
    "a fetched attribute is null": ("{ customers { nodes { emails address { city } } } }", [("customers.by_key", "1")]),
    "a fetched attribute that may not be null takes its record": (
        "{ customers { nodes { code message { status text } } } }",
        [("messages.by_key", "m0")],
    ),
    "it takes the whole list where its items may not be null": (
        "{ messages { nodes { status createdAt } } backends { key } }",
        [("messages.by_key", "m1")],
    ),
    "an item of a list of nullables is null": (
        "{ customers { nodes { counterparts { name } } } }",
        [("customers.by_code", "C-1")],
    ),
    "below an item that is there another fails": (
        "{ customers { nodes { counterparts { name letters { nodes { customer { raw } } } } } } }",
        [("letters.of_customers", None), ("customers.by_key", None)],
    ),
    "a nullable field of the operation is null": (
        '{ customer(by: {code: {backend: "a", code: "C-1"}}) { name } backends { key } }',
        [("customers.by_code", None)],
    ),
    "a field of the operation that may not be null takes all": (
        "{ customers(first: 0) { nodes { id } } backends { key } }",
        [],
    ),
    "two fields that may not be null take all once": (
        "{ a: customers(first: 0) { nodes { id } } b: customers(first: 1000) { nodes { id } } letters { totalCount } }",
        [],
    ),
    "an interface's fields fail as its type's": (
        "{ documents { nodes { __typename customer { name emails } ... on Letter { preview(page: 0) { url } } } } }",
        [("customers.by_key", None)],
    ),
    "nodes fail each by itself": (
        f'{{ nodes(ids: ["{gid("Letter", "a", "l1")}", "{gid("Customer", "a", "1")}"]) {{ id __typename }} }}',
        [("customers.by_key", None)],
    ),
    "one failure under several aliases": (
        "{ x: customers { nodes { a: letters { totalCount } b: letters { totalCount } } } }",
        [("letters.of_customers", "2")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("error", [DOWN, Forbidden("No."), RuntimeError("secret")], ids=["down", "forbidden", "bug"])
async def test_a_failure_takes_the_same(both: Both, case: str, error: Any) -> None:
    query, broken = CASES[case]
    for verb, key in broken:
        both.world.break_("a", verb, error if key is None or not isinstance(error, RuntimeError) else DOWN, key)
    answer = await both.agree(query, frugal=False)
    assert answer.errors or "problem" in case


async def test_one_failure_has_one_incident_however_many_fields_it_leaves_null(both: Both) -> None:
    both.world.break_("a", "letters.of_customers", DOWN)
    operation = both.documents.prepared("{ customers { nodes { letters { totalCount } } } }").operation(None)
    result: Any = await both.compiled.execute(operation, None, both.world.gateway.context())
    assert len(result.errors) == 4
    assert len({error.extensions["incident"] for error in result.errors}) == 1
