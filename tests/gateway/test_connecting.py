"""What connects to the vendors: opened, and closed at the end."""

import asyncio
from typing import Any

import httpx
import pytest

from adapters.contract import VendorSettings
from adapters.shapes import SecretStr
from gateway.connecting import connected_backends
from gateway.settings import BackendSettings, Settings
from gateway.upstream.engine import EngineTransport
from tests.gateway.fake_vendors import TokenCredentials, vendor_named
from tests.upstream.misbehaving import answering, serving


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

    async with connected_backends(over("https://acme.example.com/api", authenticate=authenticate)):
        assert closed == []
    assert len(set(closed)) == 2


@pytest.mark.parametrize(("left_alone", "reached"), [("reading", 1), ("sending", 0)])
async def test_a_vendor_is_reached_ahead_of_a_send_unless_it_is_left_alone(left_alone: str, reached: int) -> None:
    async with serving(answering) as server, connected_backends(over(server.url)) as backends:
        one, other = backends
        one.health.leaves_alone(left_alone, True)
        with one.ahead() as reach_one, other.ahead() as reach_other:
            for reach in (reach_one, reach_other):
                if reach is not None:
                    reach()
            while server.connections < 1 + reached:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
        await server.all_closed()
    assert (server.connections, server.requests) == (1 + reached, [])


def over(base_url: str, **members: Any) -> Settings:
    """Two backends of one vendor at this URL; ``members`` are the vendor's."""
    vendor = vendor_named("acme", **members)
    backends = tuple(
        BackendSettings(
            key=key,
            vendor=vendor,
            base_url=base_url,
            credentials=TokenCredentials(token=SecretStr("t")),
            settings=VendorSettings(),
            limits=vendor.limits,
        )
        for key in ("a", "b")
    )
    return Settings(backends=backends)
