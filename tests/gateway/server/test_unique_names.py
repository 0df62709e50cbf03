"""A name stands once in each object, however it is written and wherever quotation marks and colons stand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.unique_names import RepeatedNameError, require_unique_names

NAMES = st.text('ab\\":,{}[] \n\u00e9', max_size=3)
VALUES = st.recursive(
    st.none() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple),
)


def written(value: Any) -> tuple[str, bool]:
    """Objects, as tuples of their members, in JSON; and whether one has a name twice."""
    if isinstance(value, tuple):
        members = [(json.dumps(name), *written(inner)) for name, inner in value]
        text = "{" + ", ".join(f"{name} : {inner}" for name, inner, _ in members) + "}"
        return text, len({name for name, _ in value}) < len(value) or any(twice for *_, twice in members)
    if isinstance(value, list):
        items = [written(inner) for inner in value]
        return "[" + ",".join(text for text, _ in items) + "]", any(twice for _, twice in items)
    return json.dumps(value, ensure_ascii=False), False


@given(VALUES)
def test_a_name_that_stands_twice_is_found_and_nothing_else(value: Any) -> None:
    text, twice = written(value)
    try:
        require_unique_names(text.encode())
    except RepeatedNameError:
        assert twice
    else:
        assert not twice


@pytest.mark.parametrize("text", [b'{"ab": 1, "a\\u0062": 2}', b'{"\\"": 1, "\\u0022": 2}', b'[{"a":1,\t"a"\n:\r2}]'])
def test_a_name_is_what_it_means(text: bytes) -> None:
    with pytest.raises(RepeatedNameError):
        require_unique_names(text)
