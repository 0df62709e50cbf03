"""Signing in: OAuth 2.0 client credentials, one sign-in for all who wait, and one renewal after a refusal.

Source: the vendor's OAuth guide, read 2026-11. No refresh token is used: renewing with one invalidates it for whoever
else works with the same user and company.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import httpx
from msgspec import Meta, Struct

from adapters.answers import decode_json
from adapters.content_coding import decoded
from adapters.contract import Credentials, VendorSettings
from adapters.errors import AdapterError, BadCredentials, MalformedAnswer
from adapters.messages import changed_request
from adapters.redaction import tell_secrets
from adapters.sage_intacct.envelope import error_in, says_token_is_invalid
from adapters.shapes import Check, SecretStr
from adapters.wire import EXTENSION, Answer, CallInfo, Wire, WireRequest, lies_under

__all__ = ["IntacctCredentials", "IntacctSettings", "authenticate"]

OPERATION = "session.login"
LONGEST_EARLY = timedelta(seconds=60)
"""How long before its end a token is no longer used; a tenth of its life, where that is less."""
LONGEST_REFUSAL = 1_048_576
"""Bytes of a 400 that are read to see whether it is about the token."""
_OF_THE_CODED_BODY = frozenset(("content-encoding", "content-length", "transfer-encoding"))


def _names_its_company(username: SecretStr) -> None:
    user, _, company = username.get_secret_value().partition("@")
    if not user or not company:
        raise ValueError("must be user@company")


class IntacctCredentials(Credentials, frozen=True, kw_only=True):
    """Of a registered client application, and the Web Services user that it acts as: ``user@company``."""

    client_id: SecretStr
    client_secret: SecretStr
    username: Annotated[SecretStr, Check(_names_its_company)]


class IntacctSettings(VendorSettings, frozen=True, kw_only=True):
    """``entity``: the entity to work in; without it, the user's own or the top level."""

    entity: Annotated[str, Meta(pattern=r"^[\x20-\x7e]+\Z", description="visible ASCII characters")] | None = None


class _Grant(Struct):
    access_token: Annotated[str, Meta(pattern=r"^[\x21-\x7e]+$")]
    expires_in: int | None = None


class _Token:
    """An access token, and when to stop using it (None: when it is refused)."""

    __slots__ = ("until", "value")

    def __init__(self, value: str, until: datetime | None) -> None:
        self.value = value
        self.until = until


class _SignedIn(httpx.AsyncBaseTransport):
    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        key: str,
        base_url: str,
        credentials: IntacctCredentials,
        clock: Callable[[], datetime],
    ) -> None:
        self._inner = inner
        self._backend = key
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        self._wire = Wire(backend=key, base_url=base_url, transport=inner)
        self._credentials = credentials
        self._secrets = tuple(value.get_secret_value() for value in credentials.named().values())
        self._clock = clock
        self._token: _Token | None = None
        self._signing_in: asyncio.Task[_Token] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to the request with a token. One that is refused for its token alone is sent once more."""
        if not lies_under(self._base, request.url):
            return await self._inner.handle_async_request(request)
        token = await self._fresh_token(None)
        response = await self._inner.handle_async_request(_with_token(request, token))
        refused, response = await self._refuses_token(request, response)
        if not refused:
            return tell_secrets(response, token.value, *self._secrets)
        renewed = await self._fresh_token(token)
        response = await self._inner.handle_async_request(_with_token(request, renewed))
        return tell_secrets(response, token.value, renewed.value, *self._secrets)

    async def aclose(self) -> None:
        """Closes the way out."""
        if self._signing_in is not None:
            self._signing_in.cancel()
        await self._inner.aclose()

    async def _fresh_token(self, refused: _Token | None) -> _Token:
        """A token other than ``refused``. Whoever waits for a sign-in may leave without ending it for the others."""
        token = self._token
        if token is not None and token is not refused and (token.until is None or self._clock() < token.until):
            return token
        if self._signing_in is None:
            self._signing_in = asyncio.create_task(self._sign_in())
            self._signing_in.add_done_callback(self._signed_in)
        return await asyncio.shield(self._signing_in)

    def _signed_in(self, task: asyncio.Task[_Token]) -> None:
        self._signing_in = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _sign_in(self) -> _Token:
        credentials = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id.get_secret_value(),
            "client_secret": credentials.client_secret.get_secret_value(),
            "username": credentials.username.get_secret_value(),
        }
        request = WireRequest(
            operation=OPERATION,
            method="POST",
            path=("oauth2", "token"),
            headers=(("Content-Type", "application/x-www-form-urlencoded"),),
            body=urlencode(form).encode("ascii"),
            secrets=self._secrets,
        )
        asked_at = self._clock()
        try:
            grant = self._granted(await self._wire.send(request))
        except AdapterError as error:
            error.never_sent = True  # the request that waits for the token was not done
            raise
        if grant.expires_in is None:
            return _Token(grant.access_token, None)
        life = timedelta(seconds=grant.expires_in)
        return _Token(grant.access_token, asked_at + life - min(LONGEST_EARLY, life / 10))

    def _granted(self, answer: Answer) -> _Grant:
        """The grant. A refusal's own words are not repeated: they may quote what was sent."""
        error = error_in(answer, backend=self._backend)
        if error is None:
            return decode_json(answer, _Grant, backend=self._backend)
        kind = BadCredentials if answer.status in (400, 401, 403) else type(error)
        raise kind(
            "Sage Intacct did not grant a session.",
            backend=self._backend,
            operation=OPERATION,
            status=answer.status,
            vendor_code=error.vendor_code,
            request_id=error.request_id,
            retry_after=error.retry_after,
        )

    async def _refuses_token(self, request: httpx.Request, response: httpx.Response) -> tuple[bool, httpx.Response]:
        """Whether the answer refuses the token, which proves that nothing was done; and the answer, to be read yet."""
        if response.status_code == 401:
            await response.aclose()
            return True, response
        if response.status_code != 400:
            return False, response
        if response.is_stream_consumed:
            return says_token_is_invalid(await response.aread()), response
        body = await self._read(request, response)
        # The body was decoded, and its length is another.
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_CODED_BODY]
        read = httpx.Response(400, headers=headers, content=body, extensions=response.extensions)
        return says_token_is_invalid(body), read

    async def _read(self, request: httpx.Request, response: httpx.Response) -> bytes:
        body = b""
        try:
            async for part in decoded(response):
                body += part
                if len(body) > LONGEST_REFUSAL:
                    info = request.extensions.get(EXTENSION)
                    operation = info.operation if isinstance(info, CallInfo) else ""
                    raise MalformedAnswer(
                        "The vendor's refusal has no end.", backend=self._backend, operation=operation, status=400
                    )
        finally:
            await response.aclose()
        return body


def _with_token(request: httpx.Request, token: _Token) -> httpx.Request:
    return changed_request(request, more=((b"Authorization", b"Bearer " + token.value.encode("ascii")),))


def authenticate(
    inner: httpx.AsyncBaseTransport,
    *,
    key: str,
    base_url: str,
    credentials: IntacctCredentials,
    settings: IntacctSettings,  # noqa: ARG001 - the entity is part of each request, where a dry run shows it
    clock: Callable[[], datetime],
) -> httpx.AsyncBaseTransport:
    """The transport around ``inner`` that signs in and carries the token."""
    return _SignedIn(inner, key=key, base_url=base_url, credentials=credentials, clock=clock)
