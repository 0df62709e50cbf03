"""Signs in, and adds the session to each request.

The session lasts until it has been idle for an hour or so; its end shows as a 401, which proves that nothing was done.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from adapters.answers import decode_json
from adapters.contract import Credentials, VendorSettings
from adapters.errors import AdapterError, BadCredentials
from adapters.kashflow.refusals import sign_in_error_of
from adapters.kashflow.rows import MemorableLetter, SessionAnswer, SignInAnswer
from adapters.messages import changed_request
from adapters.redaction import tell_secrets
from adapters.shapes import SecretStr
from adapters.wire import Wire, WireRequest, lies_under

__all__ = ["OPERATION", "KashFlowCredentials", "authenticate"]

OPERATION = "session.login"

_PAUSE_AFTER_REFUSAL = timedelta(minutes=10)
"""The vendor locks an account after some failed sign-ins, and does not say how many."""

T = TypeVar("T")


class KashFlowCredentials(Credentials, frozen=True, kw_only=True):
    """A user of the vendor's service: the name, the password and the memorable word of its web page."""

    username: SecretStr
    password: SecretStr
    memorable_word: SecretStr


def authenticate(
    inner: httpx.AsyncBaseTransport,
    *,
    key: str,
    base_url: str,
    credentials: KashFlowCredentials,
    settings: VendorSettings,  # noqa: ARG001 - the contract's signature
    clock: Callable[[], datetime],
) -> httpx.AsyncBaseTransport:
    """A transport that signs in when it must, and once again when its session has ended."""
    wire = Wire(backend=key, base_url=base_url, transport=inner)
    return _SessionTransport(inner, wire.base_url, _SignIn(wire, credentials, clock))


class _Session(Struct, frozen=True):
    token: str
    generation: int


class _Refusal(Struct, frozen=True):
    """What the vendor said of the credentials. An exception raised again and again would keep all its traces."""

    message: str
    status: int
    vendor_code: str | None

    def error(self, backend: str) -> BadCredentials:
        return BadCredentials(
            self.message,
            backend=backend,
            operation=OPERATION,
            status=self.status,
            vendor_code=self.vendor_code,
            never_sent=True,
        )


class _SessionTransport(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, base: httpx.URL, sign_in: "_SignIn") -> None:
        self._inner = inner
        self._base = base
        self._sign_in = sign_in

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not lies_under(self._base, request.url):
            return await self._inner.handle_async_request(request)
        session = await self._sign_in.session(after=0)
        response = await self._inner.handle_async_request(_with_session(request, session))
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return tell_secrets(response, session.token, *self._sign_in.secrets)
        await response.aclose()
        renewed = await self._sign_in.session(after=session.generation)
        response = await self._inner.handle_async_request(_with_session(request, renewed))
        return tell_secrets(response, session.token, renewed.token, *self._sign_in.secrets)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _with_session(request: httpx.Request, session: _Session) -> httpx.Request:
    """A copy, so that the layers above, which log the request, never hold the credential."""
    return changed_request(request, more=((b"authorization", b"KfToken " + session.token.encode("ascii")),))


class _SignIn:
    """The session that all requests share. One sign-in serves all who wait for it."""

    def __init__(self, wire: Wire, credentials: KashFlowCredentials, clock: Callable[[], datetime]) -> None:
        self._wire = wire
        self._credentials = credentials
        self.secrets = tuple(value.get_secret_value() for value in credentials.named().values())
        self._clock = clock
        self._current: _Session | None = None
        self._running: asyncio.Task[_Session] | None = None
        self._refusal: _Refusal | None = None
        self._refused_until: datetime | None = None

    async def session(self, *, after: int) -> _Session:
        """A session newer than the generation ``after``.

        Raises the error of the sign-in; whatever request waited for it has not been done.
        """
        if self._current is not None and self._current.generation > after:
            return self._current
        if self._running is None:
            self._running = asyncio.create_task(self._begin(after + 1))
            self._running.add_done_callback(self._ended)
        return await asyncio.shield(self._running)

    def _ended(self, _: asyncio.Task[_Session]) -> None:
        self._running = None

    async def _begin(self, generation: int) -> _Session:
        if self._refusal is not None and self._refused_until is not None and self._clock() < self._refused_until:
            raise self._refusal.error(self._wire.backend)
        try:
            token = await self._two_steps()
        except AdapterError as error:
            error.never_sent = True
            if isinstance(error, BadCredentials) and error.status is not None:
                self._refusal = _Refusal(error.message, error.status, error.vendor_code)
                self._refused_until = self._clock() + _PAUSE_AFTER_REFUSAL
            raise
        self._refusal = None
        self._current = _Session(token, generation)
        return self._current

    async def _two_steps(self) -> str:
        user = self._credentials
        names = {"UserName": user.username.get_secret_value(), "Password": user.password.get_secret_value()}
        first = await self._call("POST", names, SignInAnswer)
        letters = [self._letter(asked.position) for asked in first.memorable_word_list]
        step = {"TemporaryToken": first.temporary_token, "MemorableWordList": letters, "KeepUserLoggedIn": False}
        return (await self._call("PUT", step, SessionAnswer)).session_token

    def _letter(self, position: int) -> MemorableLetter:
        word = self._credentials.memorable_word.get_secret_value()
        if not 1 <= position <= len(word):
            message = "The vendor asks for a letter that the memorable word does not have."
            raise BadCredentials(message, backend=self._wire.backend, operation=OPERATION)
        return MemorableLetter(position, word[position - 1])

    async def _call(self, method: str, body: dict[str, Any], type_: type[T]) -> T:
        request = WireRequest(
            operation=OPERATION,
            method=method,
            path=("sessiontoken",),
            headers=(("accept", "application/json"), ("content-type", "application/json")),
            body=msgspec.json.encode(body),
            secrets=(*self.secrets, str(body.get("TemporaryToken", ""))),
        )
        answer = await self._wire.send(request)
        if not 200 <= answer.status < 300:
            raise sign_in_error_of(answer, backend=self._wire.backend)
        return decode_json(answer, type_, backend=self._wire.backend)
