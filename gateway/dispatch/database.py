"""The ledger's database: SQLite in one file, or PostgreSQL by a URL. One transaction at a time, reading or writing.

A transaction is a function of a connection, run whole in a thread: one hop costs a tenth of a millisecond, and a
transaction whose every statement crosses threads ten times that.
"""

import asyncio
import contextlib
import functools
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.dispatch.group_commit import GroupCommit
from gateway.dispatch.ledger import LedgerUnavailableError, UnconfirmedError
from gateway.metrics import Metrics

__all__ = ["Database", "LostRaceError", "database_url", "insert_for"]

T = TypeVar("T")

BUSY_MILLISECONDS = 5_000
"""How long SQLite waits for another writer; the ledger's transactions take a few milliseconds each."""

SWITCH_PAUSE_SECONDS = 0.005
"""Between two tries to switch a new file to a write-ahead log, which takes the other process a few milliseconds."""

POOL_SIZE = 10
"""Transactions under way at once in a process, and connections kept: they are short, and a server of PostgreSQL allows
100 connections by default."""

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


def database_url(configured: str) -> URL:
    """The URL with the driver used here, of a URL such as ``sqlite:///ledger.sqlite3`` or ``postgresql://…``."""
    url = make_url(configured)
    drivers = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    return url.set(drivername=drivers.get(url.drivername, url.drivername))


def insert_for(dialect: str, table: Table) -> Any:
    """An INSERT that can say what happens on a conflict, which each of the two databases has as its own."""
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert  # noqa: PLC0415 - each is loaded by its own ledgers alone
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment] # noqa: PLC0415
    return insert(table)


class Database:
    """Transactions, and failures as `LedgerUnavailableError`.

    ``survives_power_cuts`` False lets SQLite answer before the disk has: for tests of thousands of transactions.
    ``read_only`` is for those who only look: nothing is written, and a file that is not there is not made.
    """

    def __init__(
        self, url: str, *, survives_power_cuts: bool = True, read_only: bool = False, metrics: Metrics | None = None
    ) -> None:
        self._metrics = metrics or Metrics()
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database and not read_only:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine: Engine = create_engine(
            _read_only_file(self.url) if self.is_sqlite and read_only else self.url,
            hide_parameters=True,  # what is asked for, and who gets it, stays out of the errors' texts
            pool_size=POOL_SIZE,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            **({} if self.is_sqlite else _postgresql_options(self.url, read_only=read_only)),
        )
        self._driver_errors: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._writing = self._engine.execution_options(**{WRITES: True})
        if self.is_sqlite:
            synchronous = "FULL" if survives_power_cuts else "OFF"
            prepare = _prepare_reading if read_only else functools.partial(_prepare_sqlite, synchronous)
            event.listen(self._engine, "connect", prepare)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            event.listen(self._engine, "connect", _prepare_postgresql)
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="ledger")
        # In one process SQLite's writers queue for one thread: SQLite's own waiting is by polling, and unfair.
        self._grouped = GroupCommit(functools.partial(self.transaction, writing=True)) if self.is_sqlite else None
        self._left: set[asyncio.Task[object]] = set()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of a transaction that only reads."""
        with self._measured("read"):
            return await self._in_a_thread(work, writing=False)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of a transaction that writes: committed, durably, before this returns.

        Rolled back when ``work`` raises. When it lost a race it is done again, after the other's transaction: ``work``
        may run several times. When its caller is cancelled it goes on if it has begun, and is not begun if it waits.
        """
        for _ in range(_TRIES - 1):
            with contextlib.suppress(LostRaceError):
                return await self._write(work)
        return await self._write(work)

    def leave(self, work: Coroutine[Any, Any, object]) -> None:
        """Has something done that nobody waits for but `close`."""
        task = asyncio.create_task(work)
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        with self._measured("write"):
            if self._grouped is not None:
                return await self._grouped.run(work)
            return await self._in_a_thread(work, writing=True)

    @contextlib.contextmanager
    def _measured(self, kind: str) -> Iterator[None]:
        """Counts a transaction: done, rolled back for a reason of the ledger's own, or failed."""
        begun, outcome = time.monotonic(), "left"
        try:
            yield
            outcome = "done"
        except LostRaceError:
            outcome = "lost_race"
            raise
        except LedgerUnavailableError:
            outcome = "unavailable"
            raise
        except Exception:
            outcome = "rolled_back"
            raise
        finally:
            self._metrics.transaction_ended(kind, outcome, time.monotonic() - begun)

    async def _in_a_thread(self, work: Callable[[Connection], T], *, writing: bool) -> T:
        def run() -> T:
            with self.transaction(writing=writing) as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    @contextlib.contextmanager
    def transaction(self, *, writing: bool) -> Iterator[Connection]:
        """A transaction in this thread; `read` and `write` are for event loops.

        Raises `UnconfirmedError` when a server did not say what became of the commit. SQLite always does.
        """
        engine = self._writing if writing else self._engine
        committing = False
        try:
            with self._named_failures(), engine.begin() as connection:
                yield connection
                committing = writing and not self.is_sqlite
        except LedgerUnavailableError as error:
            if committing and not isinstance(error, LostRaceError):
                raise UnconfirmedError(str(error)) from error
            raise

    @contextlib.contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _named(error.orig) from None
        except self._driver_errors as error:  # of `Prepared` statements
            raise _named(error) from None
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnavailableError(type(error).__name__) from error

    def one_at_a_time(self, connection: Connection) -> None:
        """Makes a transaction wait until no other one that asked for this is under way; in SQLite none is.

        For those that take many fingerprints: two that take the same in another order would wait for each other.
        """
        if not self.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})

    async def close(self) -> None:
        """Lets all connections go, when the transactions under way have ended."""
        while self._left:
            await asyncio.wait(self._left)
        if self._grouped is not None:
            await asyncio.to_thread(self._grouped.shutdown)
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def _read_only_file(url: URL) -> URL:
    """As a URI, since that alone can say so (sqlite.org/uri.html)."""
    return url.set(database=Path(url.database or "").absolute().as_uri(), query={"mode": "ro", "uri": "true"})


def _postgresql_options(url: URL, *, read_only: bool) -> dict[str, Any]:
    return {
        "execution_options": {"postgresql_readonly": read_only},
        "isolation_level": "READ COMMITTED",  # whatever the server's default: each statement sees what was committed
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": url.query.get("connect_timeout", str(CONNECT_SECONDS))},
    }


def _named(error: BaseException | None) -> LedgerUnavailableError:
    kind = LostRaceError if getattr(error, "sqlstate", None) in _LOST_RACES else LedgerUnavailableError
    # PostgreSQL's details quote the rows: they go no further, and so neither does the driver's error.
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return kind(primary or str(error))


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


def _prepare_sqlite(synchronous: str, connection: Any, record: Any) -> None:
    _prepare_reading(connection, record)
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Has the file write ahead, and waits for that as long as for another writer, which SQLite itself does not.

    Where waiting could be a deadlock it refuses at once (sqlite.org/c3ref/busy_handler.html): this asks for the whole
    file while it holds a shared lock, as does another process that starts now.
    """
    until = time.monotonic() + BUSY_MILLISECONDS / 1_000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(SWITCH_PAUSE_SECONDS)
        else:
            return


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
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")
