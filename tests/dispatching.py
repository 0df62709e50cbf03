"""What sends, for tests: a ledger in a fresh SQLite file, and an engine that works a run off before it answers."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.backends import Backends
from gateway.dispatch.database import Database
from gateway.dispatch.runs import RunWorker
from gateway.dispatch.sending import Sending
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import metadata

__all__ = ["InlineEngine", "LazyDatabase", "sending_over"]

_numbers = itertools.count(1)


class InlineEngine:
    """Works a run off in the call that submits it. It survives nothing."""

    def __init__(self, *, work: Callable[[str], Awaitable[None]], **_: str) -> None:
        self._work = work

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def submit(self, dispatch_id: str) -> None:
        """Works it off."""
        await self._work(dispatch_id)

    async def adopt(self, _: Sequence[str]) -> int:
        """There is nothing to adopt."""
        return 0


class LazyDatabase(Database):
    """A new database, made when it is first used."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"sqlite:///{folder}/ledger-{next(_numbers)}.sqlite3", survives_power_cuts=False)
        self._made = False

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads."""
        await self._make()
        async with super().reading() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes."""
        await self._make()
        async with super().writing() as connection:
            yield connection

    async def _make(self) -> None:
        if not self._made:
            self._made = True
            async with super().writing() as connection:
                await connection.run_sync(metadata.create_all)


def sending_over(database: Database, backends: Backends, clock: Callable[[], datetime]) -> Sending:
    """What sends over this ledger."""
    ledger = SqlLedger(database)
    worker = RunWorker(ledger, backends, clock, "test")
    engine = InlineEngine(url="", executor="test", work=worker.work)
    return Sending(ledger, engine, "test", clock)
