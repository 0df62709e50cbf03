"""Above the limits an answer is whole: decoded, bounded, and its connection let go."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters import wire
from adapters.errors import MalformedAnswer, OutcomeUnknown
from adapters.redaction import secrets_of, tell_secrets
from gateway.upstream.engine import EngineTransport
from gateway.upstream.whole_answers import WholeAnswersTransport
from tests.upstream.calling import Scripted, request
from tests.upstream.misbehaving import Line, call, serving


class Body(httpx.AsyncByteStream):
    """A body in pieces; ``fails`` at its end."""

    def __init__(self, *pieces: bytes, fails: Exception | None = None) -> None:
        self._pieces = pieces
        self._fails = fails
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._fails is not None:
            raise self._fails

    async def aclose(self) -> None:
        self.closed += 1


async def answer_over(response: httpx.Response, **members: Any) -> httpx.Response:
    return await WholeAnswersTransport(Scripted(response)).handle_async_request(request(**members))


@pytest.mark.parametrize("status", [200, 400, 503])
async def test_an_answer_is_read_and_its_connection_let_go(status: int) -> None:
    body = Body(b"two ", b"pieces")
    response = await answer_over(httpx.Response(status, headers={"x-kept": "1"}, stream=body))
    assert (response.status_code, response.content, response.headers["x-kept"]) == (status, b"two pieces", "1")
    assert body.closed == 1


async def test_a_coded_answer_is_decoded_once() -> None:
    headers = {"content-encoding": "gzip", "transfer-encoding": "chunked"}
    response = await answer_over(httpx.Response(200, headers=headers, stream=Body(gzip.compress(b"plain"))))
    assert (response.content, response.headers.get("content-encoding")) == (b"plain", None)
    assert "content-length" not in response.headers  # that of the coded answer would be wrong


async def test_a_coded_answer_that_came_in_one_piece_is_decoded() -> None:
    coded = gzip.compress(b"plain")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(coded)

    async def answers(line: Line) -> None:
        await line.request()
        line.say(head + coded)
        await line.gone()

    async with serving(answers) as server, EngineTransport() as engine:
        response = await WholeAnswersTransport(engine).handle_async_request(call(server.url, write=False))
        assert (response.content, response.headers.get("content-encoding")) == (b"plain", None)


async def test_the_secrets_of_an_answer_stay_with_it() -> None:
    response = await answer_over(tell_secrets(httpx.Response(400, stream=Body(b"")), "t0ken"))
    assert secrets_of(response) == ("t0ken",)


async def test_a_body_that_breaks_off_is_a_call_that_fails() -> None:
    body = Body(b"half", fails=httpx.ReadError("torn"))
    with pytest.raises(httpx.ReadError):
        await answer_over(httpx.Response(200, stream=body))
    assert body.closed == 1


@pytest.mark.parametrize(("write", "kind"), [(False, MalformedAnswer), (True, OutcomeUnknown)])
async def test_an_answer_past_the_bound_is_refused_and_let_go(
    write: bool, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER_BYTES", 5)
    body = Body(b"four", b"more")
    with pytest.raises(kind):
        await answer_over(httpx.Response(200, stream=body), write=write)
    assert body.closed == 1


async def test_a_stream_is_left_as_it_comes() -> None:
    body = Body(b"file")
    response = await answer_over(httpx.Response(200, stream=body), stream=True)
    assert (response.is_stream_consumed, body.closed) == (False, 0)
    assert await response.aread() == b"file"
