"""Links to files: ours, for one caller, for a while; and the vendor's bytes streamed through as they come."""

import asyncio
import base64
import contextlib
import datetime
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect

from adapters import errors
from gateway.app import Gateway
from gateway.context import LOCAL, Principal
from gateway.principals import Scope
from gateway.server.files import file_route
from tests.gateway.asking import Clock, answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, Source, fake
from tests.gateway.knowing import Known
from tests.gateway.records import correspondence, letter
from tests.gateway.serving import serving
from tests.patience import PATIENCE

FORBIDDEN = (403, "This is no link of this gateway.\n")
LINKS = """query($id: ID!) { node(id: $id) {
  ... on Document { pdf { url contentType expiresAt } }
  ... on Letter { preview(page: 2, size: W240) { url contentType expiresAt } }
} }"""


def archive(key: str = "a", native_id: str = "l1", **options: Any) -> Fake:
    return fake(
        key, letters=[letter(key, native_id)], correspondence=[correspondence(key, "c1")], writes=True, **options
    )


async def link_of(gateway: Gateway, field: str = "pdf", native_id: str = "l1", principal: Principal = LOCAL) -> str:
    found = await data(gateway, LINKS, principal=principal, id=gid("Letter", "a", native_id))
    url: str = found["node"][field]["url"]
    return httpx.URL(url).path


@contextlib.asynccontextmanager
async def client_of(gateway: Gateway, principal: Principal = LOCAL) -> AsyncIterator[httpx.AsyncClient]:
    """Fetches as this principal, without a socket."""
    route = file_route(gateway.backends, gateway.file_links, Known(principal))
    transport = httpx.ASGITransport(Starlette(routes=[route]))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def fetched(gateway: Gateway, path: str, principal: Principal = LOCAL) -> httpx.Response:
    async with client_of(gateway, principal) as client:
        return await client.get(path)


def ready(a: Fake, content: bytes = b"%PDF-1.7 and so on", native_id: str = "l1", **headers: Any) -> Source:
    source = Source(content)
    source.step()
    a.behaviour.files[native_id] = source.stream(**headers)
    return source


# ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_document_has_links_with_their_type_and_time() -> None:
    a = archive()
    found = (await data(gateway_over(a), LINKS, id=gid("Letter", "a", "l1")))["node"]
    pdf, preview = found["pdf"], found["preview"]
    assert (pdf["contentType"], preview["contentType"]) == ("application/pdf", "image/png")
    assert pdf["expiresAt"] == "2026-06-30T12:10:00+00:00"
    assert re.fullmatch(r"http://127\.0\.0\.1:1/files/[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", pdf["url"])
    assert a.behaviour.of("pdf") == []


async def test_a_backend_without_files_has_no_links() -> None:
    found = await data(gateway_over(fake("a", letters=[letter("a", "l1")])), LINKS, id=gid("Letter", "a", "l1"))
    assert found["node"] == {"pdf": None, "preview": None}


@pytest.mark.parametrize("page", [0, -1])
async def test_pages_count_from_one(page: int) -> None:
    query = "query($id: ID!, $page: Int!) { node(id: $id) { ... on Letter { preview(page: $page) { url } } } }"
    answered = await answer(gateway_over(archive()), query, id=gid("Letter", "a", "l1"), page=page)
    assert (answered.data, answered.codes()) == ({"node": {"preview": None}}, ["INVALID_INPUT"])


async def test_a_link_streams_the_file_it_stands_for() -> None:
    a = archive()
    gateway = gateway_over(a)
    ready(a)
    found = await fetched(gateway, await link_of(gateway))
    assert (found.status_code, found.content) == (200, b"%PDF-1.7 and so on")
    assert [call.keys for call in a.behaviour.of("pdf")] == [("l1",)]


async def test_a_preview_is_of_its_page_and_width() -> None:
    a = archive()
    gateway = gateway_over(a)
    ready(a)
    found = await fetched(gateway, await link_of(gateway, "preview"))
    assert found.headers["content-type"] == "image/png"
    assert [call.keys for call in a.behaviour.of("preview")] == [("l1", "2", "240")]


async def test_a_link_dies_at_its_time() -> None:
    a, clock = archive(), Clock()
    gateway = gateway_over(a, clock=clock)
    path = await link_of(gateway)
    clock.forward(seconds=599)
    ready(a)
    assert (await fetched(gateway, path)).status_code == 200
    clock.forward(seconds=1)
    expired = await fetched(gateway, path)
    assert (expired.status_code, expired.text) == (410, "This link has expired: ask for another.\n")


def payload_for(principal: str) -> str:
    return base64.urlsafe_b64encode(principal.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("place", [7, 20, -50, -10, -1])
async def test_an_altered_link_is_forbidden_and_tells_nothing(place: int) -> None:
    a = archive()
    gateway = gateway_over(a)
    path = await link_of(gateway)
    other = "A" if path[place] != "A" else "Q"
    altered = path[:place] + other + (path[place + 1 :] if place != -1 else "")
    found = await fetched(gateway, altered)
    assert ((found.status_code, found.text), a.behaviour.calls[1:]) == (FORBIDDEN, [])


@pytest.mark.parametrize("token", ["x", "x.y", "..%2e", "%00.%00", "é.é", "a" * 5000, payload_for("x") + "."])
async def test_what_is_no_link_is_forbidden(token: str) -> None:
    found = await fetched(gateway_over(archive()), f"/files/{token}")
    assert (found.status_code, found.text) == FORBIDDEN


async def test_a_link_of_another_gateways_key_is_forbidden() -> None:
    a = archive()
    gateway, other = gateway_over(a), gateway_over(a)
    other.file_links._key = b"another key"
    found = await fetched(gateway, await link_of(other))
    assert (found.status_code, found.text) == FORBIDDEN


async def test_a_link_is_for_its_principal_only() -> None:
    a = archive()
    gateway = gateway_over(a)
    path = await link_of(gateway, principal=Principal(id="ann"))
    ready(a)
    statuses = [(await fetched(gateway, path, Principal(id=name))).status_code for name in ("bob", "ann")]
    assert statuses == [403, 200]


async def test_a_link_stops_with_its_principals_view_of_the_backend() -> None:
    a = archive()
    gateway = gateway_over(a, fake("b"))
    path = await link_of(gateway, principal=Principal(id="ann"))
    found = await fetched(gateway, path, Principal(id="ann", backends=frozenset("b")))
    assert (found.status_code, found.text) == FORBIDDEN
    assert a.behaviour.of("pdf") == []


async def test_a_link_ends_with_the_credential_that_it_was_got_with() -> None:
    a, clock = archive(), Clock()
    gateway = gateway_over(a, clock=clock)
    ann = Principal(id="ann", expires=clock.now + datetime.timedelta(seconds=60))
    found = (await data(gateway, LINKS, principal=ann, id=gid("Letter", "a", "l1")))["node"]["pdf"]
    clock.forward(seconds=60)
    assert datetime.datetime.fromisoformat(found["expiresAt"]) == ann.expires
    assert (await fetched(gateway, httpx.URL(found["url"]).path, ann)).status_code == 410


async def test_a_link_stops_with_its_principals_right_to_read() -> None:
    a = archive()
    gateway = gateway_over(a)
    path = await link_of(gateway, principal=Principal(id="ann"))
    found = await fetched(gateway, path, Principal(id="ann", scopes=frozenset((Scope.SEND,))))
    assert ((found.status_code, found.text), a.behaviour.of("pdf")) == (FORBIDDEN, [])


# ── What is answered ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_comes_with_our_headers_and_none_of_the_vendors() -> None:
    a = archive()
    gateway = gateway_over(a)
    vendors = {"content_type": "text/html", "set_cookie": "s=1", "x_vendor": "v", "content_disposition": "inline"}
    ready(a, b"%PDF", content_length="4", **vendors)
    found = await fetched(gateway, await link_of(gateway))
    assert dict(found.headers) == {
        "content-type": "application/pdf",
        "content-disposition": 'inline; filename="letter-l1.pdf"',
        "content-length": "4",
        "cache-control": "private, no-store",
        "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


async def test_the_length_of_an_encoded_answer_is_not_the_files() -> None:
    a = archive()
    gateway = gateway_over(a)
    ready(a, b"%PDF", content_length="99", content_encoding="gzip")
    assert "content-length" not in (await fetched(gateway, await link_of(gateway))).headers


@pytest.mark.parametrize("native_id", ['l"1', "l1\r\nX: y", "../l1", "l 1", "手紙1", "ü1"])
async def test_a_native_id_that_is_no_plain_name_is_left_out_of_the_filename(native_id: str) -> None:
    a = archive(native_id=native_id, native_ids=re.compile(r"[\s\S]+"))
    gateway = gateway_over(a)
    ready(a, native_id=native_id)
    found = await fetched(gateway, await link_of(gateway, native_id=native_id))
    assert (found.status_code, found.headers["content-disposition"]) == (200, 'inline; filename="letter.pdf"')


STATUSES = [
    (errors.NotFound, 404, "NOT_FOUND"),
    (errors.NotReady, 404, "NOT_READY"),
    (errors.FileNotAvailable, 404, "FILE_NOT_AVAILABLE"),
    (errors.InvalidInput, 404, "INVALID_INPUT"),
    (errors.RateLimited, 503, "RATE_LIMITED"),
    (errors.TimedOut, 504, "TIMEOUT"),
    (errors.Unavailable, 502, "UNAVAILABLE"),
    (errors.BadCredentials, 502, "BACKEND_CREDENTIALS"),
    (errors.Forbidden, 502, "FORBIDDEN"),
    (errors.Rejected, 502, "REJECTED"),
    (errors.MalformedAnswer, 502, "MALFORMED_RESPONSE"),
]


@pytest.mark.parametrize(("kind", "status", "code"), STATUSES)
async def test_a_problem_at_the_vendor_is_a_status_and_a_sentence(
    kind: type[errors.AdapterError], status: int, code: str
) -> None:
    a = archive()
    gateway = gateway_over(a)
    a.behaviour.files["l1"] = kind("It said no.", backend="a", status=401)
    found = await fetched(gateway, await link_of(gateway))
    assert found.status_code == status
    assert re.fullmatch(rf"{code}: It said no\. \(incident [0-9a-f]{{12}}\)\n", found.text)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"


async def test_a_vendor_that_asks_for_patience_is_passed_on() -> None:
    a = archive()
    gateway = gateway_over(a)
    a.behaviour.files["l1"] = errors.RateLimited("Later.", backend="a", retry_after=30)
    found = await fetched(gateway, await link_of(gateway))
    assert (found.status_code, found.headers["retry-after"]) == (503, "30")


# ── Streaming, over real sockets ─────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def streaming(a: Fake, gateway: Gateway) -> AsyncIterator[httpx.Response]:
    """The answer to one fetch, its body not read yet."""
    route = file_route(gateway.backends, gateway.file_links, Known(LOCAL))
    path = await link_of(gateway)
    async with (
        asyncio.timeout(PATIENCE),
        serving([route]) as address,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
        client.stream("GET", f"http://{address}{path}") as response,
    ):
        yield response


async def test_the_first_bytes_arrive_before_the_next_are_produced() -> None:
    a = archive()
    gateway = gateway_over(a)
    source = Source(b"one", b"two", b"three")
    a.behaviour.files["l1"] = source.stream(first=b"zero")
    async with streaming(a, gateway) as response:
        arriving = response.aiter_raw()
        received = [await anext(arriving)]
        assert source.produced == []
        for place, piece in enumerate((b"one", b"two", b"three"), start=1):
            source.step()
            received.append(await anext(arriving))
            assert (received[-1], len(source.produced)) == (piece, place)
        assert await anext(arriving, None) is None
    assert (b"".join(received), source.closed.is_set()) == (b"zeroonetwothree", True)


async def test_the_vendors_answer_is_let_go_when_the_one_who_fetches_leaves() -> None:
    a = archive()
    gateway = gateway_over(a)
    source = Source(b"one", b"never")
    a.behaviour.files["l1"] = source.stream()
    async with streaming(a, gateway) as response:
        source.step()
        assert await anext(response.aiter_raw()) == b"one"
        await response.aclose()
        await source.closed.wait()
    assert source.produced == [b"one"]


async def test_a_file_that_breaks_off_is_not_taken_for_whole() -> None:
    a = archive()
    gateway = gateway_over(a)
    source = Source(b"half", fails=httpx.ReadError("gone"))
    source.step()
    a.behaviour.files["l1"] = source.stream()
    async with streaming(a, gateway) as response:
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()
    assert source.closed.is_set()


async def test_the_vendors_answer_is_let_go_when_nobody_takes_even_the_headers() -> None:
    a = archive()
    gateway = gateway_over(a)
    source = ready(a)
    route = file_route(gateway.backends, gateway.file_links, Known(LOCAL))
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": await link_of(gateway), "headers": []}
    scope |= {"query_string": b"", "root_path": "", "asgi": {"spec_version": "2.4"}}

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise OSError

    with pytest.raises(ClientDisconnect):
        await Starlette(routes=[route])(scope, receive, send)
    assert source.closed.is_set()
