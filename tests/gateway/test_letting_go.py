"""What a request has read is gone with its answer: at once, and not when the garbage collector comes by."""

import asyncio
import gc
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from gateway.loaders import PageKey
from gateway.safe_loader import SafeLoader
from tests.connecting import asking
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer, letter
from tests.gateway.server.endpoint import EVENTS, endpoint, posted
from tests.gateway.server.socket_talk import talking

LISTED = "{ customers { nodes { name letters { nodes { title } } } } }"
BY_ID = '{ customer(by: {nativeId: {backend: "a", nativeId: "1"}}) { name letters { nodes { title } } } }'


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


CUSTOMER, LETTER = customer("a", "1"), letter("a", "l1", "1")


def held() -> tuple[int, int]:
    """How often something refers to what is in the records, which every record that is read refers to."""
    return sys.getrefcount(CUSTOMER.name), sys.getrefcount(LETTER.title)


@pytest.mark.parametrize("accept", [None, EVENTS])
@pytest.mark.parametrize("query", [LISTED, BY_ID])
async def test_what_was_read_for_an_answer_over_http_is_gone(query: str, accept: str | None) -> None:
    gateway = gateway_over(fake("a", customers=[CUSTOMER], letters=[LETTER]))
    before = held()
    async with endpoint(gateway) as client:
        answered = await posted(client, query, accept)
    assert '"title"' in answered.text
    assert held() == before


async def test_what_was_read_for_an_answer_over_a_socket_is_gone() -> None:
    gateway = gateway_over(fake("a", customers=[CUSTOMER], letters=[LETTER]))
    before = held()
    async with talking(gateway) as talk:
        answered, _ = await talk.ask(LISTED)
    assert "errors" not in answered["payload"]
    assert held() == before


async def test_what_a_request_forgets_is_gone_before_it_ends() -> None:
    context = gateway_over(fake("a", customers=[CUSTOMER])).context()
    before = held()
    await context.loaders.page.load(PageKey("customers", "a", None, asking()))
    assert held() != before
    context.forget()
    await asyncio.sleep(0)  # the loop's own hold on what woke this test
    assert held() == before


async def test_whoever_waits_for_what_is_let_go_gets_it() -> None:
    async def batch(keys: Sequence[Any]) -> list[Any]:
        return [key.upper() for key in keys]

    loader = SafeLoader(batch)
    waiting = loader.load("a"), loader.load_many(["a", "b"])
    loader.let_go()
    assert [await one for one in waiting] == ["A", ["A", "B"]]
