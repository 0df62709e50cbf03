"""Asks the GraphQL endpoint over a real socket."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from gateway.app import Gateway
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

JSON = {"Content-Type": "application/json"}
RESPONSE = "application/graphql-response+json"
EVENTS = "text/event-stream"


def usual() -> Gateway:
    """A gateway over one backend with one customer."""
    return gateway_over(fake("a", customers=[customer("a", "1")], writes=True))


@contextlib.asynccontextmanager
async def endpoint(gateway: Gateway | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that is served until the end of the block."""
    async with (
        serving(routes_of(gateway or usual())) as address,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=PATIENCE) as client,
    ):
        yield client


async def posted(
    client: httpx.AsyncClient,
    query: str,
    accept: str | None = None,
    operation_name: str | None = None,
    **variables: Any,
) -> httpx.Response:
    """The answer to an operation that is posted as JSON."""
    body = {"query": query, "variables": variables, "operationName": operation_name}
    return await client.post("/graphql", json=body, headers={} if accept is None else {"Accept": accept})


def events_of(body: str) -> list[tuple[str, Any]]:
    """The events of a stream: their names and data, comments left out."""
    found = []
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"] or "null")))
    return found


def parts_of(body: bytes) -> list[Any]:
    """The parts of a multipart/mixed body whose boundary is a hyphen."""
    preamble, *parts, end = body.split(b"\r\n---")
    assert (preamble, end) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, content = part.split(b"\r\n\r\n", 1)
        assert b"Content-Type: application/json; charset=utf-8" in head.split(b"\r\n")
        assert b"Content-Length: %d" % len(content) in head.split(b"\r\n")
        found.append(json.loads(content))
    return found
