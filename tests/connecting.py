"""Connects adapters to emulators on real loopback sockets, as the gateway would, less its outbound policies."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from adapters.contract import Adapter, Connection, ListRequest, Vendor
from adapters.filters import FilterOptions
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import SandboxOptions
from tests.patience import PATIENCE

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
"""The tests' clock: the day the sample company's data ends."""

_WITHOUT_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loopback is spoken to in the clear; loading the authorities' certificates costs more than most tests."""


@dataclass
class RunningSandbox:
    """An emulator behind a socket, seen from outside."""

    url: str
    base_url: str
    credentials: Mapping[str, str]

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests that arrived after the ``since``-th."""
        entries: list[dict[str, Any]] = self._get(f"journal?since={since}")["entries"]
        return entries

    def count(self) -> int:
        """How many requests have arrived."""
        n: int = self._get("journal?since=999999999")["n"]
        return n

    def effects(self) -> dict[str, int]:
        """How many e-mails, letters and records the requests caused."""
        effects: dict[str, int] = self._get("journal?since=999999999")["effects"]
        return effects

    def outbox(self) -> list[dict[str, Any]]:
        """What left the house."""
        items: list[dict[str, Any]] = self._get("outbox")["items"]
        return items

    def fault(self, **members: Any) -> None:
        """Adds a fault (`adapters.sandboxing.Fault`)."""
        self._ask("POST", "faults", json=members)

    def clear_faults(self) -> None:
        """Drops all faults."""
        self._ask("DELETE", "faults")

    def _get(self, path: str) -> Any:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, **members: Any) -> Any:
        url = f"{self.url}/__sandbox/{path}"
        answer = httpx.request(method, url, verify=_WITHOUT_AUTHORITIES, trust_env=False, timeout=PATIENCE, **members)
        return answer.raise_for_status().json()


@contextlib.contextmanager
def running_sandbox(vendor: Vendor, options: SandboxOptions | None = None) -> Iterator[RunningSandbox]:
    """One vendor's emulator on a free loopback port."""
    sandbox = vendor.build_sandbox(options or SandboxOptions(clock=lambda: NOW))
    with SandboxServer({vendor.name: sandbox}) as server:
        yield RunningSandbox(server.url(vendor.name), server.base_url(vendor.name), sandbox.access.credentials)


@contextlib.asynccontextmanager
async def connected(
    vendor: Vendor,
    sandbox: RunningSandbox,
    *,
    credentials: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109 - of each call, a setting
    **settings: Any,
) -> AsyncIterator[Adapter]:
    """An adapter connected to an emulator, under the backend key ``test``. ``timeout`` is in seconds."""
    async with httpx.AsyncHTTPTransport(verify=_WITHOUT_AUTHORITIES) as engine:
        chosen = vendor.settings.of(settings)
        transport = vendor.authenticate(
            engine,
            key="test",
            base_url=sandbox.base_url,
            credentials=vendor.credentials.of(credentials or sandbox.credentials),
            settings=chosen,
            clock=lambda: NOW,
        )
        yield vendor.connect(
            Connection(
                key="test",
                base_url=sandbox.base_url,
                transport=transport,
                settings=chosen,
                limits=msgspec.structs.replace(vendor.limits, **(limits or {})),
                timeout=timeout,
                clock=lambda: NOW,
            )
        )


def asking(first: int = 50, **members: Any) -> ListRequest:
    """A list request as of the tests' day."""
    options = members.pop("options", FilterOptions(today=NOW.date()))
    return ListRequest(first=first, options=options, **members)
