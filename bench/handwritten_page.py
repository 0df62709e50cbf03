"""The limit of W6: the customer page over all four vendors by a hand-written handler, without GraphQL or policies.

It signs in once, knows by heart which routes there are to ask, and asks all at once that do not need another's answer.
``python -m bench.handwritten_page PORT ACCESS``; ACCESS is a file of what ``postroom sandbox --json`` prints.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from bench.endpoint import Handler, serve
from gateway.upstream.engine import EngineTransport

_LETTER_STATES = {1: "SENT", 7: "DRAFT"}
_LETTER_ACTIONS = {1: ["EMAIL", "POST", "SET_STATUS"], 7: ["EMAIL", "POST", "SET_STATUS"]}
_NO_DOCUMENTS: Mapping[str, Any] = {"nodes": []}
_JSON = {"Content-Type": "application/json"}


class _Vendor:
    """One vendor's API, and the header that it wants of who has signed in."""

    def __init__(self, access: Mapping[str, Any]) -> None:
        self.credentials: Mapping[str, str] = access["credentials"]
        self._url: str = access["base_url"]
        self._engine = EngineTransport()
        self._authorization: str | None = None
        self._signing_in = asyncio.Lock()

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        sent = {**(headers or {}), "Authorization": await self._header()}
        return await self._call(method, path, body, sent)

    async def query(self, query: Mapping[str, Any]) -> Any:
        return (await self.ask("POST", "/services/core/query", orjson.dumps(query), _JSON))["ia::result"]

    async def _header(self) -> str:
        async with self._signing_in:
            if self._authorization is None:
                self._authorization = await self._sign_in()
        return self._authorization

    async def _sign_in(self) -> str:
        if "memorable_word" in self.credentials:
            return await self._sign_in_by_letters()
        if "client_id" in self.credentials:
            form = urlencode({"grant_type": "client_credentials", **self.credentials}).encode()
            of_form = {"Content-Type": "application/x-www-form-urlencoded"}
            return f"Bearer {(await self._call('POST', '/oauth2/token', form, of_form))['access_token']}"
        return f"Bearer {self.credentials['token']}"

    async def _sign_in_by_letters(self) -> str:
        word = self.credentials["memorable_word"]
        name = {"UserName": self.credentials["username"], "Password": self.credentials["password"]}
        asked = await self._call("POST", "/sessiontoken", orjson.dumps(name), _JSON)
        places = [letter["Position"] for letter in asked["MemorableWordList"]]
        answer = {
            "TemporaryToken": asked["TemporaryToken"],
            "MemorableWordList": [{"Position": place, "Value": word[place - 1]} for place in places],
            "KeepUserLoggedIn": False,
        }
        given = await self._call("PUT", "/sessiontoken", orjson.dumps(answer), _JSON)
        return f"KfToken {given['SessionToken']}"

    async def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        request = httpx.Request(method, self._url + path, headers=headers, content=body)
        response = await self._engine.handle_async_request(request)
        try:
            return orjson.loads(await response.aread())
        finally:
            await response.aclose()


class _Handlers:
    def __init__(self, access: Mapping[str, Mapping[str, Any]]) -> None:
        vendors = {name: _Vendor(one) for name, one in access.items()}
        self._letters, self._billing = vendors["smallinvoice"], vendors["billing_platform"]
        self._statements, self._balances = vendors["kashflow"], vendors["sage_intacct"]
        self.by_name: Mapping[str, Handler] = {"W6": self._page}

    async def _page(self, variables: Mapping[str, Any]) -> Any:
        code = variables["code"]
        counterparts = (self._at_billing(code), self._at_statements(code), self._at_balances(code))
        customer, *found = await asyncio.gather(self._with_letter(code), *counterparts)
        return {"customer": {**customer, "counterparts": found}}

    async def _with_letter(self, code: str) -> Any:
        token = self._letters.credentials["token"]
        listed = f"limit/1000/page/1{{}}/token/{token}/"
        clients, letters = await asyncio.gather(
            self._letters.ask("GET", "/client/list/" + listed.format("")),
            self._letters.ask("GET", "/letter/list/" + listed.format("/sort/date/sorttype/desc")),
        )
        client = next(row for row in clients["items"] if str(row["number"]) == code)
        row = next(row for row in letters["items"] if row["client_id"] == client["id"])
        letter = {"date": row["date"], "title": row["title"], "state": _LETTER_STATES[row["status"]]}
        return {
            "name": client["name"],
            "letters": {"nodes": [{**letter, "actions": _LETTER_ACTIONS[row["status"]]}]},
        }

    async def _at_billing(self, code: str) -> Any:
        (customer,) = await self._billing.ask("GET", f"/customers/?accountNumber={code}")
        rows = await self._billing.ask("GET", f"/customers/{customer['id']}/correspondence/")
        nodes = [
            {"date": row["correspondenceDate"], "type": row["correspondenceType"], "vendorStatus": row["status"]}
            for row in rows[:1]
        ]
        return _counterpart("billing-platform", correspondence={"nodes": nodes})

    async def _at_statements(self, code: str) -> Any:
        customer = await self._statements.ask("GET", f"/customers/{code}")
        return _counterpart("kashflow", balance=f"{customer['OutstandingBalance']:.2f}")

    async def _at_balances(self, code: str) -> Any:
        fields = ["key", "id", "name", "status", "customerMessage.key", "totalDue"]
        (customer,) = await self._balances.query(_by("accounts-receivable/customer", fields, "id", code))
        fields, key = ["key", "id", "message"], customer["customerMessage.key"]
        (message,) = await self._balances.query(_by("accounts-receivable/customer-message", fields, "key", key))
        return _counterpart("sage-intacct", balance=customer["totalDue"], message={"text": message["message"]})


def _by(name: str, fields: list[str], key: str, value: str) -> dict[str, Any]:
    """A query for the one object that has this key."""
    return {
        "object": name,
        "fields": fields,
        "filters": [{"$in": {key: [value]}}],
        "filterParameters": {"includePrivate": True},
        "orderBy": [{"key": "asc"}],
        "start": 1,
        "size": 1,
    }


def _counterpart(
    backend: str,
    *,
    balance: str | None = None,
    correspondence: Mapping[str, Any] = _NO_DOCUMENTS,
    message: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "backend": {"key": backend},
        "outstandingBalance": balance,
        "correspondence": correspondence,
        "message": message,
    }


if __name__ == "__main__":
    access = orjson.loads(Path(sys.argv[2]).read_bytes())
    serve(lambda: _Handlers(access).by_name, int(sys.argv[1]))
