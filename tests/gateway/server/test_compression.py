"""What is large goes out in gzip where that is taken; what comes in compressed is never unpacked."""

import gzip

import pytest

from gateway.server import compression
from gateway.server.compression import LEAST_BYTES, takes_gzip
from tests.gateway.server.endpoint import EVENTS, JSON, endpoint
from tests.gateway.server.wire import HEAD, WHOLE, listening, reason_of

LARGE = '{"query": "{ __schema { types { name description } } }"}'


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip, br, zstd", True),
        ("gzip;q=0.001", True),
        ("*", True),
        ("br, *;q=0.1", True),
        ("gzip, identity", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_is_chosen_by_weight(accept_encoding: str, expected: bool) -> None:
    assert takes_gzip(accept_encoding) is expected


async def raw(accept_encoding: str, body: str = LARGE, accept: str = "application/json") -> tuple[bytes, bytes]:
    """The head and the body of an answer as they came."""
    extra = f"Accept-Encoding: {accept_encoding}\r\nAccept: {accept}\r\nConnection: close\r\n"
    async with listening() as gateway:
        wire = await gateway.connect()
        await wire.send(HEAD + f"{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        head, _, rest = (await wire.reader.read()).partition(b"\r\n\r\n")
    return head, rest


@pytest.mark.parametrize("most_at_once", [0, 10**9])
async def test_a_large_answer_is_compressed_here_or_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, most_at_once: int
) -> None:
    monkeypatch.setattr(compression, "MOST_BYTES_AT_ONCE", most_at_once)
    plain_head, plain = await raw("identity")
    head, packed = await raw("gzip, deflate, br")
    assert (b"content-encoding: gzip" in head, b"content-encoding" in plain_head) == (True, False)
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3
    assert b"content-length: %d" % len(packed) in head


async def test_a_small_answer_is_not() -> None:
    head, body = await raw("gzip", '{"query": "{ __typename }"}')
    assert (b"content-encoding" in head, len(body) < LEAST_BYTES) == (False, True)


async def test_a_stream_is_not() -> None:
    head, body = await raw("gzip", LARGE, EVENTS)
    assert b"content-encoding" not in head
    assert b"event: next\ndata: " in body


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x-gzip", "nonsense"])
async def test_a_compressed_body_is_refused_unread(coding: str) -> None:
    async with endpoint() as client:
        answer = await client.post(
            "/graphql", content=gzip.compress(b" " * 1000), headers=JSON | {"Content-Encoding": coding}
        )
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert reason_of(answer.content) == "Compressed bodies are not taken."


async def test_a_body_that_says_that_it_is_not_coded_is_taken() -> None:
    async with listening() as gateway:
        wire = await gateway.connect()
        asked = WHOLE.replace(b"Host: a\r\n", b"Host: a\r\nContent-Encoding: identity\r\n")
        assert await wire.ask(asked) == (200, b'{"data":{"__typename":"Query"}}')
