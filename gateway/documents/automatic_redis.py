"""Documents that clients gave us to keep by their hash, in a Redis that several gateways share."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.asyncio import Redis

from gateway.documents.automatic import MemoryDocuments, hash_of
from gateway.upstream.redis_client import REDIS_FAILURES

__all__ = ["RedisDocuments"]

T = TypeVar("T")

KEPT_SECONDS: Final = 7 * 86_400
"""In Redis, since a document was last given; a client gives it again when it is asked to."""

PAUSE: Final = 1.0
"""Seconds that Redis is left alone after it failed: until then every document is a miss at once."""

_log = structlog.get_logger("postroom.documents")


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
