"""Answers are kept for the time that is said, by memory and Redis alike, and never past a write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import redis.asyncio

from gateway.upstream.cache import CacheTransport, seconds_allowed
from gateway.upstream.cache_memory import MemoryStore
from gateway.upstream.cache_redis import RedisStore, answers_client
from gateway.upstream.cache_store import Store
from gateway.upstream.coalesce import CoalesceTransport
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.upstream.caching import SECONDS, Clock, Company, kept_keys, read, stacked
from tests.upstream.reading import Vendor, asking, settled, writing


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def vendor(company: Company) -> Vendor:
    return Vendor(company.answer, at_once=True)


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with answers_client(redis_server.url) as client:
        yield client


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore(1024 * 1024)
    return RedisStore(request.getfixturevalue("client"))


@pytest.fixture
def transport(vendor: Vendor, store: Store) -> CacheTransport:
    return stacked(vendor, store)


async def test_what_is_kept_is_answered_without_the_vendor(vendor: Vendor, transport: CacheTransport) -> None:
    assert [await read(transport) for _ in range(3)] == [(1, "MISS"), (1, "HIT"), (1, "HIT")]
    assert vendor.count == 1


async def test_a_kept_answer_is_the_one_that_came(company: Company, vendor: Vendor, transport: CacheTransport) -> None:
    company.headers = {"etag": '"1"', "set-cookie": "session=t0psecret"}
    came, kept = [await transport.handle_async_request(asking()) for _ in range(2)]
    assert (kept.status_code, kept.content, kept.headers["content-type"]) == (200, came.content, "application/json")
    assert "set-cookie" not in kept.headers
    kept.headers["content-type"] = "changed"
    again = await transport.handle_async_request(asking())
    assert (again.headers["content-type"], vendor.count) == ("application/json", 1)


@pytest.mark.parametrize(
    "other",
    [
        {"operation": "customer.get"},
        {"operation": "customer.list", "path": "customers?page=2"},
        {"operation": "customer.list", "method": "PUT", "body": b"[1]"},
        {"operation": "customer.list", "method": "POST", "body": b"[2]"},
        {"operation": "customer.list", "headers": {"accept": "text/csv"}},
        {"operation": "customer.list", "wanted": frozenset({"raw"})},
    ],
)
async def test_another_question_has_another_answer(vendor: Vendor, store: Store, other: dict[str, Any]) -> None:
    transport = stacked(vendor, store, seconds={**SECONDS, "customer.get": 30.0})
    await read(transport)
    await read(transport, asking(method="POST", body=b"[1]"))
    assert (await read(transport, asking(**other)), vendor.count) == ((1, "MISS"), 3)


async def test_another_account_has_another_answer(vendor: Vendor, store: Store) -> None:
    await read(stacked(vendor, store))
    assert await read(stacked(vendor, store, account=b"another")) == (1, "MISS")


async def test_an_operation_of_which_nothing_is_said_is_not_kept(vendor: Vendor, transport: CacheTransport) -> None:
    other = [await read(transport, asking(operation="letter.list")) for _ in range(2)]
    assert (other, vendor.count) == ([(1, None)] * 2, 2)


async def test_a_stream_is_not_kept(vendor: Vendor, transport: CacheTransport) -> None:
    streams = [await read(transport, asking(stream=True)) for _ in range(2)]
    assert (streams, vendor.count) == ([(1, None)] * 2, 2)


def waiting(transport: CacheTransport) -> int:
    """How many wait for a call of somebody else's."""
    assert isinstance(transport._inner, CoalesceTransport)
    return sum(len(flight.waiting) for flight in transport._inner._flights.values())


async def test_sixty_four_who_ask_a_hot_page_at_once_make_one_call(company: Company, store: Store) -> None:
    vendor = Vendor(company.answer)
    transport = stacked(vendor, store)
    async with asyncio.timeout(PATIENCE):
        reads = [asyncio.create_task(read(transport)) for _ in range(64)]
        await vendor.arrived()
        while waiting(transport) < 64:  # noqa: ASYNC110 - nobody tells that it waits
            await asyncio.sleep(0)
        vendor.let(64)
        answers = await asyncio.gather(*reads)
    assert ({version for version, _ in answers}, vendor.count) == ({1}, 1)
    assert await read(transport) == (1, "HIT")


# ── Fresh reads ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fresh_read_is_asked_of_the_vendor_and_kept_for_others(
    company: Company, transport: CacheTransport
) -> None:
    company.headers = {"etag": '"1"'}
    await read(transport)
    company.version = 2
    assert await read(transport, asking(fresh=True, headers={"cache-control": "no-cache"})) == (2, "BYPASSED")
    assert await read(transport) == (2, "HIT")


# ── Writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("failure", [None, httpx.ReadError("broken off"), asyncio.CancelledError()])
async def test_a_write_whatever_comes_of_it_ends_what_is_kept_of_its_backend(
    company: Company, transport: CacheTransport, failure: BaseException | None
) -> None:
    company.write_fails = failure
    await read(transport)
    await asyncio.gather(transport.handle_async_request(writing()), return_exceptions=True)
    assert await read(transport) == (2, "MISS")


async def test_a_write_ends_nothing_that_is_kept_of_another_backend(vendor: Vendor, transport: CacheTransport) -> None:
    await read(transport, asking(backend="de"))
    await transport.handle_async_request(writing())
    assert await read(transport, asking(backend="de")) == (1, "HIT")


async def test_nothing_kept_is_answered_while_a_write_is_under_way(company: Company, store: Store) -> None:
    vendor = Vendor(company.answer)
    transport = stacked(vendor, store)
    async with asyncio.timeout(PATIENCE):
        vendor.let()
        await read(transport)
        await vendor.arrived()
        write = asyncio.create_task(transport.handle_async_request(writing()))
        await vendor.arrived()
        during = asyncio.create_task(read(transport))
        await vendor.arrived()
        vendor.let(2)
        await asyncio.gather(write, during)
    assert (await during)[1] == "MISS"


def at_each_step(vendor: Vendor, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """``first`` begins, ``second`` begins; then ``first`` is answered, then ``second``, each seen to its end."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE):
            early = asyncio.create_task(first())
            await vendor.arrived()
            late = asyncio.create_task(second())
            await vendor.arrived()
            vendor.let()
            await early
            vendor.let()
            await late

    return run()


@pytest.mark.parametrize("order", ["read first", "write first"])
async def test_a_read_during_a_write_is_not_kept(company: Company, store: Store, order: str) -> None:
    vendor = Vendor(company.answer)
    transport = stacked(vendor, store)

    def reading() -> Any:
        return read(transport)

    def write() -> Any:
        return transport.handle_async_request(writing())

    await at_each_step(vendor, *((reading, write) if order == "read first" else (write, reading)))
    vendor.let()
    assert await read(transport) == (2, "MISS")


async def test_a_read_that_began_before_a_write_and_ends_after_it_is_not_kept(company: Company, store: Store) -> None:
    """Its answer was made before the write, and is late."""
    answers = [
        httpx.Response(200, json={"version": "old"}),
        httpx.Response(201),
        httpx.Response(200, json={"version": 2}),
    ]
    waits = [asyncio.Event(), asyncio.Event(), asyncio.Event()]
    arrived = [asyncio.Event(), asyncio.Event(), asyncio.Event()]
    count = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal count
        number, count = count, count + 1
        arrived[number].set()
        await waits[number].wait()
        return answers[number]

    transport = stacked(httpx.MockTransport(answer), store)
    async with asyncio.timeout(PATIENCE):
        early = asyncio.create_task(read(transport))
        await arrived[0].wait()
        waits[1].set()
        await transport.handle_async_request(writing())
        waits[0].set()
        assert await early == ("old", "MISS")
        waits[2].set()
        assert [await read(transport), await read(transport)] == [(2, "MISS"), (2, "HIT")]


# ── What is kept at all ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (404, None, {}),
        (500, None, {}),
        (302, None, {}),
        (206, None, {}),
        (200, b'{"error": 1}', {}),
        (200, None, {"cache-control": "no-store"}),
        (200, None, {"cache-control": "max-age=60, Private"}),
        (200, None, {"cache-control": "no-cache"}),
        (200, None, {"cache-control": "max-age=0, must-revalidate"}),
        (200, None, {"cache-control": "no-store", "etag": '"1"'}),
        (200, None, {"vary": "*"}),
    ],
)
async def test_what_is_no_sound_answer_or_not_to_be_kept_is_not(
    company: Company,
    vendor: Vendor,
    transport: CacheTransport,
    status: int,
    body: bytes | None,
    headers: dict[str, str],
) -> None:
    company.status, company.body, company.headers = status, body, headers
    assert [(await read(transport))[1] for _ in range(2)] == ["MISS"] * 2
    assert vendor.count == 2


async def test_a_failure_is_not_kept(vendor: Vendor, store: Store) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(httpx.ConnectError):
        await read(stacked(Vendor(fail, at_once=True), store))
    assert await read(stacked(vendor, store)) == (1, "MISS")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", float("inf")),
        ("public, max-age=60", 60.0),
        ("max-age=60, s-maxage=5", 5.0),
        ('max-age="7"', 7.0),
        ("no-cache, max-age=60", 0.0),
        ("MAX-AGE=60,NO-STORE", -1.0),
        ("private", -1.0),
        ('private="set-cookie"', -1.0),
    ],
)
def test_the_vendor_says_how_long_its_answer_may_be_kept(said: str, seconds: float) -> None:
    assert seconds_allowed(httpx.Headers({"cache-control": said})) == seconds


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_memory_keeps_an_answer_as_long_as_the_settings_say(company: Company, vendor: Vendor) -> None:
    clock = Clock()
    transport = stacked(vendor, MemoryStore(1024 * 1024, monotonic=clock))
    await read(transport)
    company.version = 2
    clock.now = 29.9
    before = await read(transport)
    clock.now = 30.0
    assert (before, await read(transport)) == ((1, "HIT"), (2, "MISS"))


async def test_redis_keeps_an_answer_as_long_as_the_settings_say(
    vendor: Vendor, client: redis.asyncio.Redis, company: Company
) -> None:
    await read(stacked(vendor, RedisStore(client)))
    (name,) = await kept_keys(client)
    assert 29_000 < await client.pttl(name) <= 30_000


Later = Callable[[], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def aging(request: pytest.FixtureRequest) -> tuple[Store, Later]:
    """A store, and what makes all that it keeps a second older than it may be."""
    if request.param == "memory":
        clock = Clock()

        async def later() -> None:
            clock.now += 31

        return MemoryStore(1024 * 1024, monotonic=clock), later
    client: redis.asyncio.Redis = request.getfixturevalue("client")

    async def expire() -> None:
        for key in await kept_keys(client):
            await client.pexpire(key, await client.pttl(key) - 31_000)

    return RedisStore(client), expire


@pytest.mark.parametrize("headers", [{"etag": '"1"'}, {"etag": '"1"', "cache-control": "no-cache"}])
async def test_an_overdue_answer_is_asked_about_and_kept_again_where_it_still_holds(
    company: Company, vendor: Vendor, aging: tuple[Store, Later], headers: dict[str, str]
) -> None:
    company.headers = headers
    store, later = aging
    transport = stacked(vendor, store)
    await read(transport)
    await later()
    renewed = await read(transport)
    again = await read(transport)
    company.headers, company.version = {**headers, "etag": '"2"'}, 2
    await later()
    changed = await read(transport)

    kept = "HIT" if "cache-control" not in headers else "REVALIDATED"
    assert (renewed, again, changed) == ((1, "REVALIDATED"), (1, kept), (2, "MISS"))
    assert [request.headers.get("if-none-match") for request in vendor.requests][:2] == [None, '"1"']


async def test_a_read_that_is_no_get_is_not_asked_about_but_asked_again(company: Company, vendor: Vendor) -> None:
    company.headers = {"etag": '"1"'}
    clock = Clock()
    transport = stacked(vendor, MemoryStore(1024 * 1024, monotonic=clock))
    question: dict[str, Any] = {"method": "POST", "body": b"{}"}
    await read(transport, asking(**question))
    clock.now = 31
    assert await read(transport, asking(**question)) == (1, "MISS")
    assert ["if-none-match" in request.headers for request in vendor.requests] == [False, False]


async def test_many_who_find_an_overdue_answer_ask_about_it_once(company: Company) -> None:
    company.headers = {"etag": '"1"'}
    vendor, clock = Vendor(company.answer), Clock()
    transport = stacked(vendor, MemoryStore(1024 * 1024, monotonic=clock))
    async with asyncio.timeout(PATIENCE):
        vendor.let()
        await read(transport)
        clock.now = 31
        reads = [asyncio.create_task(read(transport)) for _ in range(8)]
        await settled()
        vendor.let(8)
        answers = await asyncio.gather(*reads)
    assert (answers, vendor.count) == ([(1, "REVALIDATED")] * 8, 2)
