"""What a gateway opened is closed at its end."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.contract import VendorSettings
from gateway.connecting import connected_backends
from gateway.settings import BackendSettings, Settings
from gateway.upstream.engine import EngineTransport
from tests.gateway.fake_vendors import TokenCredentials, vendor_named


class SignedIn(httpx.AsyncBaseTransport):
    """A credential."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Closes what is inside."""
        await self._inner.aclose()


async def test_every_backends_whole_way_out_is_closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[EngineTransport] = []
    close = EngineTransport.aclose

    async def noting(engine: EngineTransport) -> None:
        closed.append(engine)
        await close(engine)

    monkeypatch.setattr(EngineTransport, "aclose", noting)

    def authenticate(inner: httpx.AsyncBaseTransport, **_: Any) -> httpx.AsyncBaseTransport:
        return SignedIn(inner)

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
    assert len(set(closed)) == 2
