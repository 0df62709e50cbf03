import hashlib
import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from gateway.server import assets
from gateway.server.explorer import ExampleQuery, explorer_page, explorer_routes, prefers_page

_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_STATIC = files("gateway.server") / "static"


def _application(*tabs: ExampleQuery, endpoint: str = "/graphql") -> Starlette:
    async def view(request: Request) -> Response:
        return explorer_page(request) if prefers_page(request) else PlainTextResponse("a result")

    return Starlette(routes=[*explorer_routes(endpoint=endpoint, tabs=tabs), Route(endpoint, view)])


def _client(application: Starlette, *, root_path: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application, root_path=root_path), base_url="http://gateway.example"
    )


async def _page(*, root_path: str = "") -> httpx.Response:
    async with _client(_application(), root_path=root_path) as client:
        return await client.get("/graphql", headers={"Accept": _BROWSER})


async def _status(path: str) -> int:
    """Of a path as it stands: clients resolve `..` before they send."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await _application()(scope, receive, send)
    return int(sent[0]["status"])


async def _asset_urls() -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', (await _page()).text)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (_BROWSER, True),
        ("text/html", True),
        ("text/*", True),
        ("application/json;q=0.5, text/html;q=0.6", True),
        ("application/json, text/html;q=0.9", False),
        ("application/graphql-response+json, text/html", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=many", False),
        ("*/*", False),
        ("text/event-stream", False),
        ("multipart/mixed, application/json", False),
        ("", False),
    ],
)
def test_who_prefers_html_to_a_result_gets_the_page(accept: str, expected: bool) -> None:
    scope = {"type": "http", "method": "GET", "headers": [(b"accept", accept.encode())]}

    assert expected == prefers_page(Request(scope))


def test_a_post_never_gets_the_page() -> None:
    assert prefers_page(Request({"type": "http", "method": "POST", "headers": [(b"accept", b"text/html")]})) is False


async def test_the_page_allows_nothing_but_this_origin() -> None:
    page = await _page()

    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
        ("vary", "Accept"),
    ],
)
async def test_the_page_says_how_it_is_to_be_treated(header: str, expected: str) -> None:
    assert expected == (await _page()).headers[header]


async def test_the_page_has_no_inline_script_style_or_handler() -> None:
    markup = (await _page()).text

    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", markup, re.DOTALL)
    assert [("src=" in attributes, body) for attributes, body in scripts] == [(True, "")] * 6
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", markup) == []


async def test_the_page_speaks_to_who_has_no_javascript() -> None:
    markup = (await _page()).text

    assert "<title>GraphiQL – Postroom</title>" in markup
    assert re.search(r"<noscript>.+\.</noscript>", markup) is not None


async def test_every_file_of_the_page_is_on_this_server() -> None:
    urls = await _asset_urls()

    assert [url for url in urls if not url.startswith("/_static/")] == []
    async with _client(_application()) as client:
        assert [(await client.get(url)).status_code for url in urls] == [200] * 10


async def test_behind_a_prefix_every_file_is_under_it() -> None:
    markup = (await _page(root_path="/invoicing")).text

    urls = re.findall(r'(?:src|href|data-tabs)="([^"]+)"', markup)
    assert [url for url in urls if not url.startswith("/invoicing/_static/")] == []
    assert 'data-root="/invoicing"' in markup


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ("js", "text/javascript; charset=utf-8"),
        ("css", "text/css; charset=utf-8"),
        ("svg", "image/svg+xml"),
    ],
)
async def test_a_file_is_served_as_what_it_is(extension: str, expected: str) -> None:
    async with _client(_application()) as client:
        answers = [await client.get(url) for url in await _asset_urls() if url.endswith(f".{extension}")]

    assert {expected} == {answer.headers["content-type"] for answer in answers}
    assert {"nosniff"} == {answer.headers["x-content-type-options"] for answer in answers}


async def test_a_file_is_kept_for_ever_under_the_hash_of_its_content() -> None:
    async with _client(_application()) as client:
        answers = [await client.get(url) for url in await _asset_urls()]

    assert {"public, max-age=31536000, immutable"} == {answer.headers["cache-control"] for answer in answers}
    digests = [hashlib.sha256(answer.content).hexdigest()[:16] for answer in answers]
    assert digests == [answer.url.path.split("/")[-2] for answer in answers]


@pytest.mark.parametrize(
    "path",
    [
        "/_static/0000000000000000/explorer.js",
        "/_static/0000000000000000/unknown.js",
        "/_static/explorer.js",
        "/_static/",
        "/_static/../x",
        "/_static/%2e%2e/x",
        "/_static/%2e%2e/%2e%2e/explorer.py",
        "/_static/..%2f..%2fexplorer.py",
        "/_static/../explorer.py",
    ],
)
async def test_whatever_is_not_a_file_of_the_page_is_not_found(path: str) -> None:
    assert await _status(path) == 404


@pytest.mark.parametrize("now", [None, b"of the next release"])
async def test_a_file_that_was_replaced_is_not_sent_under_its_old_digest(
    now: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "explorer.js"
    file.write_bytes(b"of this release")
    digest = hashlib.sha256(b"of this release").hexdigest()[:16]
    monkeypatch.setattr(assets, "_assets", lambda: {"explorer.js": assets._Asset(file, "text/javascript", digest)})
    assert await _status(f"/_static/{digest}/explorer.js") == 200
    if now is None:
        file.unlink()
    else:
        file.write_bytes(now)
    assert await _status(f"/_static/{digest}/explorer.js") == 404


async def test_the_tabs_are_the_examples_in_the_form_that_graphiql_takes() -> None:
    letters = ExampleQuery(
        "Posted letters", "query Letters($first: Int!) { letters(first: $first) { id } }", {"first": 2}
    )
    backends = ExampleQuery("Who is connected", "\n{ backends { key } }\n\n")

    async with _client(_application(letters, backends, endpoint="/api/graphql")) as client:
        answer = await client.get("/_static/tabs.json")

    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json() == {
        "endpoint": "/api/graphql",
        "signsIn": False,
        "tabs": [
            {
                "query": "# Posted letters\nquery Letters($first: Int!) { letters(first: $first) { id } }\n",
                "variables": '{\n  "first": 2\n}',
            },
            {"query": "# Who is connected\n{ backends { key } }\n", "variables": ""},
        ],
    }


def test_each_vendored_file_is_the_one_that_is_described() -> None:
    vendor = _STATIC / "vendor"
    described = (vendor / "VENDORED.md").read_text()
    rows = re.findall(r"^\|(?: [^|]+ \|){2} (\S+) \|.*\| `([0-9a-f]{64})` \|$", described, re.MULTILINE)

    present = {file.name for file in vendor.iterdir()} - {"VENDORED.md", "LICENSES.txt"}
    assert {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in present} == dict(rows)


def test_no_style_sheet_or_script_leads_to_another_file() -> None:
    vendored = {file.name: file.read_text() for file in (_STATIC / "vendor").iterdir()}

    leads = {"js": r"sourceMappingURL", "css": r"sourceMappingURL|@import|@font-face|url\([\"']?(?!data:|[\"'])"}
    found = {name: re.findall(leads.get(name.rpartition(".")[2], "$^"), text) for name, text in vendored.items()}
    assert [name for name, leading in found.items() if leading] == []
