"""Where documents are kept by their hash: bounded in memory, and in a Redis that may be away."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.documents.automatic import MemoryDocuments, hash_of
from gateway.documents.automatic_redis import RedisDocuments
from gateway.upstream.cache_redis import answers_client
from tests.redis_server import RedisServer


async def test_the_texts_in_memory_are_bounded_and_the_longest_unused_go_first() -> None:
    kept = MemoryDocuments(most_characters=2)
    await kept.keep("a", "A")
    await kept.keep("b", "B")
    await kept.get("a")
    await kept.keep("c", "C")
    await kept.keep("c", "C")
    assert [await kept.get(name) for name in "abc"] == ["A", None, "C"]


async def test_a_text_beyond_the_bound_is_not_kept() -> None:
    kept = MemoryDocuments(most_characters=2)
    await kept.keep("a", "long")
    assert await kept.get("a") is None


TEXT = "{ __typename }"
NAME = hash_of(TEXT)


@pytest.fixture
async def clients(redis_server: RedisServer) -> AsyncIterator[list[Redis]]:
    """Two gateways' clients."""
    async with aclosing(answers_client(redis_server.url)) as one, aclosing(answers_client(redis_server.url)) as other:
        yield [one, other]


async def test_what_one_gateway_was_given_another_finds(clients: list[Redis], redis_server: RedisServer) -> None:
    one, other = map(RedisDocuments, clients)
    await one.keep(NAME, TEXT)
    assert (await other.get(NAME), await other.get("0" * 64)) == (TEXT, None)
    assert 7 * 86_400 - 60 < redis_server.ask("TTL", f"postroom:document:{NAME}") <= 7 * 86_400


async def test_what_redis_holds_under_anothers_hash_is_not_found(
    clients: list[Redis], redis_server: RedisServer
) -> None:
    redis_server.ask("SET", f"postroom:document:{NAME}", "{ other }")
    assert await RedisDocuments(clients[0]).get(NAME) is None


async def test_a_redis_that_is_away_is_a_miss_and_said_once(clients: list[Redis], redis_server: RedisServer) -> None:
    now = [0.0]
    kept = RedisDocuments(clients[0], monotonic=lambda: now[0])
    with capture_logs() as logs:
        redis_server.kill()
        for _ in range(3):
            await kept.keep(NAME, TEXT)
            assert await kept.get("0" * 64) is None
            now[0] += 2
        assert await kept.get(NAME) == TEXT
        redis_server.start()
        await kept.keep(NAME, TEXT)
        assert await RedisDocuments(clients[1]).get(NAME) == TEXT
    assert [one["event"] for one in logs] == ["documents are not kept in Redis: it is away"]


async def test_a_redis_that_failed_is_left_alone_for_a_while(clients: list[Redis], redis_server: RedisServer) -> None:
    now = [0.0]
    kept = RedisDocuments(clients[0], monotonic=lambda: now[0])
    redis_server.kill()
    await kept.get(NAME)
    redis_server.start()
    redis_server.ask("SET", f"postroom:document:{NAME}", TEXT)
    assert await kept.get(NAME) is None
    now[0] = 1.0
    assert await kept.get(NAME) == TEXT
