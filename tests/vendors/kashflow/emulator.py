"""Asks an emulator in the same process, as its own API's client would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from adapters.kashflow.sandbox import build_sandbox
from adapters.sandboxing import Sandbox, SandboxOptions

__all__ = ["HOST", "NOW", "Api", "Clock", "built", "log_in", "opened", "refusal"]

HOST = "http://127.0.0.1:8123"
NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Api:
    """An emulator, its clock, and a client that is logged in to it."""

    sandbox: Sandbox
    clock: Clock
    client: httpx.AsyncClient = field(repr=False)

    async def get(self, path: str, **parameters: object) -> Any:
        answer = await self.client.get(path, params={name: str(value) for name, value in parameters.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def codes(self, **parameters: object) -> list[str]:
        """The codes of one page of customers."""
        return [row["Code"] for row in (await self.get("/customers", **parameters))["Data"]]

    async def send(self, codes: object, query: str = "") -> httpx.Response:
        return await self.client.post(f"/customerstatements/bulk/email{query}", json=codes)

    @property
    def effects(self) -> dict[str, int]:
        return dict(self.sandbox.state.effects)


def built(clock: Clock | None = None, **options: Any) -> Sandbox:
    return build_sandbox(SandboxOptions(**{"clock": clock or Clock(), **options}))


def unauthenticated(sandbox: Sandbox) -> httpx.AsyncClient:
    base_url = HOST + sandbox.access.base_path
    return httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url=base_url)


async def log_in(client: httpx.AsyncClient, sandbox: Sandbox) -> str:
    """A session token, by both steps."""
    known = sandbox.access.credentials
    first = (
        await client.post("/sessiontoken", json={"UserName": known["username"], "Password": known["password"]})
    ).json()
    letters = [
        {"Position": asked["Position"], "Value": known["memorable_word"][asked["Position"] - 1]}
        for asked in first["MemorableWordList"]
    ]
    second = {"TemporaryToken": first["TemporaryToken"], "MemorableWordList": letters}
    token: str = (await client.put("/sessiontoken", json=second)).json()["SessionToken"]
    return token


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Api]:
    clock = Clock()
    sandbox = built(clock, **options)
    async with unauthenticated(sandbox) as client:
        client.headers["Authorization"] = f"KfToken {await log_in(client, sandbox)}"
        yield Api(sandbox, clock, client)
    sandbox.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and the name of the error; the envelope has just two keys."""
    envelope = answer.json()
    assert envelope.keys() == {"Message", "Error"}
    return answer.status_code, envelope["Error"]
