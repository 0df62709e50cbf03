"""The ledger's database: SQLite in one file, or PostgreSQL by a URL. One transaction at a time, reading or writing."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.dispatch.ledger import LedgerUnavailableError, UnconfirmedError

__all__ = ["Database", "LostRaceError", "again_after_a_lost_race", "database_url"]

P = ParamSpec("P")
T = TypeVar("T")

BUSY_MILLISECONDS = 5_000
"""How long SQLite waits for another writer; the ledger's transactions take a few milliseconds each."""

POOL_SIZE = 10
"""Connections to PostgreSQL a process keeps; transactions are short, and a server allows 100 by default."""

POOL_TIMEOUT_SECONDS = 5.0
"""How long a transaction waits for a connection before the ledger counts as unavailable."""

CONNECT_SECONDS = 5
"""How long connecting to PostgreSQL may take, where the URL does not say."""

IDLE_SECONDS = 10
"""How long a process may hold a transaction of PostgreSQL open and say nothing, before the server ends it: one that is
stopped, or behind a dead network, would keep its locks, and all others' work on the same dispatch, until it is back."""

WRITES = "postroom_writes"

_LOST_RACES = {"23505", "40001", "40P01"}
"""PostgreSQL's unique_violation, serialization_failure and deadlock_detected (appendix A of its manual): another
transaction came first, and this one was rolled back whole. SQLite, where one writes at a time, has no such thing."""

_TRIES = 5

_TURN = 0x646973706174  # "dispat" in ASCII: PostgreSQL gives an advisory lock's number no meaning of its own


class LostRaceError(LedgerUnavailableError):
    """Another transaction came first; nothing was written, and it may be tried again."""


def again_after_a_lost_race(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Does a method that is one transaction again when it lost a race; each time another's was committed."""

    @functools.wraps(method)
    async def persistent(*arguments: P.args, **options: P.kwargs) -> T:
        for _ in range(_TRIES - 1):
            with contextlib.suppress(LostRaceError):
                return await method(*arguments, **options)
        return await method(*arguments, **options)

    return persistent


def database_url(configured: str) -> URL:
    """The URL for the asynchronous drivers, of a URL such as ``sqlite:///ledger.sqlite3`` or ``postgresql://…``."""
    url = make_url(configured)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    return url.set(drivername=drivers.get(url.drivername, url.drivername))


class Database:
    """Transactions, and failures as `LedgerUnavailableError`.

    ``survives_power_cuts`` False lets SQLite answer before the disk has: for tests of thousands of transactions.
    ``read_only`` is for those who only look: nothing is written, and a file that is not there is not made.
    """

    def __init__(self, url: str, *, survives_power_cuts: bool = True, read_only: bool = False) -> None:
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn: contextlib.AbstractAsyncContextManager[Any] = contextlib.nullcontext()
        if self.is_sqlite:
            # In one process the writers queue here: SQLite's own waiting is by polling, and unfair.
            self._turn = asyncio.Lock()
            if self.url.database and not read_only:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine: AsyncEngine = create_async_engine(
            _read_only_file(self.url) if self.is_sqlite and read_only else self.url,
            hide_parameters=True,  # what is asked for, and who gets it, stays out of the errors' texts
            **({} if self.is_sqlite else _postgresql_options(self.url, read_only=read_only)),
        )
        if self.is_sqlite:
            synchronous = "FULL" if survives_power_cuts else "OFF"
            prepare = _prepare_reading if read_only else functools.partial(_prepare_sqlite, synchronous)
            event.listen(self._engine.sync_engine, "connect", prepare)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        else:
            event.listen(self._engine.sync_engine, "connect", _prepare_postgresql)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads."""
        async with _named_failures(), self._engine.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed, durably, when the block ends, and rolled back when it raises.

        Raises `UnconfirmedError` when a server did not say what became of the commit. SQLite always does.
        """
        engine = self._engine.execution_options(**{WRITES: True})
        committing = False
        try:
            async with _named_failures(), self._turn, engine.begin() as connection:
                yield connection
                committing = not self.is_sqlite
        except LedgerUnavailableError as error:
            if committing and not isinstance(error, LostRaceError):
                raise UnconfirmedError(str(error)) from error
            raise

    async def one_at_a_time(self, connection: AsyncConnection) -> None:
        """Makes a transaction wait until no other one that asked for this is under way; in SQLite none is.

        For those that take many fingerprints: two that take the same in another order would wait for each other.
        """
        if not self.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})

    async def close(self) -> None:
        """Lets all connections go."""
        await self._engine.dispose()


def _read_only_file(url: URL) -> URL:
    """As a URI, since that alone can say so (sqlite.org/uri.html)."""
    return url.set(database=Path(url.database or "").absolute().as_uri(), query={"mode": "ro", "uri": "true"})


def _postgresql_options(url: URL, *, read_only: bool) -> dict[str, Any]:
    return {
        "execution_options": {"postgresql_readonly": read_only},
        "isolation_level": "READ COMMITTED",  # whatever the server's default: each statement sees what was committed
        "pool_pre_ping": True,
        "pool_size": POOL_SIZE,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        "connect_args": {"connect_timeout": url.query.get("connect_timeout", str(CONNECT_SECONDS))},
    }


@contextlib.asynccontextmanager
async def _named_failures() -> AsyncIterator[None]:
    try:
        yield
    except DBAPIError as error:
        kind = LostRaceError if getattr(error.orig, "sqlstate", None) in _LOST_RACES else LedgerUnavailableError
        # PostgreSQL's details quote the rows: they go no further, and so neither does the driver's error.
        primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
        raise kind(primary or str(error.orig)) from None
    except (SQLAlchemyError, OSError) as error:
        raise LedgerUnavailableError(type(error).__name__) from error


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


def _prepare_sqlite(synchronous: str, connection: Any, record: Any) -> None:
    _prepare_reading(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # With `off`, a commit is answered before it is on the server's disk; all other values wait for that.
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    cursor.close()
    connection.commit()  # or the first rollback takes it back


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can find another writer in between and cannot wait for it.
    immediate = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
