"""Several processes' permits: each is a fleet of its own, as it would be in a process of its own; and a vendor."""

import asyncio
import contextlib
from collections.abc import Callable

from adapters.contract import Limits, Rate
from gateway.upstream.limits import Permit
from gateway.upstream.limits_fleet import Fleet
from gateway.upstream.limits_shared import SharedLimiter
from gateway.upstream.limits_turns import Bounds
from tests.patience import PATIENCE

__all__ = ["LOOK", "SETTLING", "Processes", "Vendor", "granted", "happened"]

SETTLING = 0.3
LOOK = 0.05


class Vendor:
    """Counts by itself how many calls are under way, and how many came in each window."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.writes = 0
        self.most_writes = 0
        self.arrivals: list[float] = []

    async def ask(self, limiter: SharedLimiter, *, write: bool = False, seconds: float = 0.01) -> None:
        """One call, in its turn."""
        permit = await limiter.acquire(write=write, seconds=PATIENCE)
        self.arrivals.append(asyncio.get_running_loop().time())
        self.inside += 1
        self.writes += write
        self.most, self.most_writes = max(self.most, self.inside), max(self.most_writes, self.writes)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.inside -= 1
            self.writes -= write
            limiter.release(permit)

    def most_within(self, seconds: float) -> int:
        """The most arrivals in any window."""
        return max(sum(first <= one < first + seconds for one in self.arrivals) for first in self.arrivals)


class Processes:
    """Processes that share one Redis."""

    def __init__(self, url: str, stack: contextlib.AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self.fleets: list[Fleet] = []

    async def start(
        self,
        count: int,
        *,
        concurrency: int,
        rate: Rate | None = None,
        name: str = "b",
        expected: int | None = None,
        settling: float = SETTLING,
    ) -> list[SharedLimiter]:
        """So many processes' limiters of one backend."""
        bounds = Bounds.of(Limits(page_size=1, concurrency=concurrency, rate=rate))
        limiters = []
        for _ in range(count):
            fleet = Fleet(self._url, expected or count, settling=settling, look_every=LOOK)
            await self._stack.enter_async_context(fleet)
            limiter = SharedLimiter(bounds, fleet, name)
            self._stack.callback(limiter.close)
            self.fleets.append(fleet)
            limiters.append(limiter)
        return limiters

    async def are(self, *, together: bool) -> None:
        """Waits until all are, or none is."""
        await happened(lambda: all(fleet.together is together for fleet in self.fleets))


async def happened(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 - of what another process does there is no event
            await asyncio.sleep(0.005)


async def granted(limiter: SharedLimiter, *, write: bool = False) -> Permit:
    return await limiter.acquire(write=write, seconds=PATIENCE)
