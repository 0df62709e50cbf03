"""A body that came before is the same request, whatever was read meanwhile; only some are kept, and not without end."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server import known_bodies
from gateway.server.known_bodies import KnownBodies
from gateway.server.requests_reading import OperationRequest, RequestRefusedError, read_body

BODIES = (
    b'{"query":"{ a }"}',
    b'{"query":"{ a }","variables":{}}',
    b'{"query":"{ a }","variables":{"b":1}}',
    b'{"query":"{ a }","extensions":{"c":{}}}',
    b'{"documentId":"d"}',
    b'{"query":"{ a }","query":"{ b }"}',
    b"[]",
    b"",
)


def read(bodies: KnownBodies | None, body: bytes) -> OperationRequest | str:
    """The request, or why there is none."""
    try:
        return read_body(body) if bodies is None else bodies.read(body)
    except RequestRefusedError as refusal:
        return refusal.reason


@given(st.lists(st.sampled_from(BODIES), max_size=12))
def test_a_body_is_what_it_is_read_to(asked: list[bytes]) -> None:
    bodies = KnownBodies()
    assert [read(bodies, body) for body in asked] == [read(None, body) for body in asked]


@pytest.mark.parametrize(
    ("body", "is_kept"),
    [
        (b'{"query":"{ a }"}', True),
        (b'{"query":"{ a }","variables":{}}', True),
        (b'{"documentId":"d"}', True),
        (b'{"query":"{ a }","variables":{"b":1}}', False),
        (b'{"query":"{ a }","extensions":{"c":{}}}', False),
        (b'{"query":"' + b"a" * known_bodies.LONGEST + b'"}', False),
    ],
)
def test_what_has_no_variables_and_is_short_is_read_once(body: bytes, is_kept: bool) -> None:
    bodies = KnownBodies()
    assert (bodies.read(body) is bodies.read(bytes(bytearray(body)))) == is_kept


def test_the_oldest_are_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_bodies, "MOST_BYTES", 30)
    bodies, texts = KnownBodies(), [msgspec.json.encode({"query": name}) for name in "abc"]
    first, second, third = map(bodies.read, texts)
    again = bodies.read(texts[2]), bodies.read(texts[1]), bodies.read(texts[0])
    assert [one is other for one, other in zip(again, (third, second, first), strict=True)] == [True, True, False]
