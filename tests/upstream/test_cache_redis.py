"""Gateways that share a Redis share what they keep and what ends it; without Redis they only ask more."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from gateway.upstream import cache_redis
from gateway.upstream.cache import CacheTransport
from gateway.upstream.cache_redis import LARGEST_VALUE, PAUSE, RedisStore, answers_client
from gateway.upstream.cache_store import Found, Kept
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.upstream.caching import Clock, Company, kept_keys, read, stacked
from tests.upstream.reading import Vendor, asking, writing

KEPT = Kept(200, ((b"content-type", b"application/json"),), b"{}")


@contextlib.asynccontextmanager
async def connected(server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with answers_client(server.url) as client:
        yield client


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def vendor(company: Company) -> Vendor:
    return Vendor(company.answer, at_once=True)


@pytest.fixture
async def gateways(redis_server: RedisServer, vendor: Vendor) -> AsyncIterator[list[CacheTransport]]:
    """Four processes, as far as they can tell."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(redis_server)) for _ in range(4)]
        yield [stacked(vendor, RedisStore(client)) for client in clients]


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with connected(redis_server) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(client: redis.asyncio.Redis, clock: Clock) -> RedisStore:
    return RedisStore(client, monotonic=clock)


async def test_what_one_keeps_all_answer(vendor: Vendor, gateways: list[CacheTransport]) -> None:
    assert [await read(gateway) for gateway in gateways] == [(1, "MISS"), (1, "HIT"), (1, "HIT"), (1, "HIT")]
    assert vendor.count == 1


async def test_a_write_through_one_ends_what_all_keep(gateways: list[CacheTransport]) -> None:
    one, other, *_ = gateways
    await read(one)
    await other.handle_async_request(writing())
    assert [await read(gateway) for gateway in gateways] == [(2, "MISS"), (2, "HIT"), (2, "HIT"), (2, "HIT")]


async def test_who_asks_after_a_write_through_another_shares_no_call_begun_before_it(
    redis_server: RedisServer, company: Company
) -> None:
    """Nor keeps its answer."""
    slow = Vendor(company.answer)
    async with connected(redis_server) as mine, connected(redis_server) as theirs, asyncio.timeout(PATIENCE):
        gateway = stacked(slow, RedisStore(mine))
        early = asyncio.create_task(read(gateway))
        await slow.arrived()
        await stacked(Vendor(company.answer, at_once=True), RedisStore(theirs)).handle_async_request(writing())
        late = asyncio.create_task(read(gateway))
        await slow.arrived()
        company.version = 1  # what the early one is answered was made before the write
        slow.let()
        await early
        company.version = 2
        slow.let()
        assert (await late, await read(gateway)) == ((2, "MISS"), (2, "HIT"))


async def found(store: RedisStore, key: str = "a") -> Found:
    return await store.find("uk", key)


async def generation_of(store: RedisStore) -> bytes:
    generation = (await found(store)).generation
    assert generation is not None
    return generation


async def test_what_is_kept_under_an_ended_generation_is_not_found(store: RedisStore) -> None:
    early = await generation_of(store)
    await store.drop("uk")
    await store.keep("uk", "a", early, KEPT, 30)
    assert (await found(store)).kept is None


@pytest.mark.parametrize("writes", [0, 1])
async def test_a_generation_that_redis_forgot_never_comes_back(
    store: RedisStore, client: redis.asyncio.Redis, writes: int
) -> None:
    await store.keep("uk", "a", await generation_of(store), KEPT, 30)
    await client.delete("postroom:answers:{uk}:generation")
    for _ in range(writes):
        await store.drop("uk")
    assert [(await found(store)).kept for _ in range(2)] == [None, None]


async def test_an_answer_above_the_bound_is_not_kept(store: RedisStore) -> None:
    generation = await generation_of(store)
    for key, size in (("small", LARGEST_VALUE - 200), ("large", LARGEST_VALUE)):
        await store.keep("uk", key, generation, Kept(200, (), b"x" * size), 30)
    kept = [(await found(store, key)).kept is not None for key in ("small", "large")]
    assert kept == [True, False]


async def test_an_answer_of_no_time_never_gets_to_redis(
    company: Company, vendor: Vendor, client: redis.asyncio.Redis
) -> None:
    company.headers = {"cache-control": "no-cache"}
    with capture_logs() as logs:
        await read(stacked(vendor, RedisStore(client)))
    assert (await kept_keys(client), logs) == ([], [])


@pytest.mark.parametrize("value", [b"", b"\x93\x01\x02", b"nonsense", json.dumps({"a": 1}).encode()])
async def test_what_is_no_value_of_ours_is_a_miss(store: RedisStore, client: redis.asyncio.Redis, value: bytes) -> None:
    generation = await generation_of(store)
    await client.set("postroom:answers:{uk}:a", value)
    assert await found(store) == Found(generation)


async def test_nothing_that_redis_holds_tells_the_credential_or_the_question(
    vendor: Vendor, company: Company, client: redis.asyncio.Redis
) -> None:
    company.headers = {"set-cookie": "session=t0psecret", "x-token": "t0psecret"}
    await read(stacked(vendor, RedisStore(client), account=b"t0psecret"), asking("customers?name=Zephyr"))
    names = await client.keys("*")
    held = repr([(name, await client.get(name)) for name in names])
    assert (len(names), "t0psecret" in held, "Zephyr" in held) == (2, False, False)


# ── Redis away ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_redis_every_read_is_a_miss_with_one_warning(
    redis_server: RedisServer, vendor: Vendor, store: RedisStore, clock: Clock
) -> None:
    transport = stacked(vendor, store)
    await read(transport)
    redis_server.kill()
    answers = []
    with capture_logs() as logs:
        for _ in range(3):
            answers.append(await read(transport))
            clock.now += PAUSE
        await transport.handle_async_request(writing())
    assert (answers, vendor.count) == ([(1, "MISS")] * 3, 5)
    assert [(line["log_level"], sorted(line)) for line in logs] == [("warning", ["error", "event", "log_level"])]


async def test_once_redis_is_back_answers_are_kept_again(
    redis_server: RedisServer, vendor: Vendor, store: RedisStore, clock: Clock
) -> None:
    transport = stacked(vendor, store)
    redis_server.kill()
    await read(transport)
    redis_server.start()
    with capture_logs() as logs:
        paused = await read(transport)
        clock.now += PAUSE
        back = [await read(transport) for _ in range(2)]
    assert (paused, back) == ((1, "MISS"), [(1, "MISS"), (1, "HIT")])
    assert [line["log_level"] for line in logs] == ["info"]


class Silent(redis.asyncio.Redis):
    """Redis that takes no command that drops, as if it were away just then."""

    away = False

    async def set(self, *arguments: Any, **options: Any) -> Any:
        if self.away:
            raise redis.ConnectionError("away")
        return await super().set(*arguments, **options)


async def test_a_write_that_redis_was_not_told_of_is_told_before_anything_kept_is_answered(
    redis_server: RedisServer, vendor: Vendor, clock: Clock
) -> None:
    async with Silent(unix_socket_path=redis_server.url.removeprefix("unix://")) as client:
        transport = stacked(vendor, RedisStore(client, monotonic=clock))
        await read(transport)
        client.away = True
        await transport.handle_async_request(writing())
        clock.now += PAUSE
        during = await read(transport)
        client.away = False
        clock.now += PAUSE
        assert (during, await read(transport), await read(transport)) == ((2, "MISS"), (2, "MISS"), (2, "HIT"))


async def test_a_redis_that_does_not_answer_costs_a_read_its_patience_once(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_redis, "PATIENCE", 0.01)
    asked: list[asyncio.Task[Any] | None] = []
    gone = asyncio.Event()

    async def keep_waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(asyncio.current_task())
        await gone.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(keep_waiting, "127.0.0.1", 0)
    async with asyncio.timeout(PATIENCE):
        host, port = server.sockets[0].getsockname()
        async with redis.asyncio.Redis(host=host, port=port, socket_timeout=None) as client:
            transport = stacked(vendor, RedisStore(client, monotonic=Clock()))
            answers = [await read(transport) for _ in range(3)]
        server.close()
        gone.set()
        await asyncio.gather(*(task for task in asked if task is not None))
    assert (answers, len(asked)) == ([(1, "MISS")] * 3, 1)


async def test_a_drop_that_is_cancelled_is_owed(redis_server: RedisServer, vendor: Vendor) -> None:
    begun = asyncio.Event()

    class Slow(redis.asyncio.Redis):
        slow = False

        async def set(self, *arguments: Any, **options: Any) -> Any:
            if self.slow:
                begun.set()
                await asyncio.Event().wait()
            return await super().set(*arguments, **options)

    async with Slow(unix_socket_path=redis_server.url.removeprefix("unix://")) as client, asyncio.timeout(PATIENCE):
        store = RedisStore(client)
        await store.keep("uk", "a", await generation_of(store), KEPT, 30)
        client.slow = True
        drop = asyncio.create_task(store.drop("uk"))
        await begun.wait()
        drop.cancel()
        await asyncio.wait([drop])
        client.slow = False
        assert (await found(store)).kept is None


async def test_a_closed_connection_is_no_outage(redis_server: RedisServer, vendor: Vendor, store: RedisStore) -> None:
    """As a restarted Redis leaves behind."""
    transport = stacked(vendor, store)
    await read(transport)
    redis_server.kill()
    redis_server.start()
    with capture_logs() as logs:
        answers = [await read(transport) for _ in range(2)]
    assert (answers, logs) == ([(1, "MISS"), (1, "HIT")], [])
