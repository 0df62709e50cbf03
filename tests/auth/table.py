"""A table of keys that can go away, hang, and count how often it is read."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gateway.auth.api_keys import ApiKey, NewKey, new_key
from gateway.auth.known_keys import KnownKeys
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.principals import Scope

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


def made(name: str = "ann", days: int | None = None, backends: frozenset[str] | None = None) -> NewKey:
    """A new key."""
    ends = None if days is None else NOW + timedelta(days=days)
    return new_key(name=name, scopes=frozenset((Scope.READ,)), backends=backends, now=NOW, expires_at=ends)


class Table:
    """Keys in memory."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def all(self) -> Sequence[ApiKey]:
        """The keys, when they can be read."""
        self.reads += 1
        await self.answering.wait()
        if self.away:
            raise LedgerUnavailableError("gone")
        return list(self.keys)


class Clocks:
    """A day's clock and a stop watch, moved together."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """The time."""
        return NOW + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Seconds."""
        return 1_000.0 + self.passed


def known(table: Table, clocks: Clocks) -> KnownKeys:
    """What knows the table's keys."""
    return KnownKeys(table, clocks.now, clocks.monotonic)  # type: ignore[arg-type]
