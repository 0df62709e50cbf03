"""What a gateway opened is closed at its end."""

from typing import Any

import httpx
from pydantic import SecretStr

from adapters.contract import VendorSettings
from gateway.connecting import connected_backends
from gateway.settings import BackendSettings, Settings
from gateway.upstream.engine import EngineTransport
from tests.gateway.fake_vendors import TokenCredentials, vendor_named


class SignedIn(httpx.AsyncBaseTransport):
    """A credential that notes when it is closed."""

    def __init__(self, inner: httpx.AsyncBaseTransport, closed: list[object]) -> None:
        self._inner = inner
        self._closed = closed

    async def aclose(self) -> None:
        """Notes it, and closes what is inside."""
        self._closed.append(type(self._inner))
        await self._inner.aclose()


async def test_every_backends_whole_way_out_is_closed_at_the_end() -> None:
    closed: list[object] = []

    def authenticate(inner: httpx.AsyncBaseTransport, **_: Any) -> httpx.AsyncBaseTransport:
        return SignedIn(inner, closed)

    vendor = vendor_named("acme", authenticate=authenticate)
    backends = tuple(
        BackendSettings(
            key=key,
            vendor=vendor,
            base_url="https://acme.example.com/api",
            credentials=TokenCredentials(token=SecretStr("t")),
            settings=VendorSettings(),
            limits=vendor.limits,
        )
        for key in ("a", "b")
    )
    async with connected_backends(Settings(backends=backends)):
        assert closed == []
    assert closed == [EngineTransport] * 2
