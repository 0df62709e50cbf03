"""Brings the ledger's database to the schema that this code knows: at every start, from any number of processes.

An empty database gets that schema at once, an older ledger by alembic's migrations, one after the other. Tests hold the
two against each other. So a process that finds its ledger up to date, as nearly every start does, needs no alembic.
"""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select, text

from gateway.dispatch.database import Database
from gateway.dispatch.tables import metadata_for

__all__ = ["VERSION_TABLE", "LedgerTooNewError", "LedgerTooOldError", "migrate", "require_current", "upgrade"]

VERSION_TABLE = "ledger_version"
"""Where the schema's version is kept; not alembic's usual name, since a PostgreSQL database may be shared."""

_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""As alembic makes it, which reads and writes it in upgrades."""

_MIGRATIONS = Path(__file__).parent / "migrations"

_ADVISORY_LOCK = 0x706F7374726F6F6D  # "postroom" in ASCII
"""One who migrates holds it to the end of the transaction; PostgreSQL gives the number no meaning of its own."""


class LedgerTooNewError(Exception):
    """The database was migrated by a newer release, whose schema this one does not know."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"the ledger's database has schema version {found}, and this release knows versions up to {known}: "
            "start the release that wrote it, or a newer one"
        )
        self.found = found


class LedgerTooOldError(Exception):
    """The database holds no ledger, or an older release's: a gateway's start brings it up to date."""

    def __init__(self, found: str | None, known: str) -> None:
        standing = "holds no ledger" if found is None else f"has schema version {found}, and this release needs {known}"
        super().__init__(f"the database {standing}: start the gateway once, which brings it up to date")


async def require_current(database: Database) -> None:
    """Looks whether the database is at the newest version, and changes nothing.

    Raises `LedgerTooOldError`, `LedgerTooNewError` and `gateway.dispatch.ledger.LedgerUnavailableError`.
    """
    found, head = await database.read(_found_and_newest)
    if found != head:
        raise LedgerTooOldError(found, head)


async def migrate(database: Database) -> None:
    """Migrates to the newest version, in one transaction; others that start meanwhile wait, and find it done.

    Raises `LedgerTooNewError`, and `gateway.dispatch.ledger.LedgerUnavailableError`; then nothing has changed.
    """
    await database.write(_migrate)


def _migrate(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":  # where only one writes, from the transaction's start
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    found, newest = _found_and_newest(connection)
    if found is None:
        metadata_for(connection.dialect.name).create_all(connection, checkfirst=False)
        _version.create(connection)
        connection.execute(insert(_version).values(version_num=newest))
    elif found != newest:
        upgrade(connection)


def upgrade(connection: Connection, version: str = "head") -> None:
    """Runs the migrations up to a version that this database, an older ledger or an empty one, has not had."""
    from alembic import command  # noqa: PLC0415 - with what it brings 5 MiB, which a ledger up to date has no use for
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["context"] = {"connection": connection, "version_table": VERSION_TABLE}
    command.upgrade(config, version)


def _found_and_newest(connection: Connection) -> tuple[str | None, str]:
    """The database's version, and the newest one. Raises `LedgerTooNewError`."""
    known = sorted(path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v*.py"))
    there = inspect(connection).has_table(VERSION_TABLE)
    found = connection.execute(select(_version.c.version_num)).scalar_one_or_none() if there else None
    if found is not None and found not in known:
        raise LedgerTooNewError(found, known[-1])
    return found, known[-1]
