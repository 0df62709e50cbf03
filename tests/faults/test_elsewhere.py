"""A credential goes to its backend only: not to where a redirect points, nor to who cannot prove who they are."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.errors import AdapterError, Unavailable
from tests.connecting import asking
from tests.faults.fault_proxy import FaultProxy, nowhere
from tests.faults.proxied import NAMES, Proxied
from tests.faults.wire_faults import redirected

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
"""A key that everybody has, and its certificate for 127.0.0.1."""


@pytest.fixture
def elsewhere(proxied: Proxied) -> Iterator[FaultProxy]:
    """A second listener, which would answer as the vendor does."""
    with FaultProxy(proxied.upstream) as other:
        yield other


@pytest.fixture
def self_signed(proxied: Proxied) -> Iterator[FaultProxy]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    with FaultProxy(proxied.upstream, tls=context) as other:
        yield other


async def listed(proxied: Proxied, *, url: str | None = None) -> str | AdapterError:
    """What a list of customers, and the sign-in before it, end in."""
    async with proxied.connected(url=url) as adapter:
        assert adapter.customers is not None
        try:
            return f"{len((await adapter.customers.page(asking(2))).records)} customers"
        except AdapterError as error:
            return error


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("when", ["at once", "signed in"])
@pytest.mark.parametrize("vendor", NAMES)
async def test_no_redirect_takes_anything_to_another_host(
    proxied: Proxied, elsewhere: FaultProxy, when: str, status: int
) -> None:
    async with proxied.connected() as adapter:
        assert adapter.customers is not None
        if when == "signed in":
            await adapter.customers.page(asking(2))
        proxied.proxy.forget()
        proxied.proxy.play(redirected(elsewhere.url, status))
        with pytest.raises(AdapterError) as caught:
            await adapter.customers.page(asking(2))
    assert (caught.value.backend, elsewhere.connections, elsewhere.calls) == ("test", [], [])
    assert str(elsewhere.port) not in str(caught.value)
    assert len(proxied.proxy.calls) == 1


@pytest.mark.parametrize("vendor", NAMES)
async def test_tls_to_a_port_that_speaks_plainly_is_unavailable(proxied: Proxied) -> None:
    error = await listed(proxied, url=proxied.proxy.url.replace("http:", "https:"))
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
    assert proxied.proxy.calls == []


@pytest.mark.parametrize("vendor", NAMES)
async def test_a_plain_request_to_a_port_that_speaks_tls_is_unavailable(
    proxied: Proxied, self_signed: FaultProxy
) -> None:
    error = await listed(proxied, url=self_signed.url.replace("https:", "http:"))
    assert (type(error), self_signed.calls) == (Unavailable, [])


@pytest.mark.parametrize("vendor", NAMES)
async def test_who_signed_its_own_certificate_is_told_nothing(proxied: Proxied, self_signed: FaultProxy) -> None:
    error = await listed(proxied, url=self_signed.url)
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
    assert self_signed.calls == []


@pytest.mark.parametrize("vendor", NAMES)
async def test_a_port_at_which_nobody_listens_is_unavailable(proxied: Proxied) -> None:
    error = await listed(proxied, url=nowhere())
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
