"""So many requests a minute, for each principal or address: a token bucket, which is full after a minute of silence."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["MINUTE", "LocalRates", "Rates"]

MINUTE: Final = 60.0

_ROUNDING: Final = 1e-6
"""Seconds that sums of parts of a minute may be off."""

MOST_NAMES: Final = 10_000
"""Buckets in memory, some 200 bytes each. Whoever has not asked for longest gets a full one next time."""


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
