"""Something small that others change now and then, kept in memory and read again: once, however many ask."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import structlog
from msgspec import Struct

from gateway.auth.refusals import UndecidedError

__all__ = ["Pace", "Reread"]

log = structlog.get_logger("postroom.auth")

T = TypeVar("T")

PATIENCE_SECONDS = 0.5
"""For a reading, from its begin: a healthy one takes a few milliseconds. After that, what is known counts."""


class Pace(Struct, frozen=True, kw_only=True):
    """How often it is read, in seconds.

    Attributes:
        every: What is older is read again when it is next asked for.
        floor: What is asked for and unknown has it read again, since it may be new; but not more often than this.
        stale: What could not be read again for so long is forgotten; never by default.
    """

    every: float
    floor: float
    stale: float = math.inf


class Reread(Generic[T]):
    """A table that is read whole. What was read last stays good while it cannot be read again.

    ``failures`` are what ``read`` raises when it cannot be read.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Awaitable[Mapping[str, T]]],
        pace: Pace,
        failures: tuple[type[Exception], ...],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._read = read
        self._pace = pace
        self._failures = failures
        self._monotonic = monotonic
        self._entries: Mapping[str, T] = {}
        self._of = self._tried = self._begun = -math.inf
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: str) -> T | None:
        """The entry of this key; None where there is none. Raises `UndecidedError` where one may be new."""
        for age in (self._pace.every, self._pace.floor):
            if self._monotonic() - self._tried >= age:
                await self._refresh()
            if (found := self._entries.get(key)) is not None:
                return found
        if self._of < self._tried:
            raise UndecidedError
        return None

    async def only(self) -> T | None:
        """The one entry that there is; None where there are several, or none. Raises `UndecidedError`."""
        if self._monotonic() - self._tried >= self._pace.every:
            await self._refresh()
        if not self._entries and self._of < self._tried:
            raise UndecidedError
        return next(iter(self._entries.values())) if len(self._entries) == 1 else None

    async def _refresh(self) -> None:
        """Waits for a reading no longer than is worth it."""
        if self._reading is None:
            self._begun = self._monotonic()
            self._reading = asyncio.create_task(self._read_again())
        patience = self._begun + PATIENCE_SECONDS - self._monotonic()
        if patience > 0:
            await asyncio.wait((self._reading,), timeout=patience)
        if self._reading is not None:
            self._tried = max(self._tried, self._begun)

    async def _read_again(self) -> None:
        begun = self._begun
        try:
            self._entries = await self._read()
            self._of = self._tried = begun
        except self._failures as error:
            log.warning("cannot be read again; what is known stays good", what=self._name, reason=str(error))
        finally:
            self._reading = None
            if self._of < begun:
                self._tried = self._monotonic()
                self._entries = {} if self._tried - self._of > self._pace.stale else self._entries

    async def aclose(self) -> None:
        """Ends a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))
