"""One backend's permits among several processes: leases in Redis, or a share where that is away."""

import asyncio
import itertools

from gateway.upstream.limits import Limiter, Permit
from gateway.upstream.limits_fleet import Apart, Fleet, Heard
from gateway.upstream.limits_turns import Bounds

__all__ = ["SharedLimiter", "name_of"]

LEASE_MARGIN = 5.0
"""Seconds that a lease lasts beyond its call's deadline: for what a busy process needs to notice that it has ended."""

USUAL_LEASE = 30.0
"""Seconds, for a call without a deadline; renewed as long as it takes, like any other that outlives its lease."""

CLAIM_SECONDS = 2.0
"""How long a claim to a share lasts that is not repeated; it is twice a second."""


def name_of(key: str, account: bytes) -> str:
    """What a backend is called in Redis: its key, and a part of its account's digest."""
    return f"{key}:{account[:12].hex()}"


class SharedLimiter(Limiter):
    """Permits that all processes of the ``fleet`` take from, reads and writes of each in turn."""

    def __init__(self, bounds: Bounds, fleet: Fleet, name: str) -> None:
        super().__init__(bounds, monotonic=fleet.monotonic, clock=fleet.clock)
        self.name = name
        self.arguments: tuple[int | float, ...] = (
            bounds.concurrency,
            bounds.writes,
            bounds.calls or 0,
            bounds.seconds * 1000,
        )
        self._fleet = fleet
        self._numbers = itertools.count(1)
        self._held: dict[str, tuple[Permit, asyncio.TimerHandle]] = {}
        self._claimed: tuple[str, ...] = ()
        self._asking: dict[bool, asyncio.Task[None]] = {}
        self._settling: asyncio.TimerHandle | None = None
        self._heard: tuple[float, Heard] | None = None
        fleet.join(self)

    # ── What is shown ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def remaining(self) -> int:
        """How many calls may begin now, as far as Redis has said, which is asked at least twice a second."""
        here = super().remaining
        if not self._fleet.together or self._heard is None:
            return here
        _, heard = self._heard
        there = self.bounds.concurrency - heard.used
        if self.bounds.calls is not None:
            there = min(there, self.bounds.calls - heard.counted)
        return max(0, min(here, there))

    def _empties_in(self) -> float | None:
        if not self._fleet.together or self._heard is None:
            return super()._empties_in()
        at, heard = self._heard
        left = at + heard.empties_in - self._monotonic()
        return left if left > 0 else None

    def hear(self, heard: Heard) -> None:
        """What Redis said last."""
        self._heard = (self._monotonic(), heard)

    # ── Together ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def serve(self) -> None:
        """Lets go whoever may, or has Redis asked for them."""
        if self._fleet.returning:
            return
        if not self._fleet.together:
            super().serve()
            return
        for write in (False, True):
            if write not in self._asking and self._turns.first(write=write) is not None:
                self._asking[write] = self._fleet.aside(self._ask(write=write))

    def _enters(self, *, write: bool) -> bool:
        return not self._fleet.together and super()._enters(write=write)

    async def _ask(self, *, write: bool) -> None:
        """Takes leases for those of a kind who wait, one after the other."""

        def first() -> Permit | None:
            return self._turns.first(write=write)

        try:
            while self._fleet.together and (waiting := first()) is not None:
                lease = self._new_name()
                if await self._fleet.take(self, _kind(write=write), lease, self._lasts(waiting), wanted=first):
                    permit = self._turns.take(write=write)
                    if permit is None:
                        self._give(lease, used=False)
                    else:
                        self._hold(permit, lease)
        except Apart:
            pass
        finally:
            del self._asking[write]
        self.serve()

    def _leave(self, permit: Permit) -> None:
        super()._leave(permit)
        if self._turns.first(write=permit.write) is None:
            self._fleet.hush(self, _kind(write=permit.write))

    def _grant(self, permit: Permit) -> None:
        self._hold(permit, self._new_name())

    def _hold(self, permit: Permit, lease: str) -> None:
        permit.name = lease
        self._held[lease] = (permit, self._renew_in(permit, self._lasts(permit)))
        permit.grant()

    def _ended(self, permit: Permit, *, used: bool) -> None:
        _, renewal = self._held.pop(permit.name)
        renewal.cancel()
        self._give(permit.name, used=used)

    def _give(self, lease: str, *, used: bool) -> None:
        async def give() -> None:
            try:
                await self._fleet.ask(self, "give", lease, int(used))
            except Apart:
                return  # what stands in Redis runs out, or is put right when we are back

        if self._fleet.together:
            self._fleet.aside(give())

    # ── Leases ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _new_name(self) -> str:
        return f"{self._fleet.id}:{next(self._numbers)}"

    def _lasts(self, permit: Permit) -> float:
        left = USUAL_LEASE if permit.until is None else max(0.0, permit.until - self._monotonic())
        return left + LEASE_MARGIN

    def _renew_in(self, permit: Permit, lasts: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(lasts - LEASE_MARGIN / 2, self._renew, permit)

    def _renew(self, permit: Permit) -> None:
        lasts = USUAL_LEASE + LEASE_MARGIN

        async def renew() -> None:
            try:
                await self._fleet.ask(self, "renew", permit.name, lasts * 1000)
            except Apart:
                return  # as above

        self._held[permit.name] = (permit, self._renew_in(permit, lasts))
        if self._fleet.together:
            self._fleet.aside(renew())

    @property
    def _share(self) -> Bounds:
        return self.bounds.share(self._fleet.processes)

    def claims(self, *, share: bool) -> tuple[str | float, ...]:
        """What this process has a claim to: its share, as long as it is alone, or all that it holds."""
        if share:
            permits = max(self._share.concurrency, self._turns.held)
            calls = 0 if self._share.calls is None else max(self._share.calls, self._turns.counted)
            held = [("r", number, CLAIM_SECONDS) for number in range(permits)]
            held += [("c", number, CLAIM_SECONDS) for number in range(calls)]
            return tuple(
                part for kind, n, lasts in held for part in (kind, f"{self._fleet.id}:share:{n}", lasts * 1000)
            )
        self._claimed = tuple(self._held)
        own: list[tuple[str, str, float]] = []
        for lease, (permit, _) in self._held.items():
            own.append((_kind(write=permit.write), lease, self._lasts(permit)))
            if self.bounds.calls is not None:
                own.append(("c", lease, self._lasts(permit)))
        own += [("c", f"{self._fleet.id}:ended:{n}", -age) for n, age in enumerate(self._turns.ages)]
        return tuple(part for kind, lease, lasts in own for part in (kind, lease, lasts * 1000))

    # ── Alone ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def part(self, settling: float) -> None:
        """Goes on with a share; at first with no more than it asks already, until what others asked has ended."""
        self._turns.bounds = self._share
        if settling > 0:
            self._turns.bounds = self._share.at_most(self._turns.held, self._turns.counted)
            self._settling = asyncio.get_running_loop().call_later(settling, self._settled)
        self.serve()

    def _settled(self) -> None:
        self._turns.bounds = self._share
        self.serve()

    def rejoin(self) -> None:
        """Goes on together. Whatever ended on the way back stands in Redis as if it were under way."""
        if self._settling is not None:
            self._settling.cancel()
        self._turns.bounds = self.bounds
        for lease in self._claimed:
            if lease not in self._held:
                self._give(lease, used=True)
        self._claimed = ()
        self.serve()

    def close(self) -> None:
        """Asks Redis nothing more by itself."""
        super().close()
        timers = [self._settling, *(renewal for _, renewal in self._held.values())]
        for timer in filter(None, timers):
            timer.cancel()
        for asking in self._asking.values():
            asking.cancel()


def _kind(*, write: bool) -> str:
    return "w" if write else "r"
