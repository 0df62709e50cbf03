"""Whose turn it is to call a backend: pure rules over what is under way, what has ended lately, and who waits.

A window of our own, not pyrate-limiter's: that one dates a call when it is let go, and a call that is slow on its way
then arrives together with the next window's. Here a call counts from its beginning until a period after its end, so
that no window of the vendor's own clock ever holds more. It also takes no lock, no thread and no milliseconds.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, Self, TypeVar

import msgspec
from msgspec import Struct

from adapters.contract import Limits

__all__ = ["Bounds", "Turns"]

W = TypeVar("W")


class Bounds(Struct, frozen=True, kw_only=True):
    """``concurrency`` calls at once, ``writes`` of them writes; ``calls`` (None: any number) in any ``seconds``."""

    concurrency: int
    writes: int
    calls: int | None = None
    seconds: float = 0.0

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """What a vendor bears. Writes leave a quarter, at least one permit, to reads, where there is more than one."""
        rate = limits.rate
        return cls(
            concurrency=limits.concurrency,
            writes=_most_writes(limits.concurrency),
            calls=None if rate is None else rate.calls,
            seconds=0.0 if rate is None else rate.seconds,
        )

    def share(self, processes: int, *, least_writes: int = 0) -> Self:
        """What each of so many processes may ask by itself.

        Rounded down, so that together they keep the bounds; but reads are let through one at a time even where that
        is more than a share, since none at all would be an outage. Writes then wait, or go by ``least_writes``, for
        processes that will never be anything but alone.
        """
        concurrency, calls = self.concurrency // processes, None if self.calls is None else self.calls // processes
        return msgspec.structs.replace(
            self,
            concurrency=max(1, concurrency),
            writes=least_writes if 0 in (concurrency, calls) else _most_writes(concurrency),
            calls=None if calls is None else max(1, calls),
        )

    def at_most(self, concurrency: int, calls: int) -> Self:
        """These bounds, or less."""
        return msgspec.structs.replace(
            self,
            concurrency=min(self.concurrency, concurrency),
            calls=None if self.calls is None else min(self.calls, calls),
        )


def _most_writes(concurrency: int) -> int:
    return concurrency if concurrency == 1 else concurrency - max(1, concurrency // 4)


class Turns(Generic[W]):
    """Who waits and who goes. First come, first served among reads, and among writes; where both wait they alternate.

    ``waiting`` is how many wait.

    Writes never hold more than their part of the permits, so that reads move; reads may hold all, but when one of
    theirs comes back while a write waits for its turn, the write has it.
    """

    def __init__(self, bounds: Bounds, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._monotonic = monotonic
        self._waiting: dict[bool, OrderedDict[W, None]] = {False: OrderedDict(), True: OrderedDict()}
        self._held = {False: 0, True: 0}
        self._ended: deque[float] = deque()
        self._wrote_last = True
        self.waiting = 0

    @property
    def held(self) -> int:
        """How many calls are under way."""
        return self._held[False] + self._held[True]

    @property
    def remaining(self) -> int:
        """How many may begin now."""
        room = self.bounds.concurrency - self._held[False] - self._held[True]
        if self.bounds.calls is not None:
            room = min(room, self.bounds.calls - self.counted)
        return max(0, room)

    @property
    def counted(self) -> int:
        """How many calls the window holds: those under way, and those that ended within it."""
        self._forget()
        return self.held + len(self._ended)

    @property
    def ages(self) -> tuple[float, ...]:
        """How many seconds ago each call ended that the window still holds, oldest first."""
        self._forget()
        now = self._monotonic()
        return tuple(now - ended for ended in self._ended)

    def join(self, waiter: W, *, write: bool) -> None:
        """Queues up."""
        self._waiting[write][waiter] = None
        self.waiting += 1

    def leave(self, waiter: W, *, write: bool) -> None:
        """Stops waiting."""
        if waiter in self._waiting[write]:
            del self._waiting[write][waiter]
            self.waiting -= 1

    def all_waiting(self) -> tuple[W, ...]:
        """Who waits."""
        return (*self._waiting[False], *self._waiting[True])

    def first(self, *, write: bool) -> W | None:
        """Who waits longest, of a kind."""
        return next(iter(self._waiting[write]), None)

    def next(self) -> W | None:
        """Who may go now, and is under way with that; None when nobody may."""
        if not self.waiting or self._is_full():
            return None
        may_write = bool(self._waiting[True]) and self._held[True] < self.bounds.writes
        if may_write and not (self._waiting[False] and self._wrote_last):
            return self.take(write=True)
        return self.take(write=False)

    def enter(self, *, write: bool) -> bool:
        """Lets one go at once who has not queued up, unless somebody waits, or he would have to."""
        if self.waiting or self._is_full() or (write and self._held[True] >= self.bounds.writes):
            return False
        self._held[write] += 1
        self._wrote_last = write
        return True

    def take(self, *, write: bool) -> W | None:
        """Lets the first of a kind go, whatever the bounds: somebody else has looked at them."""
        if not self._waiting[write]:
            return None
        self._held[write] += 1
        self._wrote_last = write
        self.waiting -= 1
        return self._waiting[write].popitem(last=False)[0]

    def end(self, *, write: bool, used: bool = True) -> None:
        """A call has ended; one that never began leaves nothing in the window."""
        self._held[write] -= 1
        if used and self.bounds.calls is not None:
            self._ended.append(self._monotonic())

    def opens_in(self) -> float | None:
        """Seconds until the window has room again by itself; None when it has some, or only a call's end makes it."""
        if self.bounds.calls is None or self.counted < self.bounds.calls or not self._ended:
            return None
        return max(0.0, self._ended[0] + self.bounds.seconds - self._monotonic())

    def empties_in(self) -> float | None:
        """Seconds until the window holds nothing, if nothing more begins; None when it is empty or there is none."""
        if self.bounds.calls is None or self.counted == 0:
            return None
        return self.bounds.seconds if self.held else self._ended[-1] + self.bounds.seconds - self._monotonic()

    def _is_full(self) -> bool:
        """Whether nobody may begin now."""
        bounds, held = self.bounds, self._held
        if held[False] + held[True] >= bounds.concurrency:
            return True
        return bounds.calls is not None and self.counted >= bounds.calls

    def _forget(self) -> None:
        gone = self._monotonic() - self.bounds.seconds
        while self._ended and self._ended[0] <= gone:
            self._ended.popleft()
