"""Each vendor's emulator behind a fault proxy, and a gateway's own way out to it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from adapters.contract import Adapter
from adapters.registry import load_vendors
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox, SandboxOptions
from gateway.connecting import connected_backends
from gateway.settings import BackendSettings, Settings
from tests.faults.fault_proxy import FaultProxy

__all__ = ["KEY", "NAMES", "TIMEOUT", "Proxied", "proxied_vendors"]

NAMES = tuple(load_vendors())
KEY = "test"
"""The backend's key."""

TIMEOUT = 2.0
"""Seconds that the backends' settings give a call, and the sign-in before it."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Proxied:
    """One vendor's emulator, and the proxy before it."""

    def __init__(self, name: str, sandbox: Sandbox, upstream: str, proxy: FaultProxy) -> None:
        self.name = name
        self.sandbox = sandbox
        self.upstream = upstream
        self.proxy = proxy

    @contextlib.asynccontextmanager
    async def connected(
        self,
        *,
        url: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - a setting
        limits: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> AsyncIterator[Adapter]:
        """The adapter over all of the gateway's outbound policies; ``url`` instead of the proxy's."""
        vendor = load_vendors()[self.name]
        configured = BackendSettings(
            key=KEY,
            vendor=vendor,
            base_url=(url or self.proxy.url) + self.sandbox.access.base_path,
            credentials=vendor.credentials.of(self.sandbox.access.credentials),
            settings=vendor.settings.of(settings or {}),
            limits=msgspec.structs.replace(vendor.limits, **(limits or {})),
            timeout=timeout,
        )
        async with connected_backends(Settings(backends=(configured,)), clock) as backends:
            yield backends.named(KEY).adapter


@contextlib.contextmanager
def proxied_vendors() -> Iterator[Mapping[str, Proxied]]:
    """All vendors by name, with the sample company."""
    sandboxes = {name: vendor.build_sandbox(SandboxOptions()) for name, vendor in load_vendors().items()}
    with SandboxServer(sandboxes) as server, contextlib.ExitStack() as stack:
        yield {
            name: Proxied(name, sandbox, server.url(name), stack.enter_context(FaultProxy(server.url(name))))
            for name, sandbox in sandboxes.items()
        }
