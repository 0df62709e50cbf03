"""Asks an emulator in the same process, as a client of its API would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from adapters.sage_intacct.sandbox import build_sandbox
from adapters.sandboxing import Sandbox, SandboxOptions

__all__ = ["CUSTOMER", "EMAIL_TEMPLATE", "MESSAGE", "NOW", "TEMPLATE", "Api", "Clock", "error_of", "opened"]

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
CUSTOMER = "accounts-receivable/customer"
MESSAGE = "accounts-receivable/customer-message"
TEMPLATE = "accounts-receivable/customer-email-template"
EMAIL_TEMPLATE = "company-config/email-template"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def error_of(answer: httpx.Response) -> tuple[int, str, str | None, list[tuple[str, str | None]]]:
    """The status of a nested refusal, its code and number, and each detail's target and number."""
    body = answer.json()
    assert body.keys() == {"ia::result", "ia::meta"}
    assert body["ia::meta"] == {"totalCount": 1, "totalSuccess": 0, "totalError": 1}
    error = body["ia::result"]["ia::error"]
    details = [(detail["target"], detail.get("errorId")) for detail in error.get("details", [])]
    return answer.status_code, error["code"], error.get("errorId"), details


class Api:
    """An emulator's API, asked with a token of the client credentials grant."""

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        base_url = "http://127.0.0.1" + sandbox.access.base_path
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url=base_url)

    async def token(self, **form: str) -> httpx.Response:
        """The answer to a grant; the sandbox's credentials, unless told otherwise."""
        grant = {"grant_type": "client_credentials", **self.sandbox.access.credentials, **form}
        return await self.http.post("/oauth2/token", data=grant)

    async def sign_in(self, **form: str) -> None:
        answer = await self.token(**form)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """The answer to a request on an object's path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/objects/{path}", json=body, headers=named)

    async def refused(self, method: str, path: str, body: object = None) -> tuple[Any, ...]:
        """How a request is refused, nothing having been done."""
        before = self.sandbox.state.effects.copy()
        refusal = error_of(await self.send(method, path, body))
        assert self.sandbox.state.effects == before
        return refusal

    async def query(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/services/core/query", json=body, headers=named)

    async def rows(self, object_name: str, fields: list[str], *filters: object, **more: Any) -> list[dict[str, Any]]:
        """A query's rows, up to 4,000."""
        body = {"object": object_name, "fields": fields, "filters": list(filters), "size": 4000, **more}
        answer = await self.query(body)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["ia::result"])


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Api]:
    """A new emulator's API, signed in."""
    clock = Clock()
    sandbox = build_sandbox(SandboxOptions(**{"clock": clock, **options}))
    api = Api(sandbox, clock)
    async with api.http:
        await api.sign_in()
        yield api
    sandbox.close()
