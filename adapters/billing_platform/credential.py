"""The bearer token that every call carries."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import httpx

from adapters.contract import Credentials
from adapters.messages import Row, changed_request, rows_of
from adapters.redaction import tell_secrets
from adapters.shapes import Check, SecretStr
from adapters.signing import SigningTransport
from adapters.wire import lies_under

__all__ = ["BillingPlatformCredentials", "authenticate"]

_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")


def _fits_a_header(token: SecretStr) -> None:
    if not _HEADER_VALUE.fullmatch(token.get_secret_value()):
        raise ValueError("a token is visible ASCII characters, without spaces or line ends")


class BillingPlatformCredentials(Credentials, frozen=True, kw_only=True):
    """The API token of one of the tenant's platform users; a read-only one is enough for reading."""

    token: Annotated[SecretStr, Check(_fits_a_header)]


def authenticate(
    inner: httpx.AsyncBaseTransport, *, base_url: str, credentials: BillingPlatformCredentials, **_unused: Any
) -> httpx.AsyncBaseTransport:
    """Puts the token on the requests that lie under ``base_url``. It has no session: a refused token stays refused."""
    return _BearerToken(inner, httpx.URL(base_url.rstrip("/") + "/"), credentials.token)


class _BearerToken(SigningTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, base: httpx.URL, token: SecretStr) -> None:
        super().__init__(inner)
        self._base = base
        self._token = token.get_secret_value()
        self._value = b"Bearer " + self._token.encode("ascii")

    def signed(self, request: httpx.Request) -> httpx.Request | None:
        more = ((b"Authorization", self._value),)
        return changed_request(request, more=more) if lies_under(self._base, request.url) else None

    def sent(self, request: httpx.Request) -> tuple[httpx.URL, Sequence[Row]] | None:
        if not lies_under(self._base, request.url):
            return None
        return request.url, (*rows_of(request.headers), (b"Authorization", b"authorization", self._value))

    def cleared(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:  # noqa: ARG002 - as above
        return tell_secrets(response, self._token)
