"""Has a gateway that runs elsewhere act on a dispatch, through GraphQL."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from gateway.commands.dispatch_ledger import global_id, only_one, prefix_of
from gateway.commands.dispatch_standing import Standing
from gateway.commands.dispatch_watching import watch
from gateway.commands.failure import CommandFailure
from gateway.commands.query import ask
from gateway.dispatch.records import DispatchAction, DispatchState, ItemState
from gateway.ids import decode

__all__ = ["acting_at"]

PATIENCE_SECONDS = 60.0
"""For what the gateway answers from its ledger. Reconciling asks vendors, item by item, and has no such limit."""

STANDING = "id action state counts { queued sending accepted failed unknown skipped cancelled }"
WHOLE = 32
"""Characters of a ledger id."""

ONE = f"query ($id: ID!) {{ dispatch(id: $id) {{ {STANDING} }} }}"
IDS = (
    "query ($after: String) { dispatches(first: 50, after: $after) "
    "{ nodes { id } pageInfo { hasNextPage endCursor } } }"
)


class There:
    """At the gateway that answers at a URL."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def find(self, given: str) -> Standing:
        """The dispatch of an id, or of the beginning of one, which is looked for among all."""
        prefix = prefix_of(given)
        if len(prefix) == WHOLE:
            return await self._standing(prefix)
        found: list[str] = []
        after: str | None = None
        while True:
            page = (await self._data(IDS, after=after))["dispatches"]
            ids = (decode(node["id"]).native_id for node in page["nodes"])
            found += [ledger_id for ledger_id in ids if ledger_id.startswith(prefix)]
            if not page["pageInfo"]["hasNextPage"]:
                return await self._standing(only_one(prefix, found))
            after = page["pageInfo"]["endCursor"]

    async def reconcile(self, dispatch_id: str) -> Standing:
        """Asks the vendors for evidence."""
        return await self._mutate("reconcileDispatch", dispatch_id, patience=None)

    async def retry(self, dispatch_id: str) -> Standing:
        """Sends again what is FAILED."""
        return await self._mutate("retryDispatch", dispatch_id)

    async def cancel(self, dispatch_id: str) -> Standing:
        """Cancels what has not begun."""
        return await self._mutate("cancelDispatch", dispatch_id)

    async def watch(self, dispatch_id: str) -> Standing:
        """Shows progress until all is settled."""
        return await watch(lambda: self._standing(dispatch_id))

    finish = watch  # the gateway that answers is the one that works

    async def hint(self, standing: Standing) -> str | None:  # noqa: ARG002 - the port's signature
        """Nothing: the gateway that answered goes on."""
        return None

    async def _standing(self, dispatch_id: str) -> Standing:
        found = (await self._data(ONE, id=global_id(dispatch_id)))["dispatch"]
        if found is None:
            raise CommandFailure(f"No dispatch's id begins with {dispatch_id}.")
        return _standing_of(found)

    async def _mutate(self, mutation: str, dispatch_id: str, patience: float | None = PATIENCE_SECONDS) -> Standing:
        document = (
            f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ dispatch {{ {STANDING} }} problems {{ code message }} }} }}"
        )
        answer = (await self._data(document, patience, id=global_id(dispatch_id)))[mutation]
        if answer["dispatch"] is None:
            problems = "; ".join(f"{problem['code']}: {problem['message']}" for problem in answer["problems"])
            raise CommandFailure(f"The gateway refused: {problems}")
        return _standing_of(answer["dispatch"])

    async def _data(self, document: str, patience: float | None = PATIENCE_SECONDS, **variables: Any) -> dict[str, Any]:
        self._client.timeout = httpx.Timeout(patience)
        answer = await ask(self._client, self._url, {"query": document, "variables": variables})
        if answer.get("errors"):
            messages = "; ".join(str(error.get("message")) for error in answer["errors"])
            raise CommandFailure(f"The gateway answered with errors: {messages}")
        data: dict[str, Any] = answer["data"]
        return data


def _standing_of(found: dict[str, Any]) -> Standing:
    return Standing(
        id=decode(found["id"]).native_id,
        action=DispatchAction(found["action"]),
        state=DispatchState(found["state"]),
        counts={state: found["counts"][state.value.lower()] for state in ItemState},
    )


@contextlib.asynccontextmanager
async def acting_at(url: str) -> AsyncIterator[There]:
    """Acts at the gateway that answers at this URL."""
    async with httpx.AsyncClient() as client:
        yield There(client, url)
