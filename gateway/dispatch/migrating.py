"""Brings the ledger's database to the schema that this code knows: at every start, from any number of processes."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.dispatch.database import Database

__all__ = ["VERSION_TABLE", "LedgerTooNewError", "LedgerTooOldError", "migrate", "require_current"]

VERSION_TABLE = "ledger_version"
"""Where the schema's version is kept; not alembic's usual name, since a PostgreSQL database may be shared."""

_MIGRATIONS = Path(__file__).parent / "migrations"

_OPTIONS = {"version_table": VERSION_TABLE}

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

    def __init__(self, found: str | None, known: str | None) -> None:
        standing = "holds no ledger" if found is None else f"has schema version {found}, and this release needs {known}"
        super().__init__(f"the database {standing}: start the gateway once, which brings it up to date")


async def require_current(database: Database) -> None:
    """Looks whether the database is at the newest version, and changes nothing.

    Raises `LedgerTooOldError`, `LedgerTooNewError` and `gateway.dispatch.ledger.LedgerUnavailableError`.
    """
    found, head = await database.read(_versions)
    if found != head:
        raise LedgerTooOldError(found, head)


async def migrate(database: Database) -> None:
    """Migrates to the newest version, in one transaction; others that start meanwhile wait, and find it done.

    Raises `LedgerTooNewError`, and `gateway.dispatch.ledger.LedgerUnavailableError`; then nothing has changed.
    """
    await database.write(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":  # where only one writes, from the transaction's start
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    _versions(connection)
    config = _config()
    config.attributes["context"] = {"connection": connection, **_OPTIONS}
    command.upgrade(config, "head")


def _versions(connection: Connection) -> tuple[str | None, str | None]:
    """The database's version, and the newest one. Raises `LedgerTooNewError`."""
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    head = scripts.get_current_head()
    found = MigrationContext.configure(connection, opts=_OPTIONS).get_current_revision()
    if found is not None and found not in known:
        raise LedgerTooNewError(found, head or "none")
    return found, head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
