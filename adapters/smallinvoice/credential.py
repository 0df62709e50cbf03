"""The credential: a user's token, which this vendor wants in the path of every URL (api/general/overview).

So the URL that goes out is a secret. It exists below this transport only: requests, answers and errors above it carry
the URL without the token.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import httpx

from adapters.contract import Credentials
from adapters.messages import changed_request, headers_without, parts_of, path_of, rows_of, same_server_url
from adapters.redaction import tell_secrets
from adapters.shapes import Check, SecretStr
from adapters.signing import SigningTransport
from adapters.wire import lies_under

__all__ = ["SmallinvoiceCredentials", "authenticate"]

_ONE_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[!-~]{1,256}")


def _fits_into_a_path(token: SecretStr) -> None:
    if _ONE_SEGMENT.fullmatch(token.get_secret_value()) is None:
        raise ValueError("a token has no spaces, no line breaks and only ASCII characters")


class SmallinvoiceCredentials(Credentials, frozen=True, kw_only=True):
    """``token``: a user's, from the vendor's Configuration, Users, My API Token. A new one disables the old."""

    token: Annotated[SecretStr, Check(_fits_into_a_path)]


def authenticate(
    inner: httpx.AsyncBaseTransport,
    *,
    key: str,  # noqa: ARG001 - the contract's signature
    base_url: str,
    credentials: SmallinvoiceCredentials,
    settings: Any,  # noqa: ARG001 - the contract's signature
    clock: Callable[[], datetime],  # noqa: ARG001 - the contract's signature
) -> httpx.AsyncBaseTransport:
    """A transport that puts the token into the path."""
    return _TokenTransport(inner, httpx.URL(base_url.rstrip("/") + "/"), credentials.token)


class _TokenTransport(SigningTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, base: httpx.URL, token: SecretStr) -> None:
        super().__init__(inner)
        self._base = base
        self._token = token.get_secret_value()
        self._pair = "/token/" + quote(self._token, safe="")
        self._pair_sent = self._pair.encode("ascii")

    def signed(self, request: httpx.Request) -> httpx.Request | None:
        return self._with_token(request) if lies_under(self._base, request.url) else None

    def cleared(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        response.request = request
        for _, _, value in rows_of(response.headers):
            if self._pair_sent in value:
                response.headers = self._without_token(response.headers)
                break
        return tell_secrets(response, self._token)

    def _without_token(self, headers: httpx.Headers) -> httpx.Headers:
        """The same without the fields that repeat it: a redirect's address, for one."""
        return headers_without(headers, {name for _, name, value in rows_of(headers) if self._pair_sent in value})

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        """A copy that goes to ``<path>/token/<token>``, with a slash at the end where the path had one."""
        path = path_of(request.url)
        path = f"{path[:-1]}{self._pair}/" if path.endswith("/") else path + self._pair
        return changed_request(request, url=same_server_url(request.url, path, parts_of(request.url).query))
