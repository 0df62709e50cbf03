"""JSON Web Tokens of one issuer (RFC 7519), checked as RFC 8725 advises: algorithms pinned, claims required."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from jwt import exceptions
from msgspec import Struct

from gateway.auth.claims import Claims
from gateway.auth.issuer_keys import IssuerKeys
from gateway.auth.refusals import InvalidCredentialError
from gateway.principals import Principal

__all__ = ["LEEWAY", "TokenRules", "Tokens"]

LEEWAY: Final = timedelta(seconds=30)
"""How far the issuer's clock may be from ours."""

KEPT_FOR: Final = timedelta(seconds=60)
"""A verified token is not verified again for so long; nor after its end, nor once its key is gone for as long again."""

MOST_KEPT: Final = 10_000
"""Some 10 MB: what is kept of a token is its digest and a principal."""

MOST_CHARACTERS: Final = 16_384
"""Of a token. Those with hundreds of groups in them have some 8,000."""

_TYPES: Final = frozenset(("jwt", "at+jwt", "application/at+jwt"))
"""What `typ` may say, where it says anything: others, such as `dpop+jwt`, are signed for something else."""

_REFUSALS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.ExpiredSignatureError, "The token has expired."),
    (exceptions.ImmatureSignatureError, "The token is not valid yet."),
    (exceptions.InvalidIssuedAtError, "The token was issued in the future."),
    (exceptions.InvalidAudienceError, "The token is for another audience."),
    (exceptions.InvalidIssuerError, "The token is of another issuer."),
    (exceptions.MissingRequiredClaimError, "The token lacks a claim: exp, nbf, iss, aud and sub are required."),
    (exceptions.InvalidSignatureError, "The token's signature is wrong."),
)
_LAST_SECOND: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())
_MALFORMED: Final = "The token is no JSON Web Token."


class TokenRules(Struct, frozen=True, kw_only=True):
    """Which tokens are taken: of which issuer, for which audience, signed by which algorithms."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]


class Tokens:
    """Knows who asks by their token."""

    def __init__(self, rules: TokenRules, keys: IssuerKeys, claims: Claims, clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._keys = keys
        self._claims = claims
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Principal, datetime]] = OrderedDict()

    async def verify(self, text: str) -> Principal:
        """Who asks with this token. Raises `InvalidCredentialError`, and `gateway.auth.refusals.UndecidedError`."""
        if len(text) > MOST_CHARACTERS:
            raise InvalidCredentialError(f"The token is longer than {MOST_CHARACTERS} characters.")
        digest, now = _digest(text), self._clock()
        kept = self._kept.get(digest)
        if kept is not None and now < kept[1]:
            self._kept.move_to_end(digest)
            return kept[0]
        principal = await self._verify(text)
        self._kept[digest] = principal, min(now + KEPT_FOR, principal.expires or now)
        self._kept.move_to_end(digest)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return principal

    async def renewed(self, principal: Principal) -> Principal:
        """A principal as it stands now: what a token allows lasts as long as the token."""
        if principal.expires is None or principal.expires <= self._clock():
            raise InvalidCredentialError("The token has expired.")
        return principal

    async def aclose(self) -> None:
        """Ends what is under way."""
        await self._keys.aclose()

    async def _verify(self, text: str) -> Principal:
        header = _header(text)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._rules.algorithms:
            raise InvalidCredentialError("The token's algorithm is not among those that are taken here.")
        if str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise InvalidCredentialError("The token is of another type (typ).")
        key = await self._keys.key(kid if isinstance(kid, str) else None, str(algorithm))
        payload = self._decoded(text, key)
        return self._claims.principal(payload, _end(payload["exp"]))

    def _decoded(self, text: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                text,
                key,
                algorithms=list(self._rules.algorithms),
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "nbf", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        except (exceptions.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            reason = next((text for kind, text in _REFUSALS if isinstance(error, kind)), _MALFORMED)
            raise InvalidCredentialError(reason) from None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _end(exp: Any) -> datetime:
    """When a token ends here; the last day there is, for one that ends later."""
    return datetime.fromtimestamp(min(int(exp), _LAST_SECOND), UTC) + LEEWAY


def _header(text: str) -> dict[str, Any]:
    """A token's header, where it demands nothing that is not understood (`crit`)."""
    try:
        return jwt.get_unverified_header(text)
    except (exceptions.PyJWTError, ValueError, RecursionError):
        raise InvalidCredentialError(_MALFORMED) from None
