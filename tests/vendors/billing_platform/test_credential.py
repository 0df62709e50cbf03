"""The token: where it goes, and where it never does."""

import io
import logging

import httpx
import pytest

from adapters.billing_platform import vendor
from adapters.billing_platform.credential import BillingPlatformCredentials, authenticate
from adapters.errors import BadCredentials, Forbidden
from adapters.shapes import RefusedError
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.vendors.billing_platform.connections import header
from tests.vendors.billing_platform.tenant import adapter_over, answering

TOKEN = "kept-secret-0123456789"
BASE_URL = "https://tenant.example.com/backend/api/v1"


async def carried(url: str) -> str | None:
    """The credential that a request to a URL leaves with."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    transport = authenticate(
        httpx.MockTransport(handler),
        key="test",
        base_url=BASE_URL,
        credentials=BillingPlatformCredentials.of({"token": TOKEN}),
        settings=None,
        clock=lambda: NOW,
    )
    sent = httpx.Request("GET", url)
    await transport.handle_async_request(sent)
    assert "authorization" not in sent.headers
    value: str | None = seen[0].headers.get("authorization")
    return value


async def test_a_request_below_the_base_carries_the_token() -> None:
    assert await carried(f"{BASE_URL}/customers/?active=true") == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/backend/api/v1/customers/",
        "http://tenant.example.com/backend/api/v1/customers/",
        "https://tenant.example.com:8443/backend/api/v1/customers/",
        "https://tenant.example.com.evil.example/backend/api/v1/customers/",
        "https://tenant.example.com/backend/api/v10/customers/",
        "https://tenant.example.com/backend/api/v1",
        "https://tenant.example.com/",
        "https://tenant.example.com/backend/api/v1/../../admin/keys",
        "https://tenant.example.com/backend/api/v1/%2e%2e/%2E%2E/admin/keys",
    ],
)
async def test_a_request_to_anywhere_else_carries_nothing(url: str) -> None:
    assert await carried(url) is None


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "https://other.example.com/"})

    adapter = adapter_over(elsewhere)
    assert adapter.customers is not None

    found = await adapter.customers.by_key(["1"], frozenset())

    assert (type(found["1"]).__name__, asked) == ("MalformedAnswer", [f"{BASE_URL}/customers/1"])


async def test_every_call_carries_the_token_once(company: RunningSandbox) -> None:
    async with connected(vendor, company) as adapter:
        assert adapter.customers is not None
        since = company.count()
        await adapter.customers.page(asking(1))

    (entry,) = company.journal(since)
    assert [value for name, value in entry["headers"] if name == "authorization"] == ["Bearer sandbox-token"]
    assert header(entry, "host") == company.url.removeprefix("http://")


async def test_a_refused_token_is_asked_once_and_named_as_the_backends(company: RunningSandbox) -> None:
    since = company.count()
    async with connected(vendor, company, credentials={"token": TOKEN}) as adapter:
        with pytest.raises(BadCredentials) as caught:
            await adapter.check()

    assert (caught.value.backend, caught.value.status, company.count() - since) == ("test", 401, 1)
    assert TOKEN not in repr(caught.value) + caught.value.message


async def test_a_permission_denied_is_forbidden() -> None:
    adapter = adapter_over(answering(403, b'{"error": "No", "error_code": 403123, "hint": "Ask the administrator"}'))

    with pytest.raises(Forbidden) as caught:
        await adapter.check()

    assert (caught.value.message, caught.value.vendor_code) == ("No: Ask the administrator", "403123")


@pytest.mark.parametrize("token", ["", " ", f"{TOKEN}\n", f"{TOKEN} x", "schlüssel"])
def test_a_token_that_no_header_takes_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        BillingPlatformCredentials.of({"token": token})

    assert TOKEN not in str(caught.value)


async def test_the_token_is_in_no_log_and_no_repr(company: RunningSandbox) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        async with connected(vendor, company) as adapter:
            await adapter.check()
            shown = repr(adapter)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)

    credentials = BillingPlatformCredentials.of({"token": TOKEN})
    assert "sandbox-token" not in lines.getvalue() + shown
    assert TOKEN not in repr(credentials) + str(credentials)
