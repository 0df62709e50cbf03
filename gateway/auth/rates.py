"""So many requests a minute, for each principal or address: a token bucket, which is full after a minute of silence."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from redis.asyncio import Redis

from gateway.upstream.redis_client import REDIS_FAILURES

__all__ = ["LocalRates", "Rates", "SharedRates"]

MINUTE: Final = 60.0

_ROUNDING: Final = 1e-6
"""Seconds that sums of parts of a minute may be off."""

MOST_NAMES: Final = 10_000
"""Buckets in memory, some 200 bytes each. Whoever has not asked for longest gets a full one next time."""

# A bucket is kept as the moment when it will be full again (the generic cell rate algorithm): one number, and nothing
# to fill up. Redis' own clock is everybody's.
_TAKE: Final = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local per, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + per
local wait = full - now - size * per
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full), 'EX', math.ceil(full - now) + 1)
return '0'
"""


class Rates(Protocol):
    """Counts what each name asks."""

    async def take(self, name: str) -> float:
        """0 where one more may be asked now, which then counts; else the seconds until one may."""


class LocalRates:
    """Buckets in this process's memory."""

    def __init__(self, per_minute: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per = MINUTE / per_minute
        self._monotonic = monotonic
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, name: str) -> float:
        """Takes one, or says how long it is until there is one."""
        now = self._monotonic()
        full_at = max(self._full_at.get(name, now), now) + self._per
        wait = full_at - now - max(MINUTE, self._per)
        if wait > _ROUNDING:
            return wait
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > MOST_NAMES:
            self._full_at.popitem(last=False)
        return 0.0


class SharedRates:
    """Buckets in Redis, which all processes take from. While it is away, each has its share in memory."""

    def __init__(self, per_minute: float, processes: int, client: Redis, prefix: str = "postroom:rate:") -> None:
        self._per_minute = per_minute
        self._prefix = prefix
        self._take = client.register_script(_TAKE)
        self._meanwhile = LocalRates(per_minute / processes)

    async def take(self, name: str) -> float:
        """Takes one, or says how long it is until there is one."""
        try:
            arguments = [MINUTE / self._per_minute, max(self._per_minute, 1)]
            return float(await self._take(keys=[self._prefix + name], args=arguments))
        except REDIS_FAILURES:
            return await self._meanwhile.take(name)
