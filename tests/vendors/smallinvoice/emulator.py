"""Asks an emulator in the same process, as a client of its API would."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.sandboxing import Sandbox, SandboxOptions
from adapters.smallinvoice.sandbox import build_sandbox

__all__ = ["DONE", "JSON_TYPE", "NOW", "TOKEN", "Api", "built", "effects", "letter", "opened", "refusal"]

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
TOKEN = "sandbox-token"
JSON_TYPE = "text/html; charset=utf-8"
DONE = {"error": False}


def built(**options: Any) -> Sandbox:
    """An emulator of the published examples whose clock stands at `NOW`."""
    return build_sandbox(SandboxOptions(**{"seed": "examples", "clock": lambda: NOW, **options}))


class Api:
    """An emulator's API, asked with its token."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url="http://127.0.0.1")

    async def send(self, path: str, data: object = None) -> httpx.Response:
        """The answer to a path without its token, with ``data`` as the form field."""
        form = None if data is None else {"data": json.dumps(data)}
        return await self.http.request("GET" if form is None else "POST", f"/{path}/token/{TOKEN}", data=form)

    async def ask(self, path: str, data: object = None) -> Any:
        """The JSON of the answer."""
        answer = await self.send(path, data)
        assert (answer.status_code, answer.headers["content-type"]) == (200, JSON_TYPE)
        return answer.json()

    async def code(self, path: str, data: object = None) -> int:
        """The code of the refusal, nothing having been done."""
        before = self.sandbox.state.effects.copy(), len(self.sandbox.state.outbox)
        code = refusal(await self.ask(path, data))
        assert (self.sandbox.state.effects, len(self.sandbox.state.outbox)) == before
        return code


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Api]:
    """A new emulator's API."""
    sandbox = built(**options)
    api = Api(sandbox)
    async with api.http:
        yield api
    sandbox.close()


def refusal(answer: dict[str, Any]) -> int:
    """The code in an error envelope."""
    assert answer.keys() == {"error", "errorcode", "errormessage"}
    assert answer["error"] is True
    assert answer["errormessage"]
    code: int = answer["errorcode"]
    return code


async def letter(api: Api, id: int = 2) -> dict[str, Any]:
    """One letter; without an id the published one."""
    found: dict[str, Any] = (await api.ask(f"letter/get/id/{id}"))["item"]
    return found


def effects(api: Api) -> tuple[int, int, int]:
    """E-mails, letters by post, records changed."""
    counted = api.sandbox.state.effects
    assert counted.keys() == Counter(emails=0, letters=0, records=0).keys()
    return counted["emails"], counted["letters"], counted["records"]
