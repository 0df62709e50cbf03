"""Cursors of the ledger's lists: places in it, sealed.

A place is a row's number, which tells how much the ledger holds: of others' sends too, whoever may see only their own.
So a cursor shows none. It is sealed by a key, as a synthetic initialisation vector does it (Rogaway and Shrimpton, the
construction of RFC 5297), with HMAC-SHA-256 as its pseudo-random function: the tag proves a cursor ours, and of this
list, and is what the number is masked with. The same place has the same cursor, as clients' caches like it.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode, ProblemError

__all__ = ["DISPATCHES", "LedgerPlaces", "items_about", "items_of"]

DISPATCHES: Final = "dispatches"
"""The name of the list of all dispatches."""

_TAG_BYTES: Final = 16
_NUMBER_BYTES: Final = 8


def items_of(dispatch_id: str) -> str:
    """The name of the list of a dispatch's items."""
    return f"items of {dispatch_id}"


def items_about(target: Ref) -> str:
    """The name of the list of items about a record."""
    return f"items about {target.type} {target.backend} {target.native_id}"


class LedgerPlaces:
    """Makes cursors and takes them back. Gateways that share a ledger share ``key``, or page by page do not agree."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cursor(self, name: str, number: int) -> str:
        """The cursor of a row in the list of this name."""
        plain = number.to_bytes(_NUMBER_BYTES, "big")
        tag = self._tag(name, plain)
        return base64.urlsafe_b64encode(tag + self._masked(tag, plain)).decode("ascii")

    def place(self, name: str, cursor: str | None) -> int | None:
        """The number that a cursor of this list stands for. Raises INVALID_INPUT."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            sealed = b""
        tag, masked = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
        plain = self._masked(tag, masked)
        if len(masked) != _NUMBER_BYTES or not hmac.compare_digest(tag, self._tag(name, plain)):
            raise ProblemError(_NOT_OURS)
        return int.from_bytes(plain, "big")

    def _tag(self, name: str, plain: bytes) -> bytes:
        text = b"postroom ledger place\x00" + plain + name.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)[:_TAG_BYTES]

    def _masked(self, tag: bytes, number: bytes) -> bytes:
        mask = hmac.digest(self._key, b"postroom ledger mask\x00" + tag, hashlib.sha256)
        return bytes(one ^ other for one, other in zip(number, mask, strict=False))


_NOT_OURS: Final = Problem(
    code=ProblemCode.INVALID_INPUT,
    message="This cursor was not made by this list, or before the gateway's key changed: begin without one.",
    path=("after",),
)
