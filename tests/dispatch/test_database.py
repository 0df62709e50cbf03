"""A database that cannot be written: the caller is told, and nothing was written."""

import asyncio
import sqlite3
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import event

from gateway.dispatch.database import Database, database_url
from gateway.dispatch.ledger import DispatchQuery, Ledger, LedgerUnavailableError, UnconfirmedError
from gateway.dispatch.migrating import migrate
from gateway.dispatch.records import ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from tests.databases import PostgreSQL
from tests.dispatch.asking import LATER, LEASE, NOW, PROBLEM, WRITE, begun, in_state, request, settled, single

WRITES: dict[str, Callable[[Ledger], Awaitable[object]]] = {
    "begin": lambda ledger: ledger.begin(single("new", idempotency_key="k")),
    "begin_write": lambda ledger: ledger.begin_write(WRITE, at=NOW, until=LATER),
    "beat": lambda ledger: ledger.beat("me", now=NOW),
}
ALL: dict[str, Callable[[Ledger], Awaitable[object]]] = WRITES | {
    "claim": lambda ledger: ledger.claim("x", "uk", first=1, claim=LEASE),
    "settle": lambda ledger: ledger.settle([], at=NOW),
    "pause": lambda ledger: ledger.pause("x", PROBLEM),
    "retry": lambda ledger: ledger.retry("x"),
    "cancel": lambda ledger: ledger.cancel("x", at=NOW),
    "expire": lambda ledger: ledger.expire(now=NOW),
    "end_write": lambda ledger: ledger.end_write(WRITE, b"x"),
    "forget_keys": lambda ledger: ledger.forget_keys(before=NOW),
    "silent": lambda ledger: ledger.silent(before=NOW),
    "take_dead": lambda ledger: ledger.take_dead(before=NOW),
    "replay": lambda ledger: ledger.replay("alice", "m", "k", "input"),
    "get": lambda ledger: ledger.get("x", None),
    "find": lambda ledger: ledger.find(DispatchQuery(visible=None)),
    "queued": lambda ledger: ledger.queued(),
    "held": lambda ledger: ledger.held(["x"]),
    "items": lambda ledger: ledger.items("x"),
    "items_for": lambda ledger: ledger.items_for(request("x").intents[0].target),
}


def full(database: Database) -> None:
    """From now on no new page fits into the file, as on a full disk."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()  # means: as many as there are

    event.listen(database._engine, "connect", limit)


@pytest.fixture
async def crowded(sqlite_url: str) -> AsyncIterator[Ledger]:
    """A ledger with a dispatch in it, on a disk that is full."""
    database = Database(sqlite_url)
    await begun(SqlLedger(database), "old")
    await database.close()
    full(database := Database(sqlite_url))
    yield SqlLedger(database)
    await database.close()


async def test_on_a_full_disk_the_caller_is_told_and_nothing_is_written(crowded: Ledger, sqlite_url: str) -> None:
    many = request(*(f"{n}" for n in range(2_000)), idempotency_key="k")
    with pytest.raises(LedgerUnavailableError):
        await crowded.begin(many)
    assert await crowded.replay("alice", "emailDocuments", "k", "input") is None
    (old,) = await crowded.find(DispatchQuery(visible=None))
    assert old.counts == {ItemState.QUEUED: 1}
    roomy = Database(sqlite_url)
    written = await SqlLedger(roomy).begin(many)
    await roomy.close()
    assert (written.replayed, written.dispatch.counts) == (False, {ItemState.QUEUED: 2_000})


DISK_FULL = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$
"""


@pytest.mark.parametrize(
    ("write", "table"),
    [
        ("begin", "idempotency_keys"),
        ("begin", "dispatches"),
        ("begin", "items"),
        ("begin_write", "idempotency_keys"),
        ("beat", "executors"),
    ],
)
async def test_on_a_servers_full_disk_the_caller_is_told_and_nothing_is_written(
    write: str, table: str, postgresql_url: str
) -> None:
    trigger = f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(DISK_FULL)
        connection.execute(trigger.encode())
    database = Database(postgresql_url)
    ledger = SqlLedger(database)
    with pytest.raises(LedgerUnavailableError, match="could not extend file"):
        await WRITES[write](ledger)
    assert await ledger.find(DispatchQuery(visible=None)) == []
    assert await ledger.replay("alice", "emailDocuments", "k", "other") is None
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"DROP TRIGGER full_disk ON {table}".encode())
    await WRITES[write](ledger)
    await database.close()


@pytest.mark.parametrize("call", ALL)
async def test_without_its_server_every_call_says_so(call: str, postgresql: PostgreSQL) -> None:
    database = Database(postgresql.url("never_made"))
    with pytest.raises(LedgerUnavailableError):
        await ALL[call](SqlLedger(database))
    await database.close()


@pytest.mark.parametrize("call", ALL)
async def test_without_its_file_every_call_says_so(call: str, tmp_path: Any) -> None:
    database = Database(f"sqlite:///{tmp_path}/folder/ledger.sqlite3")
    (tmp_path / "folder").rmdir()
    with pytest.raises(LedgerUnavailableError):
        await ALL[call](SqlLedger(database))
    await database.close()


async def test_a_database_that_goes_away_is_noticed_and_its_return_too(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    database = Database(postgresql_url)
    ledger = SqlLedger(database)
    item = await in_state(ledger, ItemState.SENDING)
    name = database_url(postgresql_url).database or ""
    renaming = SQL("ALTER DATABASE {} RENAME TO {}")
    postgresql.execute(SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"))
    postgresql.execute(renaming.format(Identifier(name), Identifier("away")))
    with pytest.raises(LedgerUnavailableError):
        await ledger.settle([settled(item, ItemState.ACCEPTED)], at=LATER)
    postgresql.execute(renaming.format(Identifier("away"), Identifier(name)))
    assert await ledger.settle([settled(item, ItemState.ACCEPTED)], at=LATER) == [True]
    await database.close()


async def test_a_connection_that_was_cut_while_idle_is_replaced(postgresql: PostgreSQL, postgresql_url: str) -> None:
    database = Database(postgresql_url)
    ledger = SqlLedger(database)
    item = await in_state(ledger, ItemState.SENDING)
    postgresql.execute(SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"))
    assert await ledger.settle([settled(item, ItemState.ACCEPTED)], at=LATER) == [True]
    await database.close()


async def test_a_connection_cut_in_the_middle_rolls_back(postgresql: PostgreSQL, postgresql_url: str) -> None:
    database = Database(postgresql_url)
    ledger = SqlLedger(database)

    async def write_and_be_cut() -> None:
        with database.transaction(writing=True) as connection:
            connection.exec_driver_sql("INSERT INTO executors (id, seen_at) VALUES ('cut', 0)")
            postgresql.execute(SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"))
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(LedgerUnavailableError) as failed:
        await write_and_be_cut()
    assert type(failed.value) is LedgerUnavailableError
    assert await ledger.take_dead(before=NOW) == []
    await database.close()


async def test_a_writer_that_waits_too_long_is_told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dispatch.database.BUSY_MILLISECONDS", 1)
    one, other = Database(sqlite_url), Database(sqlite_url)
    with one.transaction(writing=True), pytest.raises(LedgerUnavailableError):
        await SqlLedger(other).begin(single("a"))
    assert (await SqlLedger(other).begin(single("a"))).replayed is False
    await one.close()
    await other.close()


@pytest.fixture
def making(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's connection to a new file, about to switch it to a write-ahead log: others are refused."""
    connection = sqlite3.connect(tmp_path / "new.sqlite3", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def test_a_new_file_waits_for_another_process_that_makes_it_too(
    making: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.database.time.sleep", lambda _: making.close())
    database = Database(f"sqlite:///{tmp_path}/new.sqlite3")
    await migrate(database)
    assert await SqlLedger(database).queued() == []
    await database.close()


@pytest.mark.usefixtures("making")
async def test_a_new_file_that_another_process_keeps_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.database.BUSY_MILLISECONDS", 1)
    database = Database(f"sqlite:///{tmp_path}/new.sqlite3")
    with pytest.raises(LedgerUnavailableError, match="locked"):
        await migrate(database)
    await database.close()


async def test_writers_of_one_process_queue_for_sqlite(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dispatch.database.BUSY_MILLISECONDS", 0)
    database = Database(sqlite_url)
    ledger = SqlLedger(database)
    await asyncio.gather(*(ledger.begin(single(f"{n}")) for n in range(20)))
    assert len(await ledger.find(DispatchQuery(visible=None))) == 20
    await database.close()


@pytest.mark.parametrize("durable", [True, False])
async def test_sqlite_answers_when_the_disk_has_it_unless_a_test_says_otherwise(durable: bool, sqlite_url: str) -> None:
    database = Database(sqlite_url) if durable else Database(sqlite_url, survives_power_cuts=False)
    with database.transaction(writing=False) as connection:
        synchronous = (connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()
        journal = (connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
    assert (synchronous, journal) == (2 if durable else 0, "wal")
    await database.close()


async def test_what_is_asked_for_is_in_no_error(ledger: Ledger) -> None:
    secret = "Schaden" + "freude"  # in two, since a trace quotes the line
    with pytest.raises(LedgerUnavailableError) as failed:
        await begun(ledger, secret, requested_by=None, asked={"message": secret})
    assert secret not in "".join(traceback.format_exception(failed.value))
    assert "requested_by" in str(failed.value)


def test_a_password_is_in_no_text_of_the_url() -> None:
    url = database_url("postgres://postroom:Schadenfreude@127.0.0.1/ledger")
    assert str(url) == repr(url) == "postgresql+psycopg://postroom:***@127.0.0.1/ledger"


async def test_other_default_isolations_of_the_server_do_not_matter(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    name = database_url(postgresql_url).database or ""
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as connection:
        setting = SQL("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'")
        connection.execute(setting.format(Identifier(name)))
    database = Database(postgresql_url)
    with database.transaction(writing=True) as writing:
        isolation = (writing.exec_driver_sql("SHOW transaction_isolation")).scalar_one()
    assert isolation == "read committed"
    await database.close()


@pytest.mark.parametrize(
    ("configured", "used"),
    [
        ("off", "on"),
        ("on", "on"),
        ("local", "local"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ],
)
@pytest.mark.parametrize("of", ["DATABASE", "ROLE"])
async def test_a_commit_is_on_the_servers_disk_before_it_is_answered(
    of: str, configured: str, used: str, postgresql: PostgreSQL, postgresql_url: str
) -> None:
    name = database_url(postgresql_url).database or ""
    changed = SQL("DATABASE {}").format(Identifier(name)) if of == "DATABASE" else SQL("ROLE postroom")
    postgresql.execute(SQL("ALTER {} SET synchronous_commit = {}").format(changed, Literal(configured)))
    database = Database(postgresql_url)
    with database.transaction(writing=True) as writing:
        first = (writing.exec_driver_sql("SHOW synchronous_commit")).scalar_one()
        writing.exec_driver_sql("SELECT 1")
    with database.transaction(writing=True) as writing:
        again = (writing.exec_driver_sql("SHOW synchronous_commit")).scalar_one()
    await database.close()
    postgresql.execute(SQL("ALTER {} RESET synchronous_commit").format(changed))
    assert (first, again) == (used, used)


async def test_a_commit_that_nobody_heard_of_again_is_no_plain_failure(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    database = Database(postgresql_url)

    async def write_and_be_cut_at_the_end() -> None:
        with database.transaction(writing=True) as connection:
            connection.exec_driver_sql("INSERT INTO executors (id, seen_at) VALUES ('cut', 0)")
            postgresql.execute(SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"))

    with pytest.raises(UnconfirmedError):
        await write_and_be_cut_at_the_end()
    await database.close()
