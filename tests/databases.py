"""Fresh databases for tests: SQLite in a file, and PostgreSQL on a cluster of our own, thrown away with the session.

The cluster is made with the newest PostgreSQL that is installed, listens on a Unix socket only and keeps fsync on, as
a production server does. Whether a missing PostgreSQL skips a test or fails it is decided here: on a person's machine
it skips, under CI it fails.
"""

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from gateway.dispatch.database import Database
from gateway.dispatch.migrating import migrate

_USER = "postroom"
_UNPRIVILEGED = "postgres"
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)


class PostgreSQL:
    """A running cluster, reached through a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._aside = ThreadPoolExecutor(max_workers=1)
        self._drops: list[Future[None]] = []

    def create(self, template: str = "template0") -> str:
        """Makes a database, a copy of another one, and returns its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected to it; aside, since it waits for a checkpoint."""
        dropping = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
        self._drops.append(self._aside.submit(self.execute, dropping))

    def close(self) -> None:
        """Waits for what is done aside, and raises what went wrong with it."""
        self._aside.shutdown()
        for drop in self._drops:
            drop.result()

    def execute(self, statement: SQL | psycopg.sql.Composed) -> None:
        """Runs a statement outside of the tests' databases."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def url(self, name: str) -> str:
        """The URL of a database, for the settings."""
        return f"postgresql://{_USER}@/{name}?host={self._folder}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The session's cluster."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="postroom-"))  # short: a socket's path has 107 characters at most
    data = folder / "data"
    # PostgreSQL refuses to run as root
    who = ("runuser", "-u", _UNPRIVILEGED, "--") if os.geteuid() == 0 else ()
    if who:
        owner = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=on"
    try:
        create = ["--username", _USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        _run([*who, initdb, "--pgdata", str(data), *create], folder)
        _run([*who, pg_ctl, "start", "--wait", "-D", str(data), "-l", str(folder / "log"), "-o", options], folder)
        try:
            server = PostgreSQL(folder)
            yield server
            server.close()
        finally:
            _run([*who, pg_ctl, "stop", "--wait", "-D", str(data), "-m", "immediate"], folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nothing is in: a test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.sqlite3"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the ledger's schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgresql: PostgreSQL) -> str:
    """A PostgreSQL database with the ledger's schema, to be copied."""
    name = postgresql.create()
    asyncio.run(_migrated(postgresql.url(name)))
    return name


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of an empty ledger in SQLite."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'ledger.sqlite3')}"


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL, migrated_template: str) -> Iterator[str]:
    """The URL of an empty ledger in PostgreSQL."""
    name = postgresql.create(migrated_template)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty ledger: a test that takes it runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


def _program(name: str) -> str:
    found = next((str(folder / name) for folder in _FOLDERS if (folder / name).exists()), shutil.which(name))
    if found is None:
        reason = f"no PostgreSQL server is installed: there is no {name}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI never skips the tests on PostgreSQL")
        pytest.skip(reason)
    return found


def _run(arguments: Sequence[str], folder: Path) -> None:
    # Nobody may keep the pipes of a server that goes on: its output goes to a file.
    with (folder / "output").open("ab+") as output:
        done = subprocess.run(arguments, cwd=folder, stdout=output, stderr=output, check=False)  # noqa: S603 - ours
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")
