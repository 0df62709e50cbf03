"""A credential goes to its backend only: not to where a redirect points, nor to who cannot prove who they are."""

import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from adapters.errors import AdapterError, Unavailable
from tests.connecting import asking
from tests.faults.conftest import NoteRead
from tests.faults.fault_proxy import FaultProxy, nowhere
from tests.faults.proxied import NAMES, TIMEOUT, Proxied
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


Listing = Callable[..., Awaitable[str | AdapterError]]


@pytest.fixture
def listed(proxied: Proxied, note_read: NoteRead) -> Listing:
    """What a list of customers, and the sign-in before it, end in; noted for the table."""

    async def listed(fault: str, asked: FaultProxy, *, url: str | None = None) -> str | AdapterError:
        found: str | AdapterError
        async with proxied.connected(url=url) as adapter:
            assert adapter.customers is not None
            begun = time.monotonic()
            try:
                found = f"{len((await adapter.customers.page(asking(2))).records)} customers"
            except AdapterError as error:
                found = error
        said = type(found).__name__ if isinstance(found, AdapterError) else found
        seconds, calls = time.monotonic() - begun, len(asked.calls)
        note_read(fault, proxied.name, said, seconds=seconds, timeout=TIMEOUT, calls=calls)
        return found

    return listed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("vendor", NAMES)
async def test_a_redirect_takes_no_credential_to_another_host(
    proxied: Proxied, elsewhere: FaultProxy, status: int, listed: Listing
) -> None:
    proxied.proxy.play(redirected(elsewhere.url, status))
    error = await listed(f"redirect, {status}", proxied.proxy)
    assert isinstance(error, AdapterError)
    assert (elsewhere.connections, len(proxied.proxy.calls)) == ([], 1)
    assert str(elsewhere.port) not in str(error)


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("vendor", NAMES)
async def test_a_redirect_takes_no_session_to_another_host(
    proxied: Proxied, elsewhere: FaultProxy, status: int
) -> None:
    async with proxied.connected() as adapter:
        assert adapter.customers is not None
        await adapter.customers.page(asking(2))
        proxied.proxy.forget()
        proxied.proxy.play(redirected(elsewhere.url, status))
        with pytest.raises(AdapterError) as caught:
            await adapter.customers.page(asking(2))
    assert (caught.value.backend, elsewhere.connections, len(proxied.proxy.calls)) == ("test", [], 1)


@pytest.mark.parametrize("vendor", NAMES)
async def test_tls_to_a_port_that_speaks_plainly_is_unavailable(proxied: Proxied, listed: Listing) -> None:
    error = await listed("TLS to a plain port", proxied.proxy, url=proxied.proxy.url.replace("http:", "https:"))
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
    assert proxied.proxy.calls == []


@pytest.mark.parametrize("vendor", NAMES)
async def test_a_plain_request_to_a_port_that_speaks_tls_is_unavailable(
    self_signed: FaultProxy, listed: Listing
) -> None:
    error = await listed("plain to a TLS port", self_signed, url=self_signed.url.replace("https:", "http:"))
    assert (type(error), self_signed.calls) == (Unavailable, [])


@pytest.mark.parametrize("vendor", NAMES)
async def test_who_signed_its_own_certificate_is_told_nothing(self_signed: FaultProxy, listed: Listing) -> None:
    error = await listed("self-signed", self_signed, url=self_signed.url)
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
    assert self_signed.calls == []


@pytest.mark.parametrize("vendor", NAMES)
async def test_a_port_at_which_nobody_listens_is_unavailable(proxied: Proxied, listed: Listing) -> None:
    with nowhere() as url:
        error = await listed("nobody listens", proxied.proxy, url=url)
    assert (type(error), getattr(error, "never_sent", None)) == (Unavailable, True)
