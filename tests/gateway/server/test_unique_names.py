"""A name stands once in each object, however it is written and wherever quotation marks and colons stand."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.requests_reading import OperationRequest
from gateway.server.unique_names import RepeatedNameError, require_unique_names

NAMES = st.text('ab\\":,{}[] \n\u00e9', max_size=3)
VALUES = st.recursive(
    st.none() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple),
)


COLONS = st.sampled_from((":", ":", ": ", " : ", "\t:", "\n:", "\r:"))


def written(value: Any, colon: str = " : ") -> tuple[str, bool]:
    """Objects, as tuples of their members, in JSON; and whether one has a name twice."""
    if isinstance(value, tuple):
        members = [(json.dumps(name), *written(inner, colon)) for name, inner in value]
        text = "{" + ", ".join(f"{name}{colon}{inner}" for name, inner, _ in members) + "}"
        return text, len({name for name, _ in value}) < len(value) or any(twice for *_, twice in members)
    if isinstance(value, list):
        items = [written(inner, colon) for inner in value]
        return "[" + ",".join(text for text, _ in items) + "]", any(twice for _, twice in items)
    return json.dumps(value, ensure_ascii=False), False


@given(VALUES, COLONS, st.booleans())
def test_a_name_that_stands_twice_is_found_and_nothing_else(value: Any, colon: str, known: bool) -> None:
    text, twice = written(value, colon)
    try:
        require_unique_names(text.encode(), json.loads(text) if known else None)
    except RepeatedNameError:
        assert twice
    else:
        assert not twice


@pytest.mark.parametrize("text", [b'{"ab": 1, "a\\u0062": 2}', b'{"\\"": 1, "\\u0022": 2}', b'[{"a":1,\t"a"\n:\r2}]'])
def test_a_name_is_what_it_means(text: bytes) -> None:
    with pytest.raises(RepeatedNameError):
        require_unique_names(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"query":"a","query":"b"}',
        b'{"query":"a","variables":{"a":1,"a":2}}',
        b'{"query":"a","other":1,"variables":{"a":[{"b":1,"b":1}]}}',
        b'{"query":"a","other":1,"other":2}',
        b'{"query":null,"query":"a"}',
        b'{"query":"a","query" :"b"}',
    ],
)
def test_a_request_has_each_name_once_in_whatever_it_was_read_to(text: bytes) -> None:
    with pytest.raises(RepeatedNameError):
        require_unique_names(text, msgspec.json.decode(text, type=OperationRequest))


@pytest.mark.parametrize(
    "text", [b'{"query":"a","variables":{"a":{"b":1},"b":[{"b":1}]}}', b'{"query":null,"id":"\\":"}']
)
def test_a_request_whose_names_are_all_different_is_taken(text: bytes) -> None:
    require_unique_names(text, msgspec.json.decode(text, type=OperationRequest))
