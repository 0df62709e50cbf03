"""What is counted of the ledger: the states that items were brought to, and how its transactions went."""

from collections.abc import AsyncIterator

import pytest

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import AlreadySentError, LedgerUnavailableError
from gateway.dispatch.records import ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.metrics import Metrics
from tests.dispatch.asking import AFTER_LEASE, LEASE, NOW, all_settled, begun, settled, single


class Counted:
    """A ledger, and what is counted of it."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self.metrics = metrics
        self.ledger = SqlLedger(database, metrics)

    def items(self) -> dict[str, float]:
        """By state, how many items were brought to it."""
        found = {
            state: self.metrics.registry.get_sample_value("postroom_dispatch_items_total", {"state": state})
            for state in ItemState
        }
        return {state.value: count for state, count in found.items() if count is not None}

    def transactions(self, kind: str, outcome: str) -> float | None:
        """How many transactions went so."""
        labels = {"kind": kind, "outcome": outcome}
        return self.metrics.registry.get_sample_value("postroom_ledger_transaction_seconds_count", labels)


@pytest.fixture
async def counted(ledger_url: str) -> AsyncIterator[Counted]:
    metrics = Metrics()
    database = Database(ledger_url, metrics=metrics)
    yield Counted(database, metrics)
    await database.close()


async def test_items_are_counted_by_the_states_they_are_brought_to(counted: Counted) -> None:
    ledger = counted.ledger
    dispatch = (await begun(ledger, "a", "b", "c", "d", "e")).dispatch
    first = await ledger.claim(dispatch.id, "uk", first=2, claim=LEASE)
    settlements = [settled(first[0], ItemState.ACCEPTED), settled(first[1], ItemState.FAILED)]
    _, second = await ledger.settle_and_claim(settlements, dispatch.id, "uk", at=NOW, first=2, claim=LEASE)
    await ledger.settle([settled(second[0], ItemState.ACCEPTED)], at=NOW)
    await ledger.cancel(dispatch.id, at=NOW)
    await ledger.expire(now=AFTER_LEASE)
    assert counted.items() == {"ACCEPTED": 2.0, "FAILED": 1.0, "CANCELLED": 1.0, "UNKNOWN": 1.0}


async def test_what_has_moved_on_is_not_counted_again(counted: Counted) -> None:
    dispatch = (await begun(counted.ledger, "a")).dispatch
    claimed = await counted.ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    for _ in range(2):
        await counted.ledger.settle(all_settled(claimed, ItemState.ACCEPTED), at=NOW)
    assert counted.items() == {"ACCEPTED": 1.0}


async def test_transactions_are_counted_by_how_they_went(counted: Counted) -> None:
    await counted.ledger.begin(single("a"))
    await counted.ledger.held(["uk a"])
    with pytest.raises(AlreadySentError):
        await counted.ledger.begin(single("a"))
    assert counted.transactions("write", "done") == 1.0
    assert counted.transactions("read", "done") == 1.0
    assert counted.transactions("write", "rolled_back") == 1.0


async def test_a_ledger_that_is_away_is_counted(empty_database_url: str) -> None:
    metrics = Metrics()
    database = Database(empty_database_url, metrics=metrics)
    with pytest.raises(LedgerUnavailableError):
        await SqlLedger(database, metrics).queued()
    await database.close()
    assert Counted(database, metrics).transactions("read", "unavailable") == 1.0
