"""From a token's claims to who asks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from gateway.auth.refusals import InvalidCredentialError
from gateway.principals import Principal, Scope

__all__ = ["Claims"]

LONGEST_SUBJECT: Final = 255
"""The longest that OpenID Connect allows (Core, section 2); it becomes part of a unique index."""

_SCOPES: Final = {scope.value: scope for scope in Scope}


class Claims(Struct, frozen=True, kw_only=True):
    """Where a token says what its bearer may do.

    Attributes:
        scopes: The claim with the scopes: `scope` (RFC 8693) or `scp`, as a rule.
        prefix: What stands before our scopes' names there; others are somebody else's.
        backends: The claim with the backends' keys. What is not named there is not given.
        all_backends: Every token may use every backend, whatever it says.
    """

    scopes: str = "scope"
    prefix: str = ""
    backends: str = "backends"
    all_backends: bool = False

    def principal(self, payload: Mapping[str, Any], expires: datetime) -> Principal:
        """Who asks. Raises `InvalidCredentialError`."""
        subject, token_id = payload.get("sub"), payload.get("jti")
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
            raise InvalidCredentialError("The token's subject cannot be used: 1 to 255 printable characters.")
        named = _words(payload.get(self.scopes))
        return Principal(
            id=f"jwt:{subject}",
            backends=None if self.all_backends else _words(payload.get(self.backends)),
            scopes=frozenset(
                _SCOPES[word.removeprefix(self.prefix)]
                for word in named
                if word.startswith(self.prefix) and word.removeprefix(self.prefix) in _SCOPES
            ),
            credential=token_id[:LONGEST_SUBJECT] if isinstance(token_id, str) else None,
            expires=expires,
        )


def _words(claim: Any) -> frozenset[str]:
    """A claim's words: a list's, or those that spaces part. Whatever is neither has none."""
    words = claim.split(" ") if isinstance(claim, str) else claim if isinstance(claim, list) else ()
    return frozenset(word for word in words if isinstance(word, str) and word)
