"""Transactions that wait for SQLite's one writer: committed together, and each with an outcome of its own."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

import pytest
import structlog
from sqlalchemy import Connection, event, text

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.records import ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from tests.dispatch.asking import LATER, LEASE, settled, single

Work = Callable[[Connection], int]


class Refused(Exception):
    """What a work raises of its own."""


class Watched:
    """A database whose commits are counted, and whose writer can be kept busy meanwhile."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.commits = 0
        event.listen(self.database._engine, "commit", self.count)

    def count(self, _: Connection) -> None:
        self.commits += 1

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Something is being written all the while."""
        busy, free = threading.Event(), threading.Event()

        def work(_: Connection) -> int:
            busy.set()
            free.wait()
            return 0

        writing = asyncio.ensure_future(self.database.write(work))
        await asyncio.to_thread(busy.wait)
        try:
            yield
        finally:
            free.set()
            await writing

    async def at_once(self, *works: Work) -> list[int | BaseException]:
        """What these come to when all wait while one is being written."""
        async with self.writing():
            waiting = asyncio.gather(*map(self.database.write, works), return_exceptions=True)
            await asyncio.sleep(0)
        return await waiting

    async def written(self) -> list[str]:
        """What the transactions left."""
        return await self.database.read(lambda c: list(c.execute(text("SELECT id FROM executors")).scalars()))


@pytest.fixture
async def watched(sqlite_url: str) -> AsyncIterator[Watched]:
    watched = Watched(sqlite_url)
    yield watched
    await watched.database.close()


def writing(name: str, answer: int = 1) -> Work:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO executors (id, seen_at) VALUES (:id, 0)"), {"id": name})
        return answer

    return work


def from_the_second_on(error: Exception, seen: list[Connection] | None = None) -> Callable[[Connection], None]:
    """What fails for all but the first, which is the one that the others wait for."""
    calls = [] if seen is None else seen

    def fail(connection: Connection) -> None:
        calls.append(connection)
        if len(calls) > 1:
            raise error

    return fail


def from_the_first_on(error: Exception) -> Callable[[Connection], None]:
    """What fails for all."""

    def fail(_: Connection) -> None:
        raise error

    return fail


def refusing(name: str) -> Work:
    def work(connection: Connection) -> int:
        writing(name)(connection)
        raise Refused

    return work


async def test_what_waits_together_is_committed_together(watched: Watched) -> None:
    assert await watched.at_once(*(writing(f"{n}", n) for n in range(9))) == list(range(9))
    assert (watched.commits, len(await watched.written())) == (2, 9)  # the one that they waited for, and theirs


async def test_one_that_fails_fails_alone_and_leaves_nothing(watched: Watched) -> None:
    first, second, third = await watched.at_once(writing("a", 1), refusing("b"), writing("c", 3))
    assert (first, type(second), third) == (1, Refused, 3)
    assert await watched.written() == ["a", "c"]


async def test_when_the_commit_fails_all_are_told_and_nothing_is_written(watched: Watched) -> None:
    later = from_the_second_on(OSError("the disk went away"))
    event.listen(watched.database._engine, "commit", later)
    outcomes = await watched.at_once(writing("a"), writing("b"))
    event.remove(watched.database._engine, "commit", later)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailableError] * 2
    assert await watched.written() == []


async def test_when_none_can_begin_all_are_told(watched: Watched) -> None:
    tries: list[Connection] = []
    event.listen(watched.database._engine, "begin", from_the_second_on(OSError("locked"), tries))
    outcomes = await watched.at_once(writing("a"), writing("b"), writing("c"))
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailableError] * 3
    assert len(tries) == 2


@pytest.mark.parametrize("claiming", [False, True])
async def test_an_outcome_is_written_although_its_caller_has_left_before_its_turn(
    watched: Watched, claiming: bool
) -> None:
    ledger = SqlLedger(watched.database)
    (item,) = (await ledger.begin(single("a"))).items
    outcome = [settled(item, ItemState.ACCEPTED)]
    async with watched.writing():
        settling: asyncio.Future[object] = asyncio.ensure_future(
            ledger.settle_and_claim(outcome, item.dispatch_id, "uk", at=LATER, first=1, claim=LEASE)
            if claiming
            else ledger.settle(outcome, at=LATER)
        )
        await asyncio.sleep(0)
        settling.cancel()
        await asyncio.wait([settling])
    await watched.database.close()

    after = Watched(watched.database.url.render_as_string())
    assert [one.state for one in await SqlLedger(after.database).items(item.dispatch_id)] == [ItemState.ACCEPTED]
    await after.database.close()


async def test_an_outcome_that_nobody_waits_for_and_that_cannot_be_written_is_in_the_log(watched: Watched) -> None:
    ledger = SqlLedger(watched.database)
    (item,) = (await ledger.begin(single("a"))).items
    event.listen(watched.database._engine, "begin", from_the_first_on(OSError("locked")))
    settling = asyncio.ensure_future(ledger.settle([settled(item, ItemState.ACCEPTED)], at=LATER))
    await asyncio.sleep(0)
    settling.cancel()
    with structlog.testing.capture_logs() as logs:
        await asyncio.wait([settling])
        await watched.database.close()
    assert [line["outcomes"] for line in logs] == [["item 1, attempt 1: ACCEPTED"]]


async def test_one_whose_caller_has_left_before_its_turn_is_not_run(watched: Watched) -> None:
    ran: list[str] = []

    def noting(_: Connection) -> int:
        ran.append("left")
        return 0

    async def leave() -> None:
        waiting = asyncio.ensure_future(watched.database.write(noting))
        await asyncio.sleep(0)
        waiting.cancel()

    busy, free = threading.Event(), threading.Event()

    def first(_: Connection) -> int:
        busy.set()
        free.wait()
        return 0

    holding = asyncio.ensure_future(watched.database.write(first))
    await asyncio.to_thread(busy.wait)
    await leave()
    await asyncio.sleep(0)
    free.set()
    await holding
    assert await watched.database.write(writing("next", 2)) == 2
    assert ran == []
