"""What tests of the adapter need: its parts, the calls that it made, and answers that no emulator gives."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec

from adapters.contract import Adapter, Connection, Customers, Documents
from adapters.model import Letter, Page
from adapters.shapes import SecretStr
from adapters.smallinvoice import vendor
from adapters.smallinvoice.credential import SmallinvoiceCredentials
from tests.connecting import NOW, RunningSandbox
from tests.contract.walking import ENOUGH

__all__ = ["TOKEN", "answering", "calls", "customers", "data_of", "enveloped", "letters", "walk"]

TOKEN = "s3cret/t0ken"
BASE_URL = "https://api.smallinvoice.example/v1"


def customers(adapter: Adapter) -> Customers:
    assert adapter.customers is not None
    return adapter.customers


def letters(adapter: Adapter) -> Documents[Letter]:
    assert adapter.letters is not None
    return adapter.letters


def calls(sandbox: RunningSandbox, since: int) -> list[str]:
    """Method and path of each request after the ``since``-th, without the token, which is last in each."""
    lines = []
    for entry in sandbox.journal(since):
        path, token, end = entry["raw_path"].rpartition("/token/sandbox-token")
        assert (token, entry["query"]) == ("/token/sandbox-token", "")
        lines.append(f"{entry['method']} {path}{end}")
    return lines


def data_of(body: str | bytes) -> Any:
    """The JSON in the form field ``data``, which is all there is in the form."""
    form = parse_qs(body if isinstance(body, str) else body.decode("ascii"), keep_blank_values=True)
    assert form.keys() == {"data"}
    (text,) = form["data"]
    return json.loads(text)


@asynccontextmanager
async def answering(
    answer: Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]] | bytes | object,
    status: int = 200,
    **limits: int,
) -> AsyncIterator[Adapter]:
    """An adapter whose vendor gives this answer to everything: bytes, an object as JSON, or what a function says."""

    async def respond(request: httpx.Request) -> httpx.Response:
        if callable(answer):
            answered: httpx.Response | Awaitable[httpx.Response] = answer(request)
            return answered if isinstance(answered, httpx.Response) else await answered
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return httpx.Response(status, content=body, headers={"content-type": "text/html; charset=utf-8"})

    async with httpx.MockTransport(respond) as engine:
        settings = vendor.settings()
        transport = vendor.authenticate(
            engine,
            key="test",
            base_url=BASE_URL,
            credentials=SmallinvoiceCredentials(token=SecretStr(TOKEN)),
            settings=settings,
            clock=lambda: NOW,
        )
        connection = Connection(
            key="test",
            base_url=BASE_URL,
            transport=transport,
            settings=settings,
            limits=msgspec.structs.replace(vendor.limits, **limits),
            clock=lambda: NOW,
        )
        yield vendor.connect(connection)


def enveloped(*rows: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A list's only page."""
    return {"error": False, "page": 1, "pages": 1, "count": len(rows), "items": list(rows), **members}


async def walk(read: Callable[[str | None], Any], position: str | None = None) -> list[str]:
    """The native ids of all pages of a list, from a position to the last."""
    seen: list[str] = []
    while True:
        page: Page[Any] = await read(position)
        seen += [record.native_id for record in page.records]
        assert len(page.positions) == len(page.records)
        if page.end is None:
            return seen
        assert len(seen) < ENOUGH, "the list has no end"
        position = page.end
