"""API keys: a random secret, shown once, of which a digest alone is kept.

A key reads ``postroom_<id>_<secret>``. The prefix lets scanners of source code find it; the id names it in lists and
logs and is no secret. The secret has 256 random bits, which nobody can guess, so that one round of SHA-256 is enough:
slow hashes are for passwords, which people make up.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from msgspec import Struct

from gateway.auth.refusals import InvalidCredentialError
from gateway.principals import Principal, Scope

__all__ = ["KEY_PREFIX", "ApiKey", "NewKey", "new_key", "parse_key"]

KEY_PREFIX: Final = "postroom_"
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 6
"""48 bits: among a thousand keys, two of one id are made once in half a billion installations; the table refuses it."""

_FORM: Final = re.compile(rf"{KEY_PREFIX}([0-9a-f]{{{2 * _ID_BYTES}}})_([A-Za-z0-9_-]{{43}})")


class ApiKey(Struct, frozen=True, kw_only=True):
    """What is kept of a key. ``name`` is whose it is: keys of one name are one principal, as when one replaces another.

    ``backends`` None: all there are, and those that come. ``expires_at`` None: never by itself.
    """

    id: str
    name: str
    digest: bytes
    scopes: frozenset[Scope]
    backends: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, secret: str) -> bool:
        """Whether this is the key's secret; how long that takes says nothing about it."""
        return hmac.compare_digest(self.digest, _digest(secret))

    def principal(self, now: datetime) -> Principal:
        """Who asks with it. Raises `InvalidCredentialError` once it has ended."""
        if self.revoked_at is not None:
            raise InvalidCredentialError("The key was revoked.")
        if self.expires_at is not None and self.expires_at <= now:
            raise InvalidCredentialError("The key has expired.")
        return Principal(
            id=f"key:{self.name}",
            backends=self.backends,
            scopes=self.scopes,
            credential=self.id,
            expires=self.expires_at,
        )


class NewKey(Struct, frozen=True, kw_only=True):
    """A key that was just made, with its ``text``: the one time that it is known."""

    key: ApiKey
    text: str


def new_key(
    *,
    name: str,
    scopes: frozenset[Scope],
    backends: frozenset[str] | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> NewKey:
    """A new key."""
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        id=key_id,
        name=name,
        digest=_digest(secret),
        scopes=scopes,
        backends=backends,
        created_at=now,
        expires_at=expires_at,
    )
    return NewKey(key=key, text=f"{KEY_PREFIX}{key_id}_{secret}")


def parse_key(text: str) -> tuple[str, str] | None:
    """A key's id and secret, or None for what has not the form of a key."""
    found = _FORM.fullmatch(text)
    return None if found is None else (found[1], found[2])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
