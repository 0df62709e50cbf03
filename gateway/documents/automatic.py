"""Documents that clients gave us to keep by their hash ("automatic persisted queries"): in memory, or in a Redis.

What is kept is found by the hash of its own text, so whoever finds it knows it already; nothing of it is anybody's.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, Protocol, TypeVar

import structlog
from redis.asyncio import Redis

from gateway.upstream.redis_client import REDIS_FAILURES

__all__ = ["KeptDocuments", "MemoryDocuments", "RedisDocuments", "hash_of"]

T = TypeVar("T")

MOST_CHARACTERS: Final = 4_000_000
"""Of all texts kept in memory: some thousand documents."""

KEPT_SECONDS: Final = 7 * 86_400
"""In Redis, since a document was last given; a client gives it again when it is asked to."""

PAUSE: Final = 1.0
"""Seconds that Redis is left alone after it failed: until then every document is a miss at once."""

_log = structlog.get_logger("postroom.documents")


def hash_of(text: str) -> str:
    """The SHA-256 of a text's UTF-8, hexadecimal."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class KeptDocuments(Protocol):
    """Documents by their hash."""

    async def get(self, hash: str) -> str | None:
        """The text of this hash, if it is known."""

    async def keep(self, hash: str, text: str) -> None:
        """Keeps a text for a time."""


class MemoryDocuments:
    """Keeps documents in this process; those that were not asked for longest go first."""

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most = most_characters
        self._characters = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def get(self, hash: str) -> str | None:
        """The text of this hash, if it is known."""
        text = self._texts.get(hash)
        if text is not None:
            self._texts.move_to_end(hash)
        return text

    async def keep(self, hash: str, text: str) -> None:
        """Keeps a text until there are too many."""
        if hash in self._texts:
            return
        self._texts[hash] = text
        self._characters += len(text)
        while self._characters > self._most:
            _, gone = self._texts.popitem(last=False)
            self._characters -= len(gone)


class RedisDocuments:
    """Keeps documents in a Redis that several gateways share, and in this process what was found there.

    A Redis that is away is a miss: clients send the document whole. It is said once for each outage.
    """

    def __init__(self, client: Redis, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._near = MemoryDocuments()
        self._monotonic = monotonic
        self._left_alone_until = 0.0
        self._away = False

    async def get(self, hash: str) -> str | None:
        """The text of this hash, if it is known. What Redis holds under another's hash is not it."""
        near = await self._near.get(hash)
        if near is not None:
            return near
        answer = await self._asked(lambda: self._client.get(_key(hash)))
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else None
        if text is None or hash_of(text) != hash:
            return None
        await self._near.keep(hash, text)
        return text

    async def keep(self, hash: str, text: str) -> None:
        """Keeps a text for a week since it was last given."""
        await self._near.keep(hash, text)
        await self._asked(lambda: self._client.set(_key(hash), text.encode(), ex=KEPT_SECONDS))

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T | None:
        if self._monotonic() < self._left_alone_until:
            return None
        try:
            answer = await question()
        except REDIS_FAILURES as error:
            self._left_alone_until = self._monotonic() + PAUSE
            if not self._away:
                _log.warning("documents are not kept in Redis: it is away", kind=type(error).__name__)
            self._away = True
            return None
        self._away = False
        return answer


def _key(hash: str) -> str:
    return f"postroom:document:{hash}"
