"""Two processes at one ledger: each is a `Database` of its own, with connections of its own."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert

from gateway.dispatch import key_rows
from gateway.dispatch.database import Database, LostRaceError
from gateway.dispatch.ledger import AlreadySentError, DispatchQuery, IdempotencyConflictError, Ledger, TakenKey
from gateway.dispatch.records import DispatchState, ItemState
from gateway.dispatch.rows import item_row
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import items as item_table
from tests.dispatch.asking import (
    LATER,
    LEASE,
    NOW,
    WRITE,
    all_settled,
    begun,
    in_state,
    intent,
    names,
    request,
    settled,
    single,
)

ROUNDS = 10


async def test_no_item_is_claimed_by_two(ledger: Ledger, other_ledger: Ledger) -> None:
    dispatch = (await begun(ledger, *(f"{n}" for n in range(120)))).dispatch

    async def work(mine: Ledger) -> list[str]:
        taken: list[str] = []
        while items := await mine.claim(dispatch.id, "uk", first=7, claim=LEASE):
            assert len(items) <= 7
            taken += names(items)
        return taken

    taken = await asyncio.gather(*(work(mine) for mine in (ledger, other_ledger) * 3))
    assert Counter(name for part in taken for name in part) == Counter(f"{n}" for n in range(120))


async def test_one_key_at_once_makes_one_dispatch(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        asked = single(f"{n}", idempotency_key=f"{n}")
        both = await asyncio.gather(*(mine.begin(asked) for mine in (ledger, other_ledger) * 2))
        assert sorted(begun.replayed for begun in both) == [False, True, True, True]
        assert len({begun.dispatch.id for begun in both}) == 1
        assert sum(len(begun.items) for begun in both) == 1


async def test_one_key_at_once_with_two_inputs_is_a_conflict(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        one = ledger.begin(single(f"{n}", idempotency_key=f"{n}"))
        other = other_ledger.begin(single(f"{n} b", idempotency_key=f"{n}", input_hash="other"))
        done = await asyncio.gather(one, other, return_exceptions=True)
        assert sum(isinstance(result, IdempotencyConflictError) for result in done) == 1
    assert len(await ledger.find(DispatchQuery(visible=None))) == ROUNDS


async def test_the_same_sending_at_once_is_begun_once(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        at_once = (mine.begin(single(f"{n}")) for mine in (ledger, other_ledger) * 2)
        done = await asyncio.gather(*at_once, return_exceptions=True)
        assert sum(isinstance(result, AlreadySentError) for result in done) == 3


async def test_runs_over_the_same_in_any_order_queue_each_item_once(
    ledger: Ledger, other_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.database._TRIES", 1)  # they take turns: none loses a race to another
    asked = [f"{n}" for n in range(1_000)]
    runs = [request(*asked), request(*reversed(asked)), request(*asked[500:], *asked[:500])]
    both = await asyncio.gather(*(mine.begin(run) for mine in (ledger, other_ledger) for run in runs))
    counts = sum((Counter(begun.dispatch.counts) for begun in both), Counter())
    assert counts == {ItemState.QUEUED: 1_000, ItemState.SKIPPED: 5_000}


async def test_two_that_failed_and_are_retried_at_once_queue_each_item_once(
    ledger: Ledger, other_ledger: Ledger
) -> None:
    asked = [f"{n}" for n in range(30)]
    failed = []
    for order in (asked, list(reversed(asked))):
        dispatch = (await begun(ledger, *order)).dispatch
        items = await ledger.claim(dispatch.id, "uk", first=30, claim=LEASE)
        await ledger.settle(all_settled(items, ItemState.FAILED), at=NOW)
        failed.append(dispatch.id)
    counts = await asyncio.gather(ledger.retry(failed[0]), other_ledger.retry(failed[1]))
    assert sum(counts) == 30


async def test_one_attempt_settled_at_once_is_settled_once(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        item = await in_state(ledger, ItemState.SENDING, f"{n}")
        accepting = ledger.settle([settled(item, ItemState.ACCEPTED)], at=NOW)
        failing = other_ledger.settle([settled(item, ItemState.FAILED)], at=NOW)
        (accepted,), (failed,) = await asyncio.gather(accepting, failing)
        assert accepted is not failed


async def test_the_last_items_settled_at_once_finish_their_dispatch(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        dispatch = (await begun(ledger, f"{n} a", f"{n} b")).dispatch
        one, other = await ledger.claim(dispatch.id, "uk", first=2, claim=LEASE)
        await asyncio.gather(
            ledger.settle([settled(one, ItemState.ACCEPTED)], at=LATER),
            other_ledger.settle([settled(other, ItemState.ACCEPTED)], at=LATER),
        )
        found = await ledger.get(dispatch.id, None)
        assert found is not None
        assert (found.state, found.finished_at) == (DispatchState.SUCCEEDED, LATER)


async def test_leases_that_end_as_answers_come_lose_neither(ledger: Ledger, other_ledger: Ledger) -> None:
    dispatch = (await begun(ledger, *(f"{n}" for n in range(60)))).dispatch
    items = await ledger.claim(dispatch.id, "uk", first=60, claim=LEASE)
    said = [settled(item, ItemState.ACCEPTED, vendor_message=f"{item.number % 7}") for item in reversed(items)]
    done, lost = await asyncio.gather(ledger.settle(said, at=LATER), other_ledger.expire(now=LATER))
    assert list(done) == [True] * 60
    assert lost in {0, 60}
    found = await ledger.get(dispatch.id, None)
    assert found is not None
    assert found.counts == {ItemState.ACCEPTED: 60}


async def test_what_comes_back_as_its_dispatch_is_cancelled_is_not_left_queued(
    ledger: Ledger, other_ledger: Ledger
) -> None:
    for n in range(ROUNDS):
        item = await in_state(ledger, ItemState.SENDING, f"{n}")
        back = ledger.settle([settled(item, ItemState.QUEUED)], at=LATER)
        await asyncio.gather(back, other_ledger.cancel(item.dispatch_id, at=LATER))
        found = await ledger.get(item.dispatch_id, None)
        assert found is not None
        assert found.state is DispatchState.CANCELLED


async def test_a_write_at_once_under_one_key_is_one_callers(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        key = replace(WRITE, key=f"{n}")
        at_once = (mine.begin_write(key, at=NOW, until=LATER) for mine in (ledger, other_ledger) * 2)
        taken = [taken.ours for taken in await asyncio.gather(*at_once)]
        assert sorted(taken) == [False, False, False, True]


async def test_a_dead_process_is_told_to_one_caller(ledger: Ledger, other_ledger: Ledger) -> None:
    for n in range(ROUNDS):
        await ledger.beat(f"{n}", now=NOW)
        told = await asyncio.gather(*(mine.take_dead(before=LATER) for mine in (ledger, other_ledger) * 2))
        assert sorted(name for part in told for name in part) == [f"{n}"]


@pytest.mark.parametrize("losses", [0, 2, 4])
async def test_a_transaction_that_lost_a_race_is_run_again(losses: int, database: Database) -> None:
    assert await database.write(losing(losses, [])) == losses + 1


async def test_a_transaction_that_keeps_losing_is_given_up_in_the_end(database: Database) -> None:
    tries: list[int] = []
    with pytest.raises(LostRaceError):
        await database.write(losing(99, tries))
    assert len(tries) == 5


def losing(times: int, tries: list[int]) -> Callable[[Connection], int]:
    def work(_: Connection) -> int:
        tries.append(times)
        if len(tries) <= times:
            raise LostRaceError
        return len(tries)

    return work


async def test_a_retry_that_meets_the_same_being_begun_leaves_it_and_retries_the_rest(postgresql_url: str) -> None:
    one, other = Database(postgresql_url), Database(postgresql_url)
    ledger = SqlLedger(one)
    dispatch = (await begun(ledger, "a", "b")).dispatch
    items = await ledger.claim(dispatch.id, "uk", first=2, claim=LEASE)
    await ledger.settle(all_settled(items, ItemState.FAILED), at=NOW)
    begun_meanwhile = (await begun(ledger, "c")).dispatch.id
    with other.transaction(writing=True) as connection:
        row = item_row(begun_meanwhile, intent("a"), request())
        connection.execute(insert(item_table), row)
        retrying = asyncio.create_task(ledger.retry(dispatch.id))
        await until_somebody_waits(postgresql_url)
    assert await retrying == 1
    assert [item.state for item in await ledger.items(dispatch.id)] == [ItemState.FAILED, ItemState.QUEUED]
    await one.close()
    await other.close()


async def test_a_key_that_is_freed_as_it_is_looked_at_is_taken(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Database(postgresql_url), Database(postgresql_url)
    look = key_rows._found

    def look_too_late(*arguments: Any) -> Any:
        with other.transaction(writing=True) as connection:
            key_rows.end_write(connection, WRITE, None)
        return look(*arguments)

    await SqlLedger(other).begin_write(WRITE, at=NOW, until=LATER)
    monkeypatch.setattr(key_rows, "_found", look_too_late)
    another = replace(WRITE, input_hash="other")
    assert await SqlLedger(one).begin_write(another, at=NOW, until=LATER) == TakenKey(ours=True)
    await one.close()
    await other.close()


async def until_somebody_waits(url: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while (await (await connection.execute(waiting)).fetchone()) == (0,):
            pass
