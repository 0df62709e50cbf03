"""The values of a request's variables are counted, each once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.values import values_in

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


def counted(value: Any) -> int:
    """The values of one: itself, and those in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(counted, inside))


@given(variables=st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_every_item_and_member_counts_once(variables: dict[str, Any]) -> None:
    assert values_in(variables) == sum(map(counted, variables.values()))


@pytest.mark.parametrize(("variables", "expected"), [(None, 0), ({}, 0), ({"a": "text"}, 1), ({"a": [[], {}]}, 3)])
def test_a_text_is_one_value_and_what_is_empty_has_none(variables: dict[str, Any] | None, expected: int) -> None:
    assert values_in(variables) == expected


def test_values_may_be_nested_as_deep_as_json_is_taken() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert values_in({"a": nested}) == 100_001
