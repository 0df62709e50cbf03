"""Ledgers on fresh databases; each test that takes one runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import Ledger
from gateway.dispatch.sql_ledger import SqlLedger


@pytest.fixture
async def database(ledger_url: str) -> AsyncIterator[Database]:
    """One process's connections to a fresh ledger."""
    database = Database(ledger_url)
    yield database
    await database.close()


@pytest.fixture
async def ledger(database: Database) -> Ledger:
    """A fresh ledger, as one process sees it."""
    return SqlLedger(database)


@pytest.fixture
async def other_ledger(ledger_url: str, database: Database) -> AsyncIterator[Ledger]:
    """The same ledger, as another process sees it."""
    other = Database(ledger_url)
    yield SqlLedger(other)
    await other.close()
