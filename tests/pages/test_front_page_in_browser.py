"""The page at `/` in a real Chromium."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import barriers, photographed, watched_page
from tests.faults.vendors import letter_ids
from tests.pages.conftest import Served


@pytest.fixture(scope="module")
def sent(served: Served) -> Served:
    """The gateway, with something sent and something read."""
    for count in (1, 3):
        dispatch = served.process.send("emailDocuments", {"documents": letter_ids(["letters"], 4)[-count:]})
        served.process.ends(dispatch["dispatch"]["id"])
    return served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
async def test_nothing_bars_anybody_from_using_it(sent: Served, tmp_path: Path, scheme: str, width: int) -> None:
    async with watched_page(tmp_path, color_scheme=scheme) as watched:
        await watched.page.set_viewport_size({"width": width, "height": 900})
        await watched.page.goto(sent.at("/"))
        await expect(watched.page.get_by_role("heading", name="Last dispatches")).to_be_visible()
        await photographed(watched.page, f"front-{scheme}-{width}")

        assert await barriers(watched.page) == []
        assert (watched.strangers, watched.complaints) == ([], [])


async def test_the_newest_dispatch_stands_first_with_its_counts(sent: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        await watched.page.goto(sent.at("/"))
        rows = await watched.page.locator("tbody tr").all_inner_texts()

    assert [row.split("\t")[1:3] for row in rows[:1]] == [["By e-mail", "letters"]]
    assert "3: 2 accepted" in rows[0] or "3: 3 accepted" in rows[0]


async def test_a_narrow_screen_needs_no_scrolling_sideways(sent: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        await watched.page.set_viewport_size({"width": 320, "height": 800})
        await watched.page.goto(sent.at("/"))

        assert await watched.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_the_explorer_is_one_tab_and_enter_away(sent: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        page = watched.page
        await page.goto(sent.at("/"))
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await expect(page.get_by_label("Execute query")).to_be_visible()


async def test_the_documentation_of_the_schema_is_one_click_away(sent: Served, tmp_path: Path) -> None:
    async with watched_page(tmp_path) as watched:
        page = watched.page
        await page.goto(sent.at("/"))
        await page.get_by_role("link", name="Documentation").click()

        await expect(page.locator(".graphiql-doc-explorer").get_by_text("Subscription").first).to_be_visible()
        await photographed(page, "explorer-documentation")
        assert (watched.strangers, watched.complaints) == ([], [])
