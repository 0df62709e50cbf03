"""Both pages of a gateway that asks for keys, in a real Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import barriers, executable, photographed, watched_page
from tests.faults.gateway_process import gateway
from tests.faults.vendors import letter_ids, running_vendors
from tests.gateway import postroom
from tests.pages.conftest import Served
from tests.pages.test_explorer_over_the_gateway import PROGRESS, response_of, write

SENDING = 'mutation Send { emailDocument(input: { document: "%s" }) { dispatch { id state } } }'


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A gateway that asks for keys, and one."""
    executable()
    folder = tmp_path_factory.mktemp("locked")
    with running_vendors("letters") as vendors:
        path = vendors.write_configuration(
            folder / "postroom.toml", f"sqlite:///{folder}/ledger.sqlite3", timeout=30, limits={"concurrency": 2}
        )
        path.write_text('[auth]\nmode = "api_key"\n' + path.read_text())
        with gateway(path) as process:
            scopes = ("--scope", "read", "--scope", "send", "--all-backends")
            made = postroom.run("keys", "create", "browser", *scopes, "--config", path, folder=folder)
            key = re.search(r"\S{40,}", made.stdout)
            assert key is not None, made
            yield Served(process, vendors), key[0]


async def opened(page: Page, served: Served) -> None:
    await page.goto(served.at("/graphql"))
    await expect(page.get_by_label("Execute query")).to_be_visible()


async def signed_in(page: Page, key: str) -> None:
    await page.get_by_label("Key or token").fill(key)
    await page.get_by_role("button", name="Use").click()
    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.get_by_role("link", name="Query", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_front_page_tells_nothing_and_bars_nobody(
    locked: tuple[Served, str], tmp_path: Path, scheme: str
) -> None:
    async with watched_page(tmp_path, color_scheme=scheme) as watched:
        await watched.page.goto(locked[0].at("/"))
        await expect(watched.page.get_by_role("heading", name="This gateway asks who you are")).to_be_visible()
        await photographed(watched.page, f"front-locked-{scheme}")

        assert "letters" not in await watched.page.content()
        assert await barriers(watched.page) == []


async def test_the_explorer_opens_for_everybody_and_shows_no_data_without_a_key(
    locked: tuple[Served, str], tmp_path: Path
) -> None:
    async with watched_page(tmp_path) as watched:
        await opened(watched.page, locked[0])
        await watched.page.get_by_label("Execute query").click()

        await expect(response_of(watched.page)).to_contain_text("UNAUTHENTICATED")
        assert "letters" not in await response_of(watched.page).inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_key_opens_the_schema_and_the_data(locked: tuple[Served, str], tmp_path: Path, scheme: str) -> None:
    served, key = locked
    async with watched_page(tmp_path, color_scheme=scheme) as watched:
        page = watched.page
        await opened(page, served)
        await signed_in(page, key)
        await write(page, "query Who { backends { key } }")
        await page.get_by_label("Execute query").click()
        await expect(response_of(page)).to_contain_text('"letters"')
        await photographed(page, f"explorer-signed-in-{scheme}")

        assert await barriers(page) == []
        assert watched.strangers == []


async def test_a_dispatch_is_followed_with_the_key_over_a_websocket(locked: tuple[Served, str], tmp_path: Path) -> None:
    served, key = locked
    async with watched_page(tmp_path) as watched:
        page = watched.page
        await opened(page, served)
        await signed_in(page, key)
        await write(page, SENDING % letter_ids(["letters"], 1)[0])
        await page.get_by_label("Execute query").click()
        await expect(response_of(page)).to_contain_text("SUCCEEDED")
        found = re.search(r'"id": "([^"]+)"', await response_of(page).inner_text())
        assert found is not None
        await write(page, PROGRESS % found[1])
        await page.get_by_label("Execute query").click()

        await expect(response_of(page)).to_contain_text('"accepted": 1')
