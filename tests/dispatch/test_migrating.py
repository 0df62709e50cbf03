import asyncio
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.migrating import VERSION_TABLE, LedgerTooNewError, migrate, upgrade
from gateway.dispatch.tables import metadata_for

ROOT = Path(__file__).parents[2]
PROCESSES = 6
MIGRATING = """
import asyncio, multiprocessing, sys
from gateway.dispatch.database import Database
from gateway.dispatch.migrating import migrate

_, url, count = sys.argv
forking = multiprocessing.get_context("fork")
together = forking.Barrier(int(count))

async def main():
    database = Database(url)
    together.wait()
    await migrate(database)
    await database.close()

processes = [forking.Process(target=lambda: asyncio.run(main())) for _ in range(int(count))]
for process in processes:
    process.start()
for process in processes:
    process.join()
print([process.exitcode for process in processes])
"""


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Database]:
    database = Database(empty_database_url)
    yield database
    await database.close()


async def version(database: Database) -> str:
    with database.transaction(writing=False) as connection:
        return str((connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))).scalar_one())  # noqa: S608


def differences(connection: Connection) -> list[object]:
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    return list(
        compare_metadata(MigrationContext.configure(connection, opts=options), metadata_for(connection.dialect.name))
    )


def index_statements(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        statement = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        statement = f"SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> '{VERSION_TABLE}'"  # noqa: S608
    return set(connection.execute(text(statement)).scalars())


def table_names(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


Making = Callable[[Database], Awaitable[None]]


async def migrations(database: Database) -> None:
    """As an older ledger is brought up to date; this one has had none of them."""
    await database.write(upgrade)


@pytest.fixture(params=[migrate, migrations])
def make(request: pytest.FixtureRequest) -> Making:
    """Both ways to the newest schema."""
    making: Making = request.param
    return making


async def test_the_made_schema_is_that_of_the_tables(empty: Database, make: Making) -> None:
    await make(empty)
    with empty.transaction(writing=False) as connection:
        assert differences(connection) == []


async def test_the_migrated_indexes_are_those_of_the_tables_with_their_conditions(empty: Database) -> None:
    await migrations(empty)
    with empty.transaction(writing=True) as connection:
        migrated = index_statements(connection)
        metadata_for(connection.dialect.name).drop_all(connection)
        metadata_for(connection.dialect.name).create_all(connection)
        assert migrated == index_statements(connection)
    assert sum(" WHERE " in statement for statement in migrated) == 3


async def test_times_of_claims_are_those_of_the_attempts_that_had_no_outcome_when_it_was_upgraded(
    empty: Database,
) -> None:
    def before(connection: Connection) -> None:
        upgrade(connection, "0005")
        connection.execute(
            text(
                "INSERT INTO dispatches (id, action, backends, requested_by, requested_at, asked, resend) "
                "VALUES ('d', 'EMAIL', '[]', 'alice', 1, '{}', false)"
            )
        )
        for attempt, state in enumerate(("SENDING", "UNKNOWN", "FAILED"), 1):
            connection.execute(
                text(
                    "INSERT INTO items (dispatch_id, backend, type, native_id, stable_id, fingerprint, resent_in, "
                    "state, attempt, requested_at, claimed_at) "
                    "VALUES ('d', 'uk', 'Letter', 'n', 's', :state, '', :state, :attempt, 1, 2)"
                ),
                {"state": state, "attempt": attempt},
            )

    await empty.write(before)
    await migrate(empty)
    with empty.transaction(writing=False) as connection:
        found = connection.execute(text("SELECT claimed_attempt FROM items ORDER BY number")).scalars().all()
    assert found == [1, 2, None]


def described(connection: Connection) -> Mapping[str, Any]:
    """Tables as the database itself has them: columns with types and defaults, keys, constraints and indexes."""
    looking = inspect(connection)
    return {
        table: {
            "columns": sorted((column | {"type": repr(column["type"])} for column in columns), key=itemgetter("name")),
            "primary key": looking.get_pk_constraint(table),
            "references": looking.get_foreign_keys(table),
            "unique": sorted(looking.get_unique_constraints(table), key=str),
            "checks": looking.get_check_constraints(table),
            "options": looking.get_table_options(table),
        }
        for (_, table), columns in looking.get_multi_columns().items()
    }


async def test_an_empty_database_gets_the_schema_that_all_migrations_make(empty: Database) -> None:
    await migrate(empty)
    with empty.transaction(writing=True) as connection:
        made = described(connection), index_statements(connection), numbered(connection)
        metadata_for(connection.dialect.name).drop_all(connection)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        upgrade(connection)
        assert made == (described(connection), index_statements(connection), numbered(connection))


def numbered(connection: Connection) -> set[str]:
    """The tables whose numbers are never used again, which SQLite does not do unless it is told."""
    if connection.dialect.name != "sqlite":
        return set()
    statement = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
    return set(connection.execute(text(statement)).scalars())


async def test_a_made_ledger_has_the_newest_version(empty: Database) -> None:
    await migrate(empty)
    made = await version(empty)
    with empty.transaction(writing=True) as connection:
        connection.execute(text(f"DELETE FROM {VERSION_TABLE}"))  # noqa: S608
        metadata_for(connection.dialect.name).drop_all(connection)
        upgrade(connection)
    assert await version(empty) == made


async def test_an_older_ledger_keeps_what_is_in_it(empty: Database) -> None:
    with empty.transaction(writing=True) as connection:
        upgrade(connection, "0001")
        connection.execute(text("INSERT INTO executors (id, seen_at) VALUES ('here', 1)"))
    await migrate(empty)
    with empty.transaction(writing=False) as connection:
        assert differences(connection) == []
        assert connection.execute(text("SELECT id FROM executors")).scalars().all() == ["here"]


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    first = await version(empty)
    await migrate(empty)
    assert await version(empty) == first


async def test_processes_that_start_at_once_migrate_one_database_once(empty_database_url: str, empty: Database) -> None:
    arguments = [sys.executable, "-W", "error", "-c", MIGRATING, empty_database_url, str(PROCESSES)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, stdout=pipe, stderr=pipe)
    out, errors = await process.communicate()
    assert errors.decode() == ""
    assert out.decode() == f"{[0] * PROCESSES}\n"
    with empty.transaction(writing=False) as connection:
        assert differences(connection) == []


async def test_a_newer_database_is_refused_and_left_as_it_is(empty: Database) -> None:
    await migrate(empty)
    known = await version(empty)
    with empty.transaction(writing=True) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    with pytest.raises(LedgerTooNewError) as refused:
        await migrate(empty)
    assert str(refused.value) == (
        f"the ledger's database has schema version 9999, and this release knows versions up to {known}: "
        "start the release that wrote it, or a newer one"
    )
    assert await version(empty) == "9999"


async def test_a_migration_that_fails_half_way_leaves_nothing(empty: Database) -> None:
    with empty.transaction(writing=True) as connection:
        connection.execute(text("CREATE TABLE executors (id INTEGER)"))  # the last that the first version makes
    with pytest.raises(LedgerUnavailableError):
        await migrate(empty)
    with empty.transaction(writing=False) as connection:
        assert table_names(connection) == ["executors"]


def test_the_wheel_has_the_migrations(tmp_path: Path) -> None:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(building, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - ours
    (wheel,) = tmp_path.glob("*.whl")
    folder = ROOT / "gateway/dispatch/migrations"
    scripts = {path.relative_to(ROOT).as_posix() for path in folder.rglob("*.py")}
    assert scripts <= set(zipfile.ZipFile(wheel).namelist())
