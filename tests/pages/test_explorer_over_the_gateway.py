"""GraphiQL over the real endpoint, in a real Chromium that reaches nothing but the gateway."""

import io
import re
from pathlib import Path

import pypdf
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import barriers, photographed, watched_page
from tests.faults.vendors import EMAILS, letter_ids
from tests.pages.conftest import Served

PDF = """query Paper {
  documents(first: 3, orderBy: { field: DATE, direction: DESC }) { nodes { title pdf { url } } }
}"""
PROGRESS = """subscription Progress {
  dispatchProgress(id: "%s") { state counts { total accepted } }
}"""
_READ = """() => {
    const viewer = document.querySelector("pdf-viewer");
    return viewer?.loadProgress_ === 100 ? viewer.docLength_ : null;
}"""
TYPED = "query Typed { __typename }"
DEFERRED = """query Later {
  backends { key }
  ... @defer { customers(first: 2) { nodes { name } } }
}"""


def response_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Result Window")


async def write(page: Page, query: str) -> None:
    await page.get_by_label("Query Editor", exact=True).locator(".CodeMirror:visible").click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(query)
    await takes_note_of(page, query)


async def takes_note_of(page: Page, query: str) -> None:
    """Waits until GraphiQL knows the operation's name, which the tab shows; until then it would ask by the old one."""
    name = re.search(r"(?:query|mutation|subscription) (\w+)", query)
    if name is not None:
        await expect(page.locator(".graphiql-tab-active")).to_contain_text(name[1])


async def opened(page: Page, served: Served) -> None:
    await page.goto(served.at("/graphql"))
    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.get_by_role("link", name="Query", exact=True)).to_be_visible()


async def pages_shown(paper: Page) -> int:
    """How many pages Chromium's viewer has read of a PDF. A picture of a page leaves the viewer's plugin out."""
    while True:  # no event tells of the browser's own frames
        for frame in paper.frames:
            if frame.url.startswith("chrome-extension:"):
                read = await frame.evaluate(_READ)
                if read is not None:
                    return int(read)
        await paper.wait_for_timeout(50)


async def run_an_example(page: Page) -> None:
    """Runs the one of the tabs that is about no record of the sandbox."""
    await page.get_by_role("button", name="Backends", exact=True).click()
    await expect(page.locator(".CodeMirror:visible").first).to_contain_text("capabilities")
    await page.get_by_label("Execute query").click()
    await expect(response_of(page)).to_contain_text("EMAIL_STATEMENT")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_bars_anybody_from_using_it(served: Served, tmp_path: Path, scheme: str) -> None:
    async with watched_page(tmp_path, color_scheme=scheme) as watched:
        await opened(watched.page, served)
        await run_an_example(watched.page)
        await photographed(watched.page, f"explorer-{scheme}")

        assert await barriers(watched.page) == []
        assert (watched.strangers, watched.complaints) == ([], [])


async def test_an_example_s_tab_is_shown_and_run(served: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        await opened(watched.page, served)
        await run_an_example(watched.page)

        assert '"errors"' not in await response_of(watched.page).inner_text()


async def test_a_field_of_the_real_schema_is_completed(served: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        await opened(watched.page, served)
        await write(watched.page, "{ dispa")
        await watched.page.keyboard.press("Control+Space")
        hint = watched.page.locator(".CodeMirror-hint", has_text="dispatches")
        await expect(hint).to_be_visible()
        await photographed(watched.page, "explorer-completing")
        await hint.click()

        await expect(watched.page.locator(".CodeMirror:visible").first).to_contain_text("dispatches")


async def test_a_document_s_pdf_opens_from_the_answer(served: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        page = watched.page
        await opened(page, served)
        await write(page, PDF)
        await page.get_by_label("Execute query").click()
        link = page.get_by_role("navigation", name="Files in the last answer").get_by_role("link").first
        await expect(link).to_have_text(re.compile(r"nodes \d pdf"))
        await photographed(page, "explorer-files")

        async with page.context.expect_page() as opening:
            await link.click()
        paper = await opening.value
        shown = await pages_shown(paper)
        await photographed(paper, "explorer-pdf")
        fetched = await page.request.get(str(await link.get_attribute("href")))

        assert await paper.evaluate("document.contentType") == "application/pdf"
        assert shown == len(pypdf.PdfReader(io.BytesIO(await fetched.body())).pages)
        assert (watched.strangers, watched.complaints) == ([], [])


async def test_a_run_is_followed_to_its_end(served: Served, tmp_path: Path) -> None:
    served.vendors.slow(0.3, EMAILS)
    documents = letter_ids(["letters"], 12)
    dispatch = served.process.send("emailDocuments", {"documents": documents})["dispatch"]["id"]
    async with watched_page(tmp_path) as watched:
        await opened(watched.page, served)
        await write(watched.page, PROGRESS % dispatch)
        await watched.page.get_by_label("Execute query").click()

        await expect(response_of(watched.page)).to_contain_text('"accepted": 12')
        await expect(response_of(watched.page)).to_contain_text("SUCCEEDED")
        await photographed(watched.page, "explorer-subscription")
        assert (watched.strangers, watched.complaints) == ([], [])
    served.vendors.heal()


async def test_what_is_deferred_arrives_after_the_rest(served: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        await opened(watched.page, served)
        await write(watched.page, DEFERRED)
        await watched.page.get_by_label("Execute query").click()

        await expect(response_of(watched.page)).to_contain_text('"statements"')
        await expect(response_of(watched.page)).to_contain_text('"name"')
        assert (watched.strangers, watched.complaints) == ([], [])


async def test_a_query_is_written_run_and_left_with_the_keyboard_alone(served: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        page = watched.page
        await page.goto(served.at("/graphql"))
        await expect(page.get_by_label("Execute query")).to_be_visible()
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.evaluate("Boolean(document.activeElement.closest('.graphiql-query-editor .CodeMirror'))"):
                break
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text(TYPED)
        await takes_note_of(page, TYPED)
        await page.keyboard.press("Control+Enter")
        await expect(response_of(page)).to_contain_text('"__typename": "Query"')
        await page.keyboard.press("Escape")
        await page.keyboard.press("Tab")

        assert await page.evaluate("Boolean(document.activeElement.closest('.CodeMirror'))") is False
