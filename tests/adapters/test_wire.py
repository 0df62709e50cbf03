"""What a vendor's answer, or the lack of one, becomes."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.answers import decode_json
from adapters.errors import (
    AdapterError,
    InvalidInput,
    MalformedAnswer,
    OutcomeUnknown,
    TimedOut,
    Unavailable,
)
from adapters.freshness import reading_fresh
from adapters.wire import EXTENSION, Answer, Wire, WireRequest, url_under

BASE = httpx.URL("https://vendor.example/api/v1/")
READ = WireRequest(operation="thing.get", method="GET", path=("things", "1"))
WRITE = replace(READ, operation="thing.send", method="POST", write=True)


def wire(handler: Callable[[httpx.Request], httpx.Response]) -> Wire:
    return Wire(backend="b", base_url=str(BASE), transport=httpx.MockTransport(handler))


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


@given(segment=st.text(min_size=1, max_size=60))
def test_a_segment_is_one_segment_or_refused(segment: str) -> None:
    try:
        url = url_under(BASE, ("things", segment), (("q", segment),))
    except InvalidInput:
        return
    path, _, query = url.raw_path.decode("ascii").partition("?")

    assert path.startswith("/api/v1/things/")
    assert path.count("/") == 4
    assert "#" not in query
    assert url.host == "vendor.example"


@pytest.mark.parametrize("segment", ["", ".", "..", "a\nb", "a\x00", "x" * 257, "\ud800"])
def test_what_no_encoding_keeps_in_its_place_is_refused(segment: str) -> None:
    with pytest.raises(InvalidInput):
        url_under(BASE, ("things", segment))


@pytest.mark.parametrize(
    ("segment", "encoded"),
    [("../customers/1", "..%2Fcustomers%2F1"), ("1?x=2", "1%3Fx%3D2"), ("%2e%2e", "%252e%252e"), ("a b", "a%20b")],
)
def test_a_path_in_a_segment_is_encoded(segment: str, encoded: str) -> None:
    assert url_under(BASE, ("things", segment)).raw_path == f"/api/v1/things/{encoded}".encode()


@pytest.mark.parametrize(
    ("failure", "of_a_read", "of_a_write", "never_sent"),
    [
        (httpx.ConnectError("x"), Unavailable, Unavailable, True),
        (httpx.ConnectTimeout("x"), TimedOut, TimedOut, True),
        (httpx.PoolTimeout("x"), TimedOut, TimedOut, True),
        (httpx.LocalProtocolError("x"), Unavailable, Unavailable, True),
        (httpx.ReadTimeout("x"), TimedOut, OutcomeUnknown, False),
        (httpx.WriteTimeout("x"), TimedOut, OutcomeUnknown, False),
        (httpx.ReadError("x"), Unavailable, OutcomeUnknown, False),
        (httpx.RemoteProtocolError("x"), Unavailable, OutcomeUnknown, False),
        (httpx.DecodingError("x"), MalformedAnswer, OutcomeUnknown, False),
    ],
)
async def test_a_failure_says_whether_the_request_can_have_arrived(
    failure: Exception, of_a_read: type[AdapterError], of_a_write: type[AdapterError], never_sent: bool
) -> None:
    sender = wire(raising(failure))
    with pytest.raises(AdapterError) as read:
        await sender.send(READ)
    with pytest.raises(AdapterError) as write:
        await sender.send(WRITE)

    assert (type(read.value), read.value.never_sent) == (of_a_read, never_sent)
    assert (type(write.value), write.value.never_sent) == (of_a_write, never_sent)


async def test_an_error_carries_backend_and_operation_but_not_the_url() -> None:
    with pytest.raises(Unavailable) as caught:
        await wire(raising(httpx.ConnectError("https://vendor.example/token/secret"))).send(READ)

    assert (caught.value.backend, caught.value.operation) == ("b", "thing.get")
    assert caught.value.__cause__ is None
    assert "secret" not in repr(caught.value)


async def test_an_answer_that_is_not_encoded_as_it_says_is_malformed() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks([b"not gzip"]))

    with pytest.raises(MalformedAnswer):
        await wire(handler).send(READ)


async def test_a_write_whose_answer_is_no_json_is_of_unknown_outcome() -> None:
    answer = Answer(status=200, headers=httpx.Headers(), body=b"<html>", request=WRITE)

    with pytest.raises(OutcomeUnknown):
        decode_json(answer, dict, backend="b")


async def test_the_call_says_what_it_is_to_the_policies() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    await wire(handler).send(WRITE)

    info = seen[0].extensions[EXTENSION]
    assert (info.backend, info.operation, info.write) == ("b", "thing.send", True)


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_fresh_read_says_so_to_our_caches_and_to_those_on_the_way(fresh: bool) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with reading_fresh(fresh=fresh):
        await wire(handler).send(READ)

    found = (seen[0].extensions[EXTENSION].fresh, seen[0].headers.get("cache-control"))
    assert found == ((True, "no-cache") if fresh else (False, None))


async def test_a_write_is_no_fresh_read() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with reading_fresh():
        await wire(handler).send(WRITE)

    assert (seen[0].extensions[EXTENSION].fresh, seen[0].headers.get("cache-control")) == (False, None)


class Chunks(httpx.AsyncByteStream):
    """A body in pieces that notes when it is closed."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


async def test_a_stream_shows_its_first_bytes_and_gives_them_again() -> None:
    body = Chunks([b"%P", b"DF-1.7 and more bytes", b" and the rest"])
    stream = await wire(lambda _: httpx.Response(200, stream=body)).stream(READ)
    text = b"".join([chunk async for chunk in stream.chunks()])
    await stream.aclose()

    assert (stream.first_chunk[:4], text, body.closed) == (b"%PDF", b"%PDF-1.7 and more bytes and the rest", True)


async def test_a_stream_that_fails_at_its_beginning_is_closed() -> None:
    body = Chunks([], httpx.ReadError("x"))
    with pytest.raises(Unavailable):
        await wire(lambda _: httpx.Response(200, stream=body)).stream(READ)

    assert body.closed


async def test_a_stream_that_breaks_off_says_so() -> None:
    body = Chunks([b"x" * 20], httpx.ReadTimeout("x"))
    stream = await wire(lambda _: httpx.Response(200, stream=body)).stream(READ)

    with pytest.raises(TimedOut):
        [chunk async for chunk in stream.chunks()]
