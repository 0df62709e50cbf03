"""The bearer token that every call carries."""

import re
from typing import Any

import httpx
from pydantic import SecretStr, field_validator

from adapters.contract import Credentials
from adapters.messages import changed_request
from adapters.redaction import tell_secrets
from adapters.wire import lies_under

__all__ = ["BillingPlatformCredentials", "authenticate"]

_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")


class BillingPlatformCredentials(Credentials):
    """The API token of one of the tenant's platform users; a read-only one is enough for reading."""

    token: SecretStr

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        if not _HEADER_VALUE.fullmatch(token.get_secret_value()):
            raise ValueError("a token is visible ASCII characters, without spaces or line ends")
        return token


def authenticate(
    inner: httpx.AsyncBaseTransport, *, base_url: str, credentials: BillingPlatformCredentials, **_unused: Any
) -> httpx.AsyncBaseTransport:
    """Puts the token on the requests that lie under ``base_url``. It has no session: a refused token stays refused."""
    return _BearerToken(inner, httpx.URL(base_url.rstrip("/") + "/"), credentials.token)


class _BearerToken(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, base: httpx.URL, token: SecretStr) -> None:
        self._inner = inner
        self._base = base
        self._token = token.get_secret_value()
        self._field = (b"Authorization", b"Bearer " + self._token.encode("ascii"))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not lies_under(self._base, request.url):
            return await self._inner.handle_async_request(request)
        # A new request: the policies outside log and repeat theirs, which never carries the token.
        request = changed_request(request, more=(self._field,))
        return tell_secrets(await self._inner.handle_async_request(request), self._token)

    async def aclose(self) -> None:
        await self._inner.aclose()
