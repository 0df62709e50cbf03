"""A mixed load: who reads, who sends, who follows what is sent, who leaves in the midst, and vendors that misbehave."""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import httpx

from adapters.sandboxing import FaultKind
from tests.faults.vendors import Vendors, statement_ids

__all__ = ["KEYS", "Load"]

KEYS = ("letters", "statements", "objects", "post")
"""A backend at each vendor."""

READS = {
    "customers": "{ customers(first: 20) { nodes { id code name emails counterparts { name } } problems { code } } }",
    "documents": "{ customers(first: 10) { nodes { documents(first: 5) { nodes { title date } } } } }",
    "letters": "{ letters(first: 50) { nodes { id title } pageInfo { endCursor } problems { code } } }",
    "correspondence": "{ correspondence(first: 25) { nodes { id title } problems { code } } }",
    "templates": "{ customers(first: 5) { nodes { emails templates { nodes { id } } message { id } } } }",
    "backends": "{ backends { key capabilities health { state } budget { remaining queued } } }",
    "dispatches": "{ dispatches(first: 5) { nodes { id state items(first: 5) { nodes { state } } } } }",
    "schema": "{ __schema { types { name fields { name } } } }",
}
PAYLOAD = "{ dispatch { id state } plan { callCount } problems { code } }"
EMAIL = f"mutation ($i: EmailDocumentInput!) {{ emailDocument(input: $i) {PAYLOAD} }}"
STATEMENTS = f"mutation ($i: EmailStatementsInput!) {{ emailStatements(input: $i) {PAYLOAD} }}"
PROGRESS = "subscription ($id: ID!) { dispatchProgress(id: $id) { state counts { accepted } } }"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "latency", "seconds": 0.3},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "status", "status": 503},
    {"kind": "truncate"},
    {"kind": "garbage"},
    {"kind": "expire_session"},
)
PATIENCE = httpx.Timeout(60)


class Load:
    """Clients of one gateway. ``done`` counts what they did, by its name; ``broken`` are answers that must not be."""

    def __init__(self, url: str, vendors: Vendors, letters: list[str], *, seed: int = 0) -> None:
        self._url = f"{url}/graphql"
        self._vendors = vendors
        self._letters = itertools.cycle(letters)
        self._customers = statement_ids("statements", 10)
        self._numbers = itertools.count(1)
        self._dice = random.Random(seed)  # noqa: S311 - to be the same each time
        self._newest: str | None = None
        self.done: Counter[str] = Counter()
        self.broken: list[Any] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everybody at work, until the context ends."""
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            work = (self.read, self.read, self.read, self.send, self.run, self.follow, self.leave, self.misbehave)
            tasks = [asyncio.create_task(self._repeat(one, client)) for one in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._vendors.heal()
                for task in tasks:
                    if not task.cancelled():
                        task.result()

    async def _repeat(self, work: Callable[[httpx.AsyncClient], Awaitable[None]], client: httpx.AsyncClient) -> None:
        while True:
            await work(client)
            await asyncio.sleep(self._dice.uniform(0, 0.02))

    async def read(self, client: httpx.AsyncClient) -> None:
        """Asks one of the queries."""
        name = self._dice.choice(list(READS))
        await self._ask(client, READS[name])
        self.done[f"read {name}"] += 1

    async def send(self, client: httpx.AsyncClient) -> None:
        """E-mails a letter to whom it never went before, or asks what that would be, under a key or without."""
        number = next(self._numbers)
        to = [{"email": f"soak{number}@example.com", "name": "S"}]
        dry = self._dice.random() < 0.3
        given: dict[str, Any] = {"document": next(self._letters), "subject": "s", "body": "b", "recipients": to}
        given |= {"dryRun": True} if dry else {"idempotencyKey": f"soak-{number}"} if number % 3 == 0 else {}
        await self._ask(client, EMAIL, i=given)
        self.done["dry run" if dry else "send"] += 1

    async def run(self, client: httpx.AsyncClient) -> None:
        """Sends statements of a period that was never sent before, as a run."""
        begin = date(2000, 1, 1) + timedelta(days=next(self._numbers))
        given = {"customers": self._customers, "from": begin.isoformat(), "to": "2026-01-01"}
        answer = await self._ask(client, STATEMENTS, i=given)
        dispatch = ((answer.get("data") or {}).get("emailStatements") or {}).get("dispatch")
        self._newest = dispatch["id"] if dispatch else self._newest
        self.done["run"] += 1
        await asyncio.sleep(self._dice.uniform(0, 0.5))

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Follows a run for a while, and leaves at its end or before."""
        if self._newest is None:
            return
        body = {"query": PROGRESS, "variables": {"id": self._newest}}
        headers = {"Accept": "text/event-stream"}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._dice.uniform(0.05, 1)):
                async with client.stream("POST", self._url, json=body, headers=headers) as events:
                    async for _ in events.aiter_lines():
                        pass
        self.done["subscription"] += 1

    async def leave(self, client: httpx.AsyncClient) -> None:
        """Asks, and leaves before there is an answer."""
        query = self._dice.choice([READS["documents"], READS["customers"]])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._dice.uniform(0.001, 0.02)):
                await client.post(self._url, json={"query": query})
        self.done["left"] += 1
        await asyncio.sleep(self._dice.uniform(0, 0.2))

    async def misbehave(self, _: httpx.AsyncClient) -> None:
        """Has one vendor misbehave in one way, for a few of its next calls."""
        fault = self._dice.choice(FAULTS)
        kind: FaultKind = fault["kind"]
        self._vendors.fault(self._dice.choice(KEYS), times=self._dice.randint(1, 3), **fault)
        self.done[f"fault {kind}"] += 1
        await asyncio.sleep(self._dice.uniform(0, 1))
        if self._dice.random() < 0.3:
            self._vendors.heal()

    async def _ask(self, client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
        response = await client.post(self._url, json={"query": query, "variables": variables})
        answer = response.json()
        if response.status_code != 200 or any(_is_ours(error) for error in answer.get("errors", ())):
            self.broken.append(answer)
        return answer


def _is_ours(error: Any) -> bool:
    """Whether an error is the gateway's own fault, or the query's: not a vendor's."""
    return error["extensions"]["code"] in ("INTERNAL", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED")
