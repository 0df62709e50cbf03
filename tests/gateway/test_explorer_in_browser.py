"""The explorer as a person meets it: a real Chromium, a real server, a small schema."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import strawberry
import uvicorn
from playwright.async_api import Locator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from gateway.server.explorer import ExampleQuery, explorer_page, explorer_routes, prefers_page
from tests.browser import Watched, executable, watched_page

_LETTERS = ExampleQuery(
    "Some letters", "query Letters($first: Int!) {\n  letters(first: $first) { number }\n}", {"first": 3}
)
_CALLER = ExampleQuery("Who asks", "query Caller { caller }")
_COUNT = ExampleQuery("Counting", "subscription Count { counted }")
_LATER = ExampleQuery("Later", "query Later { letters(first: 1) { number ... @defer { posted } } }")


_ALL_STORAGES = """async () => JSON.stringify([
    localStorage, sessionStorage, document.cookie, history.state, location.href, window.name,
    await indexedDB.databases(), await caches.keys(),
    [...document.querySelectorAll("input")].map((input) => [input.value, input.outerHTML]),
])"""


@strawberry.type
class Letter:
    number: str

    @strawberry.field
    async def posted(self) -> str:
        return f"{self.number} was posted"


def _letters(first: int) -> list[Letter]:
    return [Letter(number=f"L-{number}") for number in range(first)]


@strawberry.type
class Query:
    letters: list[Letter] = strawberry.field(resolver=_letters, description="Every letter, oldest first.")

    @strawberry.field
    def caller(self, info: strawberry.Info) -> str:
        return f"caller is {info.context['request'].headers.get('authorization')}"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def counted(self, info: strawberry.Info) -> AsyncGenerator[str, None]:
        yield "one"
        yield f"two for {info.context['connection_params'].get('Authorization')}"


_SCHEMA = strawberry.Schema(
    Query, subscription=Subscription, config=StrawberryConfig(enable_experimental_incremental_execution=True)
)


class _Endpoint:
    def __init__(self) -> None:
        self._graphql = GraphQL[object, None](_SCHEMA, graphql_ide=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and prefers_page(request := Request(scope)):
            await explorer_page(request)(scope, receive, send)
        else:
            await self._graphql(scope, receive, send)


@asynccontextmanager
async def _serving(*tabs: ExampleQuery, signs_in: bool = False) -> AsyncIterator[str]:
    endpoint = _Endpoint()
    routes = [
        *explorer_routes(tabs=tabs, signs_in=signs_in),
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
    ]
    application = Starlette(routes=routes)
    config = uvicorn.Config(application, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def _opened(
    profile: Path, *tabs: ExampleQuery, color_scheme: str = "light", signs_in: bool = False
) -> AsyncIterator[Watched]:
    """The explorer on a first visit, once it has learnt the schema."""
    async with (
        _serving(*tabs, signs_in=signs_in) as address,
        watched_page(profile, color_scheme=color_scheme) as watched,
    ):
        await watched.page.goto(address)
        await expect(watched.page.get_by_label("Execute query")).to_be_visible()
        await watched.page.get_by_label("Show Documentation Explorer").click()
        await expect(watched.page.get_by_role("link", name="Query", exact=True)).to_be_visible()
        yield watched


@pytest.fixture(autouse=True)
def chromium() -> str:
    return executable()


async def _run(page: Page) -> None:
    await page.get_by_label("Execute query").click()


def _response(page: Page) -> Locator:
    return page.get_by_role("region", name="Result Window")


def _editor(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True).locator(".CodeMirror:visible")


async def _type_headers(page: Page, text: str) -> None:
    await page.get_by_role("button", name="Headers").click()
    await _editor(page, "Headers").click()
    await page.keyboard.insert_text(text)


async def test_a_click_runs_the_first_tab_with_its_variables(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LETTERS, _CALLER) as watched:
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text('"L-2"')


async def test_the_explorer_asks_no_other_host_and_breaks_no_rule(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LETTERS) as watched:
        page = watched.page
        await _run(page)
        await expect(_response(page)).to_contain_text('"L-2"')
        for label in ("Show History", "Show GraphiQL Explorer", "Open short keys dialog"):
            await page.get_by_label(label).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_label("Open settings dialog").click()
        await expect(page.get_by_role("dialog")).to_be_visible()

        assert (watched.strangers, watched.complaints) == ([], [])


async def test_without_examples_the_first_query_teaches_and_runs(tmp_path: Path) -> None:
    async with _opened(tmp_path) as watched:
        await expect(_editor(watched.page, "Query Editor")).to_contain_text("What can be asked")
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text("Every letter, oldest first.")


async def test_the_documentation_shows_the_schema_s_descriptions(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LETTERS) as watched:
        await watched.page.get_by_role("link", name="Query", exact=True).click()

        await expect(watched.page.locator(".graphiql-doc-explorer")).to_contain_text("Every letter, oldest first.")


async def test_the_editor_completes_fields_from_the_schema(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LETTERS) as watched:
        await _editor(watched.page, "Query Editor").click()
        await watched.page.keyboard.press("Control+a")
        await watched.page.keyboard.insert_text("{ ")
        await watched.page.keyboard.press("Control+Space")

        await expect(watched.page.locator(".CodeMirror-hints")).to_contain_text("letters")


async def test_a_field_clicked_in_the_explorer_is_asked_for(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER) as watched:
        await watched.page.get_by_label("Show GraphiQL Explorer").click()
        await watched.page.locator(".graphiql-explorer-root").get_by_text("letters", exact=True).click()

        await expect(_editor(watched.page, "Query Editor")).to_contain_text("letters")


async def test_headers_are_sent_and_never_stored(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER) as watched:
        page = watched.page
        await page.clock.install()
        await _type_headers(page, '{ "Authorization": "Bearer for-this-page-only" }')
        await page.clock.run_for(2_000)  # GraphiQL takes note of an edit after a while, and stores after another
        await _run(page)
        await expect(_response(page)).to_contain_text("caller is Bearer for-this-page-only")
        await page.clock.run_for(2_000)

        stored = await page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
        assert ("query Caller" in stored, "for-this-page-only" in stored) == (True, False)


async def test_a_subscription_runs_over_a_websocket_with_the_headers_in_its_first_message(tmp_path: Path) -> None:
    async with _opened(tmp_path, _COUNT) as watched:
        await _type_headers(watched.page, '{ "Authorization": "Bearer subscriber" }')
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text("two for Bearer subscriber")
        assert (watched.strangers, watched.complaints) == ([], [])


def _files_with(profile: Path, text: bytes) -> list[Path]:
    """The files of a browser's profile that hold this."""
    return [file for file in profile.rglob("*") if file.is_file() and text in file.read_bytes()]


async def _sign_in(page: Page, text: str) -> None:
    await page.get_by_label("Key or token").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("in use")


async def test_nobody_is_asked_for_a_key_where_none_is_needed(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER) as watched:
        await expect(watched.page.get_by_label("Key or token")).to_be_hidden()


@pytest.mark.parametrize("entered", ["a-key-of-mine", "  Bearer a-key-of-mine "])
async def test_a_key_is_entered_once_and_goes_with_every_operation(tmp_path: Path, entered: str) -> None:
    async with _opened(tmp_path, _CALLER, _COUNT, signs_in=True) as watched:
        page = watched.page
        await _sign_in(page, entered)
        await _run(page)
        await expect(_response(page)).to_contain_text("caller is Bearer a-key-of-mine")
        await page.get_by_role("button", name="Count", exact=True).click()
        await expect(page.locator(".graphiql-tab-active")).to_contain_text("Count")
        await expect(_editor(page, "Query Editor")).to_contain_text("counted")
        await _run(page)

        await expect(_response(page)).to_contain_text("two for Bearer a-key-of-mine")
        assert (watched.strangers, watched.complaints) == ([], [])


async def test_a_written_header_goes_before_the_key(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER, signs_in=True) as watched:
        await _sign_in(watched.page, "a-key-of-mine")
        await _type_headers(watched.page, '{ "authorization": "Bearer another" }')
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text("caller is Bearer another")


async def test_a_key_that_is_forgotten_is_sent_no_more(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER, signs_in=True) as watched:
        await _sign_in(watched.page, "a-key-of-mine")
        await watched.page.get_by_role("button", name="Forget").click()
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text("caller is None")


async def test_a_key_is_in_no_storage_and_not_in_the_page_and_gone_with_it(tmp_path: Path) -> None:
    async with _opened(tmp_path, _CALLER, signs_in=True) as watched:
        page = watched.page
        await page.clock.install()
        await _sign_in(page, "for-this-page-only")
        await _run(page)
        await expect(_response(page)).to_contain_text("caller is Bearer for-this-page-only")
        await page.clock.run_for(5_000)  # GraphiQL stores after a while
        await page.get_by_role("button", name="Forget").focus()
        stored = await page.evaluate(_ALL_STORAGES)
        await page.reload()
        await page.get_by_label("Show Documentation Explorer").click()
        await expect(page.get_by_role("link", name="Query", exact=True)).to_be_visible()
        await _run(page)
        await expect(_response(page)).to_contain_text("caller is None")

    assert ("query Caller" in stored, "for-this-page-only" in stored) == (True, False)
    assert _files_with(tmp_path, b"for-this-page-only") == []


async def test_what_is_deferred_arrives(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LATER) as watched:
        await _run(watched.page)

        await expect(_response(watched.page)).to_contain_text("L-0 was posted")


async def test_a_reload_keeps_the_tabs_as_they_were(tmp_path: Path) -> None:
    async with _opened(tmp_path, _LETTERS, _CALLER) as watched:
        await watched.page.reload()
        await expect(watched.page.get_by_label("Execute query")).to_be_visible()

        assert await watched.page.locator(".graphiql-tab").all_inner_texts() == ["Letters", "Caller"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_theme_is_the_browser_s(tmp_path: Path, scheme: str) -> None:
    async with _opened(tmp_path, _LETTERS, color_scheme=scheme) as watched:
        background = await watched.page.evaluate(
            "() => getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor"
        )

        lightness = sum(int(channel) for channel in re.findall(r"\d+", background)[:3])
        assert (scheme == "light") == (lightness > 3 * 128)
