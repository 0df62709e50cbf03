"""What sends, for tests: a ledger in a fresh SQLite file, and an engine that works a run off before it answers."""

import contextlib
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from gateway.backends import Backends
from gateway.dispatch.database import Database
from gateway.dispatch.runs import RunWorker
from gateway.dispatch.sending import Sending
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import metadata_for

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
        self._making = threading.Lock()

    @contextlib.contextmanager
    def transaction(self, *, writing: bool) -> Iterator[Connection]:
        """A transaction in this thread."""
        with self._making:
            if not self._made:
                self._made = True
                with super().transaction(writing=True) as connection:
                    metadata_for(connection.dialect.name).create_all(connection)
        with super().transaction(writing=writing) as connection:
            yield connection


def sending_over(database: Database, backends: Backends, clock: Callable[[], datetime]) -> Sending:
    """What sends over this ledger."""
    ledger = SqlLedger(database)
    worker = RunWorker(ledger, backends, clock, "test")
    engine = InlineEngine(url="", executor="test", work=worker.work)
    return Sending(ledger, engine, "test", clock)
