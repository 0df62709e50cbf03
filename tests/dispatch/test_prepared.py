"""Statements compiled once and run on the driver's cursor mean what SQLAlchemy would have them mean."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, tuple_

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.prepared import MOST_SHAPES, Prepared
from gateway.dispatch.tables import executors

MOMENT = datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=UTC)
ADDING = Prepared(insert(executors).returning(executors.c.id), [executors.c.id])
NAMED = Prepared(
    select(executors).where(executors.c.id.in_(bindparam("ids", expanding=True))).order_by(executors.c.id),
    list(executors.c),
)
SEEN = Prepared(
    select(executors.c.id)
    .where(tuple_(executors.c.id, executors.c.seen_at).in_(bindparam("pairs", expanding=True)), executors.c.id != "z")
    .order_by(executors.c.id),
    [executors.c.id],
)


@pytest.fixture
async def database(ledger_url: str) -> AsyncIterator[Database]:
    opened = Database(ledger_url)
    yield opened
    await opened.close()


def added(connection: Connection, *ids: str) -> list[str]:
    rows = [ADDING.run(connection, {"id": one, "seen_at": MOMENT}) for one in ids]
    return [row.id for (row,) in rows]


def ids_of(rows: list[Any]) -> list[str]:
    return [row.id for row in rows]


async def test_what_is_written_is_returned(database: Database) -> None:
    assert await database.write(lambda c: added(c, "a", "b")) == ["a", "b"]


async def test_a_moment_comes_back_as_it_went_in(database: Database) -> None:
    await database.write(lambda c: added(c, "a"))
    (row,) = await database.read(lambda c: NAMED.run(c, {"ids": ["a"]}))
    assert row.seen_at == MOMENT


@pytest.mark.parametrize("asked", [[], ["a"], ["c", "a"], ["a", "b", "c", "d"]])
async def test_a_list_may_have_any_length(database: Database, asked: list[str]) -> None:
    await database.write(lambda c: added(c, "a", "b", "c"))
    found = await database.read(lambda c: NAMED.run(c, {"ids": asked}))
    assert ids_of(found) == sorted({"a", "b", "c"} & set(asked))


async def test_pairs_are_compared_as_pairs_beside_what_the_statement_says_itself(database: Database) -> None:
    await database.write(lambda c: added(c, "a", "b", "z"))
    pairs = [("a", MOMENT), ("b", MOMENT + timedelta(microseconds=1)), ("z", MOMENT)]
    assert ids_of(await database.read(lambda c: SEEN.run(c, {"pairs": pairs}))) == ["a"]


async def test_the_forms_that_are_kept_are_bounded(database: Database) -> None:
    for length in range(MOST_SHAPES + 2):
        ids = [str(number) for number in range(length)]
        await database.read(lambda c, ids=ids: NAMED.run(c, {"ids": ids}))  # type: ignore[misc]
    assert len(NAMED._shapes) <= MOST_SHAPES


async def test_what_the_database_refuses_is_a_failure_of_the_ledger_and_rolls_all_back(database: Database) -> None:
    with pytest.raises(LedgerUnavailableError):
        await database.write(lambda c: added(c, "a", "a"))
    assert await database.read(lambda c: NAMED.run(c, {"ids": ["a"]})) == []


async def test_a_connection_that_is_lost_in_a_transaction_is_not_used_again(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    def lose(connection: Connection) -> None:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.transaction(writing=True) as other:
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        added(connection, "lost")

    with pytest.raises(LedgerUnavailableError):
        await database.write(lose)
    assert await database.write(lambda c: added(c, "kept")) == ["kept"]
    await database.close()
