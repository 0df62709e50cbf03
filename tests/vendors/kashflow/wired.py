"""Asks for customers through the adapter: of an emulator, or of a vendor whose answers the test gives."""

import json
from typing import Any

import httpx

from adapters.contract import Adapter, Connection
from adapters.errors import AdapterError
from adapters.kashflow import vendor
from adapters.model import Customer, Page
from tests.connecting import NOW, RunningSandbox, asking
from tests.contract.walking import ENOUGH

__all__ = ["answering", "calls", "one", "page_of", "walk"]


def answering(*answers: Any, status: int = 200) -> Adapter:
    """An adapter whose vendor gives these answers, one a call: bytes as they are, else as JSON."""
    rest = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        given = next(rest)
        content = given if isinstance(given, bytes) else json.dumps(given).encode()
        return httpx.Response(status, content=content)

    return vendor.connect(
        Connection(
            key="test",
            base_url="https://vendor.example/v2",
            transport=httpx.MockTransport(answer),
            settings=None,
            limits=vendor.limits,
            clock=lambda: NOW,
        )
    )


def calls(sandbox: RunningSandbox, since: int) -> list[tuple[str, str, str]]:
    """Method, raw path and query of the calls but for the sign-in."""
    entries = [entry for entry in sandbox.journal(since) if "sessiontoken" not in entry["raw_path"]]
    return [(entry["method"], entry["raw_path"], entry["query"]) for entry in entries]


async def page_of(adapter: Adapter, first: int, **members: Any) -> Page[Customer]:
    """A part of the list."""
    assert adapter.customers is not None
    return await adapter.customers.page(asking(first, **members))


async def walk(adapter: Adapter, first: int, **members: Any) -> list[Customer]:
    """The whole list, ``first`` at a time."""
    found: list[Customer] = []
    position = None
    while True:
        page = await page_of(adapter, first, position=position, **members)
        assert len(page.records) <= first
        assert len(page.positions) == len(page.records)
        found += page.records
        position = page.end
        if position is None:
            return found
        assert len(found) < ENOUGH, "the list has no end"


async def one(adapter: Adapter, code: str, wanted: frozenset[str] = frozenset()) -> Customer | AdapterError | None:
    """A customer by its code."""
    assert adapter.customers is not None
    return (await adapter.customers.by_key([code], wanted))[code]
