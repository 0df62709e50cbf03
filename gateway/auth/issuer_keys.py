"""The keys that an issuer signs its tokens with, as its JWKS has them (RFC 7517)."""

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWKError, PyJWTError

from gateway.auth.refusals import InvalidCredentialError
from gateway.auth.rereading import Pace, Reread

__all__ = ["ISSUER_PACE", "IssuerKeys"]

ISSUER_PACE: Final = Pace(every=600.0, floor=10.0, stale=86_400.0)
"""A key that the issuer withdraws is refused within 10 minutes, and a new one is taken at once. While the issuer is
down its keys stay good for a day: they change every few months, and an outage of a day is somebody's emergency."""

FETCH_SECONDS: Final = 5.0
MOST_BYTES: Final = 256 * 1024
"""Of a JWKS; those of large issuers have a few kilobytes."""


class _UnreadableError(Exception):
    """What came is no JWKS."""


class IssuerKeys:
    """The keys of the JWKS at ``url``, got over ``transport``. No redirect is followed."""

    def __init__(
        self, url: str, transport: httpx.AsyncBaseTransport, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._client = httpx.AsyncClient(transport=transport, timeout=FETCH_SECONDS, trust_env=False)
        failures = (httpx.HTTPError, _UnreadableError)
        self._keys: Reread[Mapping[str, Any]] = Reread(
            "The issuer's keys", self._read, ISSUER_PACE, failures, monotonic
        )
        self._made = functools.lru_cache(maxsize=64)(_key)

    async def key(self, kid: str | None, algorithm: str) -> PyJWK:
        """The key of this id, to be used with this algorithm; the only one, for a token that names none.

        Raises `InvalidCredentialError`, and `gateway.auth.refusals.UndecidedError` while the issuer cannot be asked.
        """
        found = await (self._keys.only() if kid is None else self._keys.find(kid))
        if found is None:
            raise InvalidCredentialError("The token is signed with a key that its issuer does not have.")
        return self._made(msgspec.json.encode(found, order="sorted"), algorithm)

    async def aclose(self) -> None:
        """Lets the connection go."""
        await self._keys.aclose()
        await self._client.aclose()

    async def _read(self) -> Mapping[str, Mapping[str, Any]]:
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            if response.status_code != 200:
                raise _UnreadableError(f"status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _UnreadableError(f"more than {MOST_BYTES} bytes")
        return _keys_of(bytes(body))


def _keys_of(body: bytes) -> Mapping[str, Mapping[str, Any]]:
    """The public keys for signatures, by their ids; a lone key may have none."""
    try:
        found = msgspec.json.decode(body)["keys"]
        keys = [key for key in found if key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"]
    except (msgspec.DecodeError, RecursionError, TypeError, KeyError, AttributeError):
        raise _UnreadableError("no JWKS") from None
    if not keys:
        raise _UnreadableError("no key for signatures")
    return {str(key.get("kid", "")): key for key in keys}


def _key(text: bytes, algorithm: str) -> PyJWK:
    """A key bound to one algorithm, which is the token's; its own, where it names one, has to be the same."""
    jwk = msgspec.json.decode(text)
    try:
        if jwk.get("alg", algorithm) != algorithm:
            raise PyJWKError
        return PyJWK(jwk, algorithm)
    except PyJWTError:
        raise InvalidCredentialError("The token's algorithm is not that of its key.") from None
