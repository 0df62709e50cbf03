"""Token buckets that several processes take from, in a Redis."""

from typing import Final

from redis.asyncio import Redis

from gateway.auth.rates import MINUTE, LocalRates
from gateway.upstream.redis_client import REDIS_FAILURES

__all__ = ["SharedRates"]

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
