"""Who asks, by the credential that came with a request: ``Authorization: Bearer …``, and never anything in a URL."""

import math
from typing import Final, Protocol

import structlog
from starlette.requests import HTTPConnection

from gateway.auth.rates import LocalRates, Rates
from gateway.auth.refusals import InvalidCredentialError, UndecidedError
from gateway.principals import LOCAL, Principal
from gateway.problems import ProblemCode
from gateway.public_codes import RequestCode
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["Authenticator", "BearerAuthenticator", "LocalAuthenticator", "UnauthenticatedError", "Verifier"]

log = structlog.get_logger("postroom.auth")

TRY_AGAIN_SECONDS: Final = 5
"""After which what knows credentials is asked again, at the latest."""


class UnauthenticatedError(RequestRefusedError):
    """Whoever asks is nobody that this gateway knows: 401, with a challenge (RFC 6750, section 3).

    ``error`` is that section's code, None where no credential came at all. The reason may be told to anybody.
    """

    def __init__(self, reason: str, error: str | None = "invalid_token") -> None:
        challenge = 'Bearer realm="postroom"'
        if error is not None:
            challenge += f', error="{error}", error_description="{reason}"'
        super().__init__(401, reason, {"WWW-Authenticate": challenge}, code=RequestCode.UNAUTHENTICATED)
        self.error = error


class Authenticator(Protocol):
    """Knows who asks."""

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:
        """Who asks over this connection.

        ``credential`` is what a WebSocket's ``connection_init`` gives as ``authorization``, in the form of the header;
        without it the header itself counts. Raises `UnauthenticatedError`, and `RequestRefusedError` where too many
        wrong credentials came from there (429) or what knows credentials is away (503).
        """

    async def admit(self, principal: Principal) -> None:
        """Counts an operation of a principal. Raises `RequestRefusedError` (429) where it is one too many."""

    async def renewed(self, principal: Principal) -> Principal:
        """A principal as it stands now: its credential may have ended since. Raises as `principal_of` does."""


class Verifier(Protocol):
    """Knows a kind of credential.

    Raises `InvalidCredentialError`, and `UndecidedError` when it cannot find out.
    """

    async def verify(self, text: str) -> Principal:
        """Who asks with this credential."""

    async def renewed(self, principal: Principal) -> Principal:
        """The same as it stands now."""


class LocalAuthenticator:
    """Asks nobody who they are (``auth.mode = "none"``)."""

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:  # noqa: ARG002
        """The one principal that there is."""
        return LOCAL

    async def admit(self, principal: Principal) -> None:
        """Counts an operation."""
        if self._rates is not None:
            await _take(self._rates, principal)

    async def renewed(self, principal: Principal) -> Principal:
        """The one principal that there is. What another one was given, under another setting, is good no more."""
        if principal.id != LOCAL.id:
            raise UnauthenticatedError("This was given to somebody who is not known here.")
        return LOCAL


class BearerAuthenticator:
    """Asks for a bearer credential (RFC 6750, section 2.1; its other two ways are not taken: URLs get logged).

    Wrong ones are counted by address, in ``failures``, since nothing else is known of who shows them. A good one is
    taken whatever else came from its address, which many callers may share: a proxy's, as a rule. To look at one costs
    no more than to refuse it unseen would save, and no secret can be guessed; the count is for who errs, and the log.
    """

    def __init__(self, verifier: Verifier, failures: LocalRates, rates: Rates | None = None) -> None:
        self._verifier = verifier
        self._failures = failures
        self._rates = rates

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:
        """Who asks over this connection."""
        text = _bearer(connection.headers.getlist("authorization") if credential is None else [credential])
        try:
            return await self._verifier.verify(text)
        except InvalidCredentialError as error:
            raise await self._refused(connection, error.reason) from None
        except UndecidedError:
            raise _undecided() from None

    async def _refused(self, connection: HTTPConnection, reason: str) -> RequestRefusedError:
        """Counts a wrong credential: why it is wrong is told, and logged, of so many a minute."""
        address = connection.client.host if connection.client is not None else ""
        wait = await self._failures.take(address)
        if wait > 0:
            return _too_many("Too many wrong credentials came from this address, and this is another.", wait)
        log.info("a credential was refused", address=address, reason=reason)
        return UnauthenticatedError(reason)

    async def admit(self, principal: Principal) -> None:
        """Counts an operation."""
        await _take(self._rates, principal)

    async def renewed(self, principal: Principal) -> Principal:
        """A principal as it stands now."""
        try:
            return await self._verifier.renewed(principal)
        except InvalidCredentialError as error:
            raise UnauthenticatedError(error.reason) from None
        except UndecidedError:
            raise _undecided() from None


def _bearer(headers: list[str]) -> str:
    """The credential in the header. Raises `UnauthenticatedError`."""
    if not headers:
        raise UnauthenticatedError("A key or token is needed, as Authorization: Bearer.", error=None)
    if len(headers) > 1:
        raise UnauthenticatedError("There are several Authorization headers.", "invalid_request")
    scheme, _, text = headers[0].strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise UnauthenticatedError("A key or token is needed, as Authorization: Bearer.", error=None)
    return text.strip()


async def _take(rates: Rates | None, principal: Principal) -> None:
    wait = 0.0 if rates is None else await rates.take(principal.id)
    if wait > 0:
        raise _too_many("This caller asked too much within a minute.", wait)


def _too_many(reason: str, wait: float) -> RequestRefusedError:
    headers = {"Retry-After": str(math.ceil(wait))}
    return RequestRefusedError(429, reason, headers, code=ProblemCode.RATE_LIMITED)


def _undecided() -> RequestRefusedError:
    reason = "It cannot be found out now whether this credential is good."
    return RequestRefusedError(503, reason, {"Retry-After": str(TRY_AGAIN_SECONDS)}, code=ProblemCode.UNAVAILABLE)
