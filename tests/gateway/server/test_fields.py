"""Header fields that are looked up are those that starlette would have found by searching."""

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.server.fields import Fields, FieldsRequest

NAMES = (b"accept", b"content-type", b"x-postroom-cost")
RAW = st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=4)), max_size=6)


@given(RAW, st.sampled_from(("accept", "Accept", "content-type", "x-postroom-cost", "host")))
def test_a_field_is_what_starlette_finds(raw: list[tuple[bytes, bytes]], name: str) -> None:
    quick, plain = Fields(raw), Headers(raw=raw)

    assert quick.together(name.lower().encode()) == ",".join(plain.getlist(name))
    assert (quick.get(name), quick.get(name, "?"), quick.getlist(name), name in quick) == (
        plain.get(name),
        plain.get(name, "?"),
        plain.getlist(name),
        name in plain,
    )


def test_a_field_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Fields([])["accept"]


def test_a_requests_fields_are_its_own() -> None:
    async def receive() -> NoReturn:
        raise AssertionError

    request = FieldsRequest({"type": "http", "headers": [(b"accept", b"a"), (b"accept", b"b")]}, receive)

    assert (request.headers["accept"], request.headers.getlist("accept")) == ("a", ["a", "b"])
