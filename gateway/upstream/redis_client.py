"""A client of Redis (or Valkey) that would rather fail than keep anyone waiting."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

__all__ = ["REDIS_FAILURES", "REDIS_SECONDS", "let_go", "redis_client"]

REDIS_SECONDS = 0.5
"""For connecting, and for each answer. A healthy one takes under a millisecond, a snapshot's fork or a slow command of
somebody else's some hundred; every call to a vendor waits so long when Redis hangs, once, before we go on without."""

REDIS_FAILURES = (RedisError, OSError, TimeoutError)
"""What its calls raise when Redis is away, hangs, or refuses us."""


def redis_client(url: str, *, blocking: float = 0.0) -> Redis:
    """A client that answers or fails in `REDIS_SECONDS`, connects when first used, and tries nothing twice.

    Its commands may ask Redis to wait for ``blocking`` seconds beyond that.

    A second try would hide that the server was away, and may have forgotten us.
    """
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=blocking + REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client


@contextlib.asynccontextmanager
async def let_go(client: Redis) -> AsyncIterator[Redis]:
    """The client, whose connections are let go at the end.

    Each is given the time of connecting to close, which a busy process may need for something else: it then fails as
    late, though it is closed, and nobody is left whom that concerns.
    """
    try:
        yield client
    finally:
        with contextlib.suppress(*REDIS_FAILURES):
            await client.aclose()
