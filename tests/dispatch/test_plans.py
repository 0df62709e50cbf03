"""How SQLite finds what the ledger asks it for: none of it takes longer as more and more has been sent."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import DispatchQuery, Ledger
from gateway.dispatch.records import ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from tests.dispatch.asking import LATER, LEASE, NOW, begun, request, settled, single

ITEM = request("a").intents[0]
PENDING = {"items_to_send", "items_being_sent"}
CALLS: dict[str, tuple[Callable[[Ledger, str], Awaitable[Any]], set[str]]] = {
    "begin": (
        lambda ledger, _: ledger.begin(single("b", idempotency_key="k")),
        {"items_sent_once"},
    ),
    "claim": (lambda ledger, mine: ledger.claim(mine, "uk", first=1, claim=LEASE), {"items_to_send"}),
    "expire": (lambda ledger, _: ledger.expire(now=LATER), PENDING),
    "retry": (lambda ledger, mine: ledger.retry(mine), {"items_of_dispatch", "items_sent_once"}),
    "cancel": (lambda ledger, mine: ledger.cancel(mine, at=NOW), PENDING),
    "queued": (lambda ledger, _: ledger.queued(), {"items_to_send"}),
    "held": (lambda ledger, _: ledger.held([ITEM.fingerprint]), {"items_sent_once"}),
    "items": (lambda ledger, mine: ledger.items(mine), {"items_of_dispatch"}),
    "items_for": (lambda ledger, _: ledger.items_for(ITEM.target), {"items_of_target"}),
    "get": (lambda ledger, mine: ledger.get(mine, None), {"items_of_dispatch"}),
    "find": (lambda ledger, _: ledger.find(DispatchQuery(visible=None)), {"items_of_dispatch"}),
}


class Watched:
    """A ledger whose statements are noted, as SQLite runs them: with the values they are given."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.ledger = SqlLedger(self.database)
        self.statements: list[str] = []
        event.listen(self.database._engine, "connect", lambda driver, _: driver.set_trace_callback(self.note))

    def note(self, statement: str) -> None:
        if statement.startswith(("SELECT", "UPDATE", "WITH", "DELETE")):
            self.statements.append(statement)

    async def plan(self) -> list[str]:
        """Every step by which what was asked so far finds items."""
        statements, steps = list(self.statements), []
        with self.database.transaction(writing=False) as connection:
            for statement in statements:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
                steps += [str(row.detail) for row in rows]
        return [step for step in steps if " items" in step]


def indexes(plan: list[str]) -> set[str]:
    return {step.partition(" INDEX ")[2].split(" ")[0] for step in plan if " INDEX " in step}


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_finds_its_items_by_the_index_that_is_for_it(call: str, sqlite_url: str) -> None:
    make, expected = CALLS[call]
    watched = Watched(sqlite_url)
    dispatch = (await begun(watched.ledger, "a")).dispatch
    await watched.ledger.claim((await begun(watched.ledger, "c")).dispatch.id, "uk", first=1, claim=LEASE)
    watched.statements.clear()
    await make(watched.ledger, dispatch.id)
    plan = await watched.plan()
    assert [step for step in plan if step.startswith("SCAN")] == []
    assert expected <= indexes(plan)
    await watched.database.close()


async def test_claiming_reads_the_next_items_and_no_more_of_the_queue(sqlite_url: str) -> None:
    watched = Watched(sqlite_url)
    dispatch = (await begun(watched.ledger, "a")).dispatch
    watched.statements.clear()
    await watched.ledger.claim(dispatch.id, "uk", first=1, claim=LEASE)
    assert await watched.plan() == [
        "SEARCH items USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH items USING COVERING INDEX items_to_send (state=? AND dispatch_id=? AND backend=?)",
    ]
    await watched.database.close()


async def test_settling_reads_the_settled_items_and_what_is_pending_alone(sqlite_url: str) -> None:
    watched = Watched(sqlite_url)
    dispatch = (await begun(watched.ledger, "a", "b")).dispatch
    items = await watched.ledger.claim(dispatch.id, "uk", first=2, claim=LEASE)
    watched.statements.clear()
    await watched.ledger.settle([settled(item, ItemState.ACCEPTED) for item in items], at=NOW)
    plan = await watched.plan()
    assert [step for step in plan if step.startswith("SCAN")] == []
    assert indexes(plan) == PENDING
    assert "SEARCH items USING INTEGER PRIMARY KEY (rowid=?)" in plan
    await watched.database.close()
