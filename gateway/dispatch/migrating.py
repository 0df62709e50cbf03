"""Brings the ledger's database to the schema that this code knows: at every start, from any number of processes."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.dispatch.database import Database

__all__ = ["VERSION_TABLE", "LedgerTooNewError", "migrate"]

VERSION_TABLE = "ledger_version"
"""Where the schema's version is kept; not alembic's usual name, since a PostgreSQL database may be shared."""

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


async def migrate(database: Database) -> None:
    """Migrates to the newest version, in one transaction; others that start meanwhile wait, and find it done.

    Raises `LedgerTooNewError`, and `gateway.dispatch.ledger.LedgerUnavailableError`; then nothing has changed.
    """
    async with database.writing() as connection:  # in SQLite, only one writes from the transaction's start
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    options = {"version_table": VERSION_TABLE}
    config = Config(attributes={"context": {"connection": connection, **options}})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = MigrationContext.configure(connection, opts=options).get_current_revision()
    if found is not None and found not in known:
        raise LedgerTooNewError(found, scripts.get_current_head() or "none")
    command.upgrade(config, "head")
