"""The ledger's database: SQLite in one file, or PostgreSQL by a URL. One transaction at a time, reading or writing."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.dispatch.ledger import LedgerUnavailableError

__all__ = ["Database", "database_url"]

BUSY_MILLISECONDS = 5_000
"""How long SQLite waits for another writer; the ledger's transactions take a few milliseconds each."""

POOL_SIZE = 10
"""Connections to PostgreSQL a process keeps; transactions are short, and a server allows 100 by default."""

POOL_TIMEOUT_SECONDS = 5.0
"""How long a transaction waits for a connection before the ledger counts as unavailable."""

WRITES = "postroom_writes"


def database_url(configured: str) -> URL:
    """The URL for the asynchronous drivers, of a URL such as ``sqlite:///ledger.sqlite3`` or ``postgresql://…``."""
    url = make_url(configured)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    return url.set(drivername=drivers.get(url.drivername, url.drivername))


class Database:
    """Transactions, and failures as `LedgerUnavailableError`."""

    def __init__(self, url: str) -> None:
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = (
            {} if self.is_sqlite else {"pool_size": POOL_SIZE, "pool_timeout": POOL_TIMEOUT_SECONDS}
        )
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine: AsyncEngine = create_async_engine(self.url, pool_pre_ping=not self.is_sqlite, **options)
        if self.is_sqlite:
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads."""
        async with _named_failures(), self._engine.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed, durably, when the block ends, and rolled back when it raises."""
        async with _named_failures(), self._engine.execution_options(**{WRITES: True}).begin() as connection:
            yield connection

    async def close(self) -> None:
        """Lets all connections go."""
        await self._engine.dispose()


@contextlib.asynccontextmanager
async def _named_failures() -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise LedgerUnavailableError(type(error).__name__) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can find another writer in between and cannot wait for it.
    immediate = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
