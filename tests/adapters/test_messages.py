"""What is made of known parts is what httpx's own constructors make."""

from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.messages import (
    BoundedBody,
    TooLargeError,
    body_of,
    changed_request,
    finished_response,
    has_field,
    new_request,
    new_response,
    same_server_url,
)

BASES = ("https://api.example.com/v2/", "http://127.0.0.1:8080/", "https://user.example:8443/a%20b/c/")
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text not in (".", ".."))
QUERIES = st.none() | st.lists(st.tuples(TEXTS, TEXTS), min_size=1).map(lambda pairs: urlencode(pairs, quote_via=quote))


@settings(deadline=None)
@given(st.sampled_from(BASES), st.lists(TEXTS), QUERIES)
def test_a_url_is_the_one_that_its_text_is_read_as(base: str, segments: list[str], query: str | None) -> None:
    path = httpx.URL(base).raw_path.decode() + "/".join(quote(segment, safe="") for segment in segments)
    made = same_server_url(httpx.URL(base), path, query)
    read = httpx.URL(str(made))

    assert (made, made.raw_path, made.netloc, made.host, made.query) == (
        read,
        read.raw_path,
        read.netloc,
        read.host,
        read.query,
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [None, b"", b"four"])
def test_a_request_is_the_one_that_httpx_makes(method: str, body: bytes | None) -> None:
    url, extensions = httpx.URL("https://api.example.com:8443/v2/a"), {"timeout": {"read": 1.0}}
    made = new_request(method, url, ((b"Host", url.netloc), (b"X-A", b"1")), body, extensions)
    known = httpx.Request(method, url, headers=[("X-A", "1")], content=body, extensions=extensions)

    assert (made.method, made.url, sorted(made.headers.raw), body_of(made), made.extensions) == (
        known.method,
        known.url,
        sorted(known.headers.raw),
        known.content,
        known.extensions,
    )


def test_a_changed_request_leaves_the_other_as_it_was() -> None:
    request = new_request("POST", httpx.URL("https://a.example/x"), ((b"Host", b"a.example"),), b"body", {})
    changed = changed_request(request, url=httpx.URL("https://a.example/y"), more=((b"Authorization", b"Bearer t"),))

    assert (changed.headers["authorization"], str(changed.url), body_of(changed)) == (
        "Bearer t",
        "https://a.example/y",
        b"body",
    )
    assert ("authorization" in request.headers, str(request.url)) == (False, "https://a.example/x")


def members(response: httpx.Response) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(response).items()
        if name not in ("headers", "stream", "_decoder", "_num_bytes_downloaded")
    }


def test_a_finished_answer_is_the_one_that_httpx_makes() -> None:
    made = finished_response(207, [(b"X-A", b"1"), (b"x-a", b"2")], b"text", {"k": 1})
    known = httpx.Response(207, headers=[("X-A", "1"), ("x-a", "2")], content=b"text", extensions={"k": 1})

    assert members(made) == members(known)
    assert (made.headers.get_list("x-a"), made.content, made.text) == (["1", "2"], b"text", known.text)


async def test_an_unread_answer_is_read_like_any_other() -> None:
    class Body(BoundedBody):
        async def __aiter__(self) -> Any:
            yield b"ab"
            yield b"cd"

    made = new_response(200, [(b"Content-Type", b"text/plain")], Body(), {})

    assert (has_field(made, b"content-type"), has_field(made, b"content-encoding")) == (True, False)
    assert (await made.aread(), made.is_closed) == (b"abcd", True)


async def test_a_body_that_cannot_be_read_in_one_go_says_so() -> None:
    with pytest.raises(NotImplementedError):
        await BoundedBody().read(1)
    assert issubclass(TooLargeError, Exception)
