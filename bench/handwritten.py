"""The limit: the workloads' answers by a hand-written handler, without GraphQL, schema, loaders or policies.

It stands on the same two engines as Postroom: uvicorn in front, and `gateway.upstream.engine` towards the vendors.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
import orjson

from bench.endpoint import Handler, serve
from bench.standin import TOKEN
from gateway.upstream.engine import EngineTransport

_URLS: Mapping[str, str] = orjson.loads(os.environ["BENCH_BACKENDS"])
_BEARER = [("Authorization", f"Bearer {TOKEN}")]
_LETTER_STATES = {1: "SENT", 7: "DRAFT"}
_STATES = (("Delivered", "DELIVERED"), ("Emailed", "SENT"), ("Ready", "READY"))
_PAGE = 1000


class _Handlers:
    def __init__(self) -> None:
        self._engines = {backend: EngineTransport() for backend in _URLS}
        self.by_name: Mapping[str, Handler] = {
            "W1": self._one_customer,
            "W2": self._with_letters,
            "W3": self._with_correspondence,
            "W4": self._with_letters,
            "W5": self._type_name,
            "W7": partial(self._letters, 50),
            "W8": partial(self._letters, 5000),
        }

    async def _get(self, backend: str, path: str) -> Any:
        response = await self._engines[backend].handle_async_request(
            httpx.Request("GET", _URLS[backend] + path, headers=_BEARER)
        )
        try:
            return orjson.loads(await response.aread())
        finally:
            await response.aclose()

    async def _one_customer(self, variables: Mapping[str, Any]) -> Any:
        row = await self._get(variables["backend"], f"/customers/{variables['id']}")
        return {"customer": _billing_customer(row)}

    async def _with_letters(self, variables: Mapping[str, Any]) -> Any:
        backend = variables["backend"]
        clients = await self._get(backend, f"/client/list/limit/50/page/1/token/{TOKEN}/")
        found: dict[int, list[Any]] = {row["id"]: [] for row in clients["items"]}
        async for row in self._all_letters(backend):
            letters = found.get(row["client_id"])
            if letters is not None and len(letters) < 5:
                letters.append(_letter(row))
        nodes = [
            {
                "nativeId": str(row["id"]),
                "code": str(row["number"]),
                "name": row["name"],
                "emails": [row["email"]] if row["email"] else [],
                "letters": {"nodes": found[row["id"]]},
            }
            for row in clients["items"]
        ]
        return {"customers": {"nodes": nodes}}

    async def _with_correspondence(self, variables: Mapping[str, Any]) -> Any:
        backend = variables["backend"]
        customers = (await self._get(backend, "/customers/"))[:50]
        lists = await asyncio.gather(
            *(self._get(backend, f"/customers/{row['id']}/correspondence/") for row in customers)
        )
        nodes = [
            {**_billing_customer(row), "correspondence": {"nodes": list(map(_correspondence, rows[:5]))}}
            for row, rows in zip(customers, lists, strict=True)
        ]
        return {"customers": {"nodes": nodes}}

    async def _letters(self, count: int, variables: Mapping[str, Any]) -> Any:
        size = min(count, _PAGE)
        pages = [await self._letters_page(variables["backend"], size, page) for page in range(1, count // size + 1)]
        return {"letters": {"nodes": [_letter(row) for listed in pages for row in listed["items"]]}}

    async def _all_letters(self, backend: str) -> Any:
        page, pages = 1, 1
        while page <= pages:
            listed = await self._letters_page(backend, _PAGE, page)
            for row in listed["items"]:
                yield row
            page, pages = page + 1, listed["pages"]

    async def _letters_page(self, backend: str, size: int, page: int) -> Any:
        return await self._get(backend, f"/letter/list/limit/{size}/page/{page}/sort/date/sorttype/desc/token/{TOKEN}/")

    async def _type_name(self, _: Mapping[str, Any]) -> Any:
        return {"__typename": "Query"}


def _billing_customer(row: Mapping[str, Any]) -> dict[str, Any]:
    emails = [email.strip() for email in row["email"].split(",")]
    return {"nativeId": row["id"], "code": row["accountNumber"], "name": row["name"], "emails": emails}


def _letter(row: Mapping[str, Any]) -> dict[str, Any]:
    state = _LETTER_STATES.get(row["status"], "UNKNOWN")
    return {"nativeId": str(row["id"]), "date": row["date"], "title": row["title"], "state": state}


def _correspondence(row: Mapping[str, Any]) -> dict[str, Any]:
    state = next((state for status, state in _STATES if status in row["status"]), "UNKNOWN")
    return {
        "nativeId": row["id"],
        "date": row["correspondenceDate"],
        "title": row["correspondenceType"],
        "state": state,
    }


if __name__ == "__main__":
    serve(lambda: _Handlers().by_name, int(sys.argv[1]))
