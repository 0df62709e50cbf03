"""The gateway over the vendors' emulators on real sockets, in this process or served; and what the emulators saw."""

import contextlib
import dataclasses
import json
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn

from adapters.registry import load_vendors
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Fault, Sandbox, SandboxOptions
from gateway.app import Gateway, build_app, running_gateway
from gateway.ids import encode
from gateway.server.serving import server_config
from gateway.settings import Settings, sandbox_settings
from tests import connecting
from tests.dispatching import InlineEngine

__all__ = ["NOW", "Call", "Reply", "Stage", "configured", "emulators", "id_of", "served", "staged"]

NOW = connecting.NOW.replace(minute=34)
"""Everybody's clock. Not noon, which a vendor writes for a mere date."""

VENDORS = load_vendors()
SIGN_INS = ("/sessiontoken", "/oauth2/token")
"""Where sessions begin: what a call budget does not count."""


@dataclass(frozen=True)
class Call:
    """One request, as it arrived at an emulator."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    status: int | None

    @property
    def line(self) -> str:
        """``METHOD path?query``, undecoded."""
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body, a form."""
        return dict(parse_qsl(self.body, strict_parsing=True))


@dataclass(frozen=True)
class Reply:
    """What a query was answered, and what it had the vendors asked (sign-ins apart)."""

    data: Any
    errors: list[dict[str, Any]]
    calls: Mapping[str, list[Call]]

    def at(self, backend: str) -> list[Call]:
        """The calls at one vendor, named as its backend is."""
        return self.calls[backend]

    def lines(self, backend: str) -> list[str]:
        """Their lines."""
        return [call.line for call in self.calls[backend]]

    @property
    def counts(self) -> dict[str, int]:
        """How many calls there were at each vendor that was called at all."""
        return {backend: len(calls) for backend, calls in self.calls.items() if calls}


@dataclass
class Stage:
    """A gateway and the emulators behind it, by backend key."""

    gateway: Gateway
    sandboxes: Mapping[str, Sandbox]
    marks: dict[str, int] = field(default_factory=dict)

    async def ask(self, query: str, **variables: Any) -> Reply:
        """The answer to a query or mutation."""
        self.mark()
        result = await self.gateway.operations.execute(query, variables, self.gateway.context())
        errors = [dict(error.formatted) for error in result.errors or ()]
        return Reply(result.data, errors, self.calls())

    async def data(self, query: str, **variables: Any) -> Any:
        """The data, of a query that has no errors."""
        reply = await self.ask(query, **variables)
        assert reply.errors == []
        return reply.data

    def mark(self) -> None:
        """Forgets what has arrived so far."""
        self.marks = {key: sandbox.state.requests for key, sandbox in self.sandboxes.items()}

    def calls(self, *, sign_ins: bool = False) -> dict[str, list[Call]]:
        """What has arrived since the last question began."""
        found: dict[str, list[Call]] = {}
        for key, sandbox in self.sandboxes.items():
            entries = sandbox.state.journal_since(self.marks.get(key, 0))
            calls = [
                Call(
                    entry["method"],
                    entry["raw_path"],
                    entry["query"],
                    dict(entry["headers"]),
                    entry["body"],
                    entry["status"],
                )
                for entry in entries
            ]
            found[key] = [call for call in calls if sign_ins or not call.path.endswith(SIGN_INS)]
        return found

    def fault(self, key: str, **members: Any) -> None:
        """Adds a fault at one emulator."""
        self.sandboxes[key].state.faults.append(Fault(**members))

    def clear_faults(self) -> None:
        """Drops all faults."""
        for sandbox in self.sandboxes.values():
            sandbox.state.drop_faults()


def id_of(type_name: str, backend: str, native_id: object) -> str:
    """The global id of a record."""
    return encode(type_name, backend, str(native_id))


@contextlib.contextmanager
def emulators(*names: str, seed: Any = "company", settings: Mapping[str, Any] | None = None) -> Iterator[SandboxServer]:
    """These vendors' emulators (all without names), on free loopback ports."""
    options = SandboxOptions(seed=seed, clock=lambda: NOW, settings=settings or {})
    with SandboxServer({name: VENDORS[name].build_sandbox(options) for name in names or VENDORS}) as server:
        yield server


def configured(server: SandboxServer, **backends: Mapping[str, Any]) -> Settings:
    """The settings over emulators; ``backends`` changes members of single ones, by vendor.

    ``settings``, ``limits`` and ``credentials`` are given by their keys.
    """
    urls = {name: server.base_url(name) for name in server.sandboxes}
    credentials = {name: sandbox.access.credentials for name, sandbox in server.sandboxes.items()}
    settings = sandbox_settings(urls, credentials, VENDORS, ledger=Path(tempfile.mkdtemp()) / "ledger.sqlite3")
    changed = []
    for backend in settings.backends:
        members = dict(backends.get(backend.vendor.name, {}))
        if "settings" in members:
            members["settings"] = backend.vendor.settings.of(members["settings"])
        if "limits" in members:
            members["limits"] = msgspec.structs.replace(backend.limits, **members["limits"])
        if "credentials" in members:
            members["credentials"] = backend.vendor.credentials.of(members["credentials"])
        changed.append(dataclasses.replace(backend, **members))
    return dataclasses.replace(settings, backends=tuple(changed))


@contextlib.asynccontextmanager
async def staged(server: SandboxServer, settings: Settings | None = None) -> AsyncIterator[Stage]:
    """A gateway in this process over running emulators."""
    chosen = settings or configured(server)
    async with running_gateway(chosen, lambda: NOW, InlineEngine) as gateway:
        sandboxes = {name.replace("_", "-"): sandbox for name, sandbox in server.sandboxes.items()}
        try:
            yield Stage(gateway, sandboxes)
        finally:
            for sandbox in sandboxes.values():
                sandbox.state.drop_faults()


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The whole application on a free loopback port; gives its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = dataclasses.replace(settings, server=msgspec.structs.replace(settings.server, port=port))
    app = build_app(settings, lambda: NOW, InlineEngine)
    server = uvicorn.Server(server_config(app, settings.connections, grace_seconds=5, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
