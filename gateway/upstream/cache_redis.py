"""Answers kept in a Redis (Valkey) that several gateways share.

A value carries the generation it was read in. A generation is a random word under a key of its own, made by whoever
finds none, and replaced around each write: no word comes twice, so that whatever Redis forgets, or brings back from an
old snapshot without its word, is at worst a miss.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.upstream.cache_store import Found, Kept

__all__ = ["RedisStore", "answers_client"]

T = TypeVar("T")

PATIENCE = 0.25
"""Seconds that one question to Redis may take, waiting for its turn included: a vendor takes about as long."""

AT_ONCE = 8
"""Questions under way. Were there no bound, a hundred reads at once would open a hundred connections first."""

PAUSE = 1.0
"""Seconds that Redis is left alone after it failed: until then every read is a miss at once."""

LARGEST_VALUE = 1024 * 1024
"""Bytes. Redis serves one command after the other; a mebibyte takes it, and us, about a millisecond."""

RETAINED = 600
"""Seconds for which an answer that can be revalidated is there after its time."""

GENERATION_SECONDS = 7 * 86_400
"""Longer than anything is kept. One that ends takes all its answers with it."""

_log = structlog.get_logger(__name__)


class _Value(Struct, frozen=True, array_like=True):
    """``retained``: milliseconds before the value's end from which on it is no longer fresh."""

    generation: bytes
    retained: int
    kept: Kept


_decoder = msgspec.msgpack.Decoder(_Value)


def answers_client(url: str) -> Redis:
    """A client as `RedisStore` wants it; it connects when first used.

    It answers bytes, and tries once more at once: what is asked here may be done twice, and a connection that Redis
    closed while nobody used it is no outage.
    """
    client: Redis = Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 1)
    )
    return client


class RedisStore:
    """Keeps answers in Redis, by a client as `answers_client` makes.

    Redis away, or slower than ``PATIENCE``, is a miss, with one warning for each outage. A drop that it did not take is
    owed: until it has taken it, this process neither finds nor keeps anything of that backend. Other processes learn of
    that write only then; until then they may answer what they kept, for as long as the settings say.
    """

    def __init__(self, client: Redis, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._owed: set[str] = set()
        self._away = False
        self._asked_again_at = 0.0

    async def find(self, backend: str, key: str) -> Found:
        """What is kept under this key, in one round trip."""
        if backend in self._owed and not await self._renewed(backend):
            return Found()
        answer = await self._asked(lambda: self._look(backend, key))
        if answer is None:
            return Found()
        (generation, packed), left = answer
        if generation is None:
            return Found(await self._asked(lambda: self._first_generation(backend)))
        value = _unpacked(packed)
        if value is None or value.generation != generation:
            return Found(generation)
        return Found(generation, value.kept, left > value.retained)

    async def keep(self, backend: str, key: str, generation: bytes, kept: Kept, seconds: float) -> None:
        """Keeps an answer; of a generation that is over by now, nobody will find it."""
        if backend in self._owed:
            return
        retained = RETAINED * 1000 if kept.conditions else 0
        packed = msgspec.msgpack.encode(_Value(generation, retained, kept))
        if len(packed) <= LARGEST_VALUE:
            milliseconds = int(seconds * 1000) + retained
            await self._asked(lambda: self._client.set(_key(backend, key), packed, px=milliseconds))

    async def drop(self, backend: str) -> None:
        """Ends everything kept of a backend, by another generation."""
        await self._renewed(backend)

    async def _renewed(self, backend: str) -> bool:
        self._owed.add(backend)
        done = False
        try:
            word, name = secrets.token_bytes(16), _generation_key(backend)
            done = bool(await self._asked(lambda: self._client.set(name, word, ex=GENERATION_SECONDS)))
        finally:
            # Once more: another drop may have been taken meanwhile, and this one not.
            (self._owed.discard if done else self._owed.add)(backend)
        return done

    async def _look(self, backend: str, key: str) -> tuple[list[bytes | None], int]:
        name = _key(backend, key)
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.mget(_generation_key(backend), name)
            pipeline.pttl(name)
            values, left = await pipeline.execute()
        return values, left

    async def _first_generation(self, backend: str) -> bytes | None:
        name = _generation_key(backend)
        await self._client.set(name, secrets.token_bytes(16), nx=True, ex=GENERATION_SECONDS)
        found = await self._client.get(name)
        return found if isinstance(found, bytes) else None

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What Redis answers; None when it does not."""
        if self._away:
            if self._monotonic() < self._asked_again_at:
                return None
            self._asked_again_at = self._monotonic() + PAUSE  # one finds out for all
        try:
            async with asyncio.timeout(PATIENCE), self._turns:
                answer = await ask()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                # Its text may hold the address, and that a password.
                _log.warning("answers are not kept for now: Redis does not answer", error=type(error).__name__)
            self._away, self._asked_again_at = True, self._monotonic() + PAUSE
            return None
        if self._away:
            self._away = False
            _log.info("answers are kept again: Redis answers")
        return answer


def _unpacked(packed: bytes | None) -> _Value | None:
    try:
        return None if packed is None else _decoder.decode(packed)
    except msgspec.MsgspecError:
        return None


def _key(backend: str, key: str) -> str:
    """The braces put a backend's keys on one node of a cluster."""
    return f"postroom:answers:{{{backend}}}:{key}"


def _generation_key(backend: str) -> str:
    return _key(backend, "generation")
