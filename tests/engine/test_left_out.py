"""What directives leave out is asked of no vendor, whichever executor answers."""

from typing import Any

import pytest

from tests.engine.comparing import Both

LEFT_OUT = {
    "a field": "nodes { nativeId title @skip(if: true) }",
    "a field by a variable": "nodes { nativeId title @include(if: $no) }",
    "one of two directives": "nodes { nativeId title @skip(if: $no) @include(if: $no) }",
    "an inline fragment": "nodes { nativeId ... @include(if: $no) { title } }",
    "a spread": "nodes { nativeId ...F @skip(if: true) }",
    "what is above": "nodes { nativeId } edges @include(if: false) { node { title } }",
    "one of two merged": "nodes { nativeId } nodes @include(if: $no) { title }",
}
STANDING = {
    "a field": "nodes { nativeId title @skip(if: $no) @include(if: true) }",
    "by one of two": "nodes { nativeId title @skip(if: true) title }",
    "a spread": "nodes { nativeId ...F @skip(if: $no) }",
}


async def wanted(both: Both, executor: Any, selected: str) -> list[frozenset[str]]:
    """The attributes that each call is asked for, where this is selected of letters."""
    spread = " fragment F on Letter { title }" if "...F" in selected else ""
    declared = "($no: Boolean!)" if "$no" in selected else ""
    query = f'query{declared} {{ letters(backends: ["a"]) {{ {selected} }} }}{spread}'
    operation = both.documents.prepared(query).operation(None)
    answer = await executor.execute(operation, {"no": False}, both.world.gateway.context())
    assert answer.errors is None
    return [call.wanted for call in both.world.fakes["a"].behaviour.calls]


@pytest.mark.parametrize("executor", ["compiled", "interpreter"])
@pytest.mark.parametrize("selected", LEFT_OUT.values(), ids=LEFT_OUT)
async def test_what_is_left_out_is_not_asked_for(both: Both, executor: str, selected: str) -> None:
    assert await wanted(both, getattr(both, executor), selected) == [frozenset(("native_id",))]


@pytest.mark.parametrize("executor", ["compiled", "interpreter"])
@pytest.mark.parametrize("selected", STANDING.values(), ids=STANDING)
async def test_what_stands_is_asked_for(both: Both, executor: str, selected: str) -> None:
    assert await wanted(both, getattr(both, executor), selected) == [frozenset(("native_id", "title"))]
