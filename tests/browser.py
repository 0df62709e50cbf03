"""A page in a real Chromium that can reach loopback only, and what that page did wrong.

Whether a missing browser skips a test or fails it is decided here: on a person's machine it skips, under CI it fails.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Request, Route, async_playwright, expect

from tests.network_off import is_local
from tests.node import NPM
from tests.patience import PATIENCE

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
AXE = NPM / "node_modules" / "axe-core" / "axe.min.js"

_PATIENCE_MS = PATIENCE * 1000

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
_REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", (violation) =>
    console.error(`CSP ${violation.effectiveDirective} ${violation.blockedURI} ${violation.sourceFile}`));"""


@dataclass(slots=True)
class Watched:
    """A page, the requests for other hosts that it tried, and what it complained about, CSP violations included."""

    page: Page
    strangers: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


async def photographed(page: Page, name: str) -> Path:
    """A picture of what is seen, kept in `screenshots/` for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    await page.screenshot(path=path, animations="disabled")
    return path


async def barriers(page: Page) -> list[str]:
    """What axe finds on the page that seriously or critically keeps people from using it, a line each."""
    if not AXE.exists():
        missing("the packages of tests/npm are not installed")
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate("async () => (await axe.run({ selectors: false })).violations")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {[check['message'] for check in node['any']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def _is_own(url: str) -> bool:
    """Whether this is a file of the browser itself: its PDF viewer is a page of such."""
    return urlsplit(url).scheme in {"chrome", "chrome-extension"}


def missing(reason: str) -> NoReturn:
    """Skips the test for want of something; fails it under CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI never skips the browser's tests")
    pytest.skip(reason)


def executable() -> str:
    """The installed Chromium; without one the test is skipped, except under CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("no chromium is installed")
    return found


@asynccontextmanager
async def watched_page(profile: Path, *, color_scheme: str = "light") -> AsyncIterator[Watched]:
    """Open an empty page with an empty profile; requests beyond loopback are recorded and refused."""
    path = executable()
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=path,
            headless=True,
            args=_FLAGS,
            color_scheme="dark" if color_scheme == "dark" else "light",
            viewport={"width": 1400, "height": 850},
            timeout=_PATIENCE_MS,
        )
        context.set_default_timeout(_PATIENCE_MS)
        try:
            await context.add_init_script(_REPORT_VIOLATIONS)
            watched = Watched(context.pages[0])

            async def loopback_only(route: Route, request: Request) -> None:
                if _is_own(request.url) or is_local(urlsplit(request.url).hostname):
                    await route.continue_()
                else:
                    watched.strangers.append(request.url)
                    await route.abort()

            await context.route("**/*", loopback_only)
            page = watched.page
            page.on("console", lambda m: watched.complaints.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: watched.complaints.append(str(error)))
            page.on(
                "websocket",
                lambda ws: None if is_local(urlsplit(ws.url).hostname) else watched.strangers.append(ws.url),
            )
            yield watched
        finally:
            await context.close()
