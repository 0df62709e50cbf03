"""The ordinary way: strawberry, starlette, httpx and aiodataloader, each as its own documentation shows it."""

import asyncio
import contextlib
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import date
from enum import Enum
from typing import Any

import httpx
import orjson
import strawberry
import uvicorn
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.types import Info

from bench.standin import TOKEN

URLS: Mapping[str, str] = orjson.loads(os.environ["BENCH_BACKENDS"])


@strawberry.enum
class DocumentState(Enum):
    """How far a document has come."""

    DRAFT = "DRAFT"
    READY = "READY"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    UNKNOWN = "UNKNOWN"


@strawberry.type
class Letter:
    """A letter."""

    native_id: str
    date: date
    title: str
    state: DocumentState


@strawberry.type
class LetterConnection:
    """Letters."""

    nodes: list[Letter]


@strawberry.type
class Correspondence:
    """Correspondence."""

    native_id: str
    date: date
    title: str
    state: DocumentState


@strawberry.type
class CorrespondenceConnection:
    """Correspondence."""

    nodes: list[Correspondence]


@strawberry.type
class Customer:
    """A customer."""

    backend: strawberry.Private[str]
    native_id: str
    code: str
    name: str
    emails: list[str]

    @strawberry.field
    async def letters(self, info: Info, first: int = 25) -> LetterConnection:
        """Its letters, out of the list of all."""
        rows = await info.context["letters"].load((self.backend, int(self.native_id)))
        return LetterConnection(nodes=[_letter(row) for row in rows[:first]])

    @strawberry.field
    async def correspondence(self, info: Info, first: int = 25) -> CorrespondenceConnection:
        """Its correspondence."""
        rows = await info.context["correspondence"].load((self.backend, self.native_id))
        return CorrespondenceConnection(nodes=[_correspondence(row) for row in rows[:first]])


@strawberry.type
class CustomerConnection:
    """Customers."""

    nodes: list[Customer]


@strawberry.input
class CustomerNativeId:
    """A customer by the vendor's own key."""

    backend: str
    native_id: str


@strawberry.input
class CustomerBy:
    """Which customer."""

    native_id: CustomerNativeId


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    async def customer(self, info: Info, by: CustomerBy) -> Customer:
        """One customer."""
        backend = by.native_id.backend
        row = await _get(info, backend, f"/customers/{by.native_id.native_id}")
        return _billing_customer(backend, row)

    @strawberry.field
    async def customers(self, info: Info, backends: list[str], first: int = 50) -> CustomerConnection:
        """The customers of a backend."""
        (backend,) = backends
        if backend.startswith("billing"):
            rows = await _get(info, backend, "/customers/")
            return CustomerConnection(nodes=[_billing_customer(backend, row) for row in rows[:first]])
        listed = await _get(info, backend, f"/client/list/limit/{first}/page/1/token/{TOKEN}/")
        return CustomerConnection(nodes=[_letter_customer(backend, row) for row in listed["items"]])

    @strawberry.field
    async def letters(self, info: Info, backends: list[str], first: int = 50) -> LetterConnection:
        """The letters of a backend."""
        (backend,) = backends
        rows: list[Any] = []
        size = min(first, 1000)
        while len(rows) < first:
            rows += (await _letters_page(info, backend, size, len(rows) // size + 1))["items"]
        return LetterConnection(nodes=[_letter(row) for row in rows])


async def _get(info: Info, backend: str, path: str) -> Any:
    response = await info.context["client"].get(URLS[backend] + path, headers={"Authorization": f"Bearer {TOKEN}"})
    response.raise_for_status()
    return response.json()


async def _letters_page(info: Info, backend: str, size: int, page: int) -> Any:
    path = f"/letter/list/limit/{size}/page/{page}/sort/date/sorttype/desc/token/{TOKEN}/"
    return await _get(info, backend, path)


def _billing_customer(backend: str, row: Mapping[str, Any]) -> Customer:
    emails = [email.strip() for email in row["email"].split(",")]
    return Customer(backend=backend, native_id=row["id"], code=row["accountNumber"], name=row["name"], emails=emails)


def _letter_customer(backend: str, row: Mapping[str, Any]) -> Customer:
    return Customer(
        backend=backend,
        native_id=str(row["id"]),
        code=str(row["number"]),
        name=row["name"],
        emails=[row["email"]] if row["email"] else [],
    )


def _letter(row: Mapping[str, Any]) -> Letter:
    states = {1: DocumentState.SENT, 7: DocumentState.DRAFT}
    return Letter(
        native_id=str(row["id"]),
        date=date.fromisoformat(row["date"]),
        title=row["title"],
        state=states.get(row["status"], DocumentState.UNKNOWN),
    )


def _correspondence(row: Mapping[str, Any]) -> Correspondence:
    states = {"Delivered": DocumentState.DELIVERED, "Emailed": DocumentState.SENT, "Ready": DocumentState.READY}
    return Correspondence(
        native_id=row["id"],
        date=date.fromisoformat(row["correspondenceDate"]),
        title=row["correspondenceType"],
        state=next((state for status, state in states.items() if status in row["status"]), DocumentState.UNKNOWN),
    )


class _Endpoint(GraphQL[dict[str, Any], None]):
    """Strawberry's endpoint, with an HTTP client, and loaders for each request."""

    client: httpx.AsyncClient

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        """What the resolvers are given."""
        context: dict[str, Any] = {"client": self.client, "request": request, "response": response}
        info: Any = type("Asking", (), {"context": context})

        async def letters(keys: list[tuple[str, int]]) -> list[list[Any]]:
            found: dict[tuple[str, int], list[Any]] = defaultdict(list)
            for backend in dict.fromkeys(backend for backend, _ in keys):
                for row in (await _letters_page(info, backend, 1000, 1))["items"]:
                    found[backend, row["client_id"]].append(row)
            return [found[key] for key in keys]

        async def correspondence(keys: list[tuple[str, str]]) -> list[list[Any]]:
            reads = (_get(info, backend, f"/customers/{native_id}/correspondence/") for backend, native_id in keys)
            return list(await asyncio.gather(*reads))

        return context | {"letters": DataLoader(letters), "correspondence": DataLoader(correspondence)}


endpoint = _Endpoint(strawberry.Schema(Query), graphql_ide=None)


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """One HTTP client for the whole time."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as endpoint.client:
        yield


app = Starlette(lifespan=lifespan)
app.router.routes.append(Route("/graphql", endpoint))

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, timeout_keep_alive=75)
