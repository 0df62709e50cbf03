"""Global object identifiers: opaque outside, ``type:backend:native id`` inside. Encoded and decoded only here.

An id holds the backend's key and the vendor's key of the record, and lasts as long as both are kept: where a vendor's
key is a customer code, its owner can change it. It holds no secret. A decoded id is no proof of anything: whether its
backend is visible to the caller, and whether its native id could exist at the vendor, is for
`gateway.backends.Backends` to say.
"""

import base64
import binascii

from msgspec import Struct

__all__ = ["MAX_ID_LENGTH", "InvalidId", "Ref", "decode", "encode"]

MAX_ID_LENGTH = 2048
"""Characters of an encoded id. The longest native id that reaches a vendor has 256 characters of up to 4 bytes each,
which base64 makes a third longer."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class InvalidId(ValueError):
    """Not an id of ours."""


class Ref(Struct, frozen=True):
    """What an id stands for. ``backend`` is empty for what lives in the gateway itself (a dispatch)."""

    type: str
    backend: str
    native_id: str


def encode(type_name: str, backend: str, native_id: str) -> str:
    """The id of a record."""
    text = f"{type_name}:{backend}:{native_id}".encode("utf-8", "surrogatepass")
    return binascii.b2a_base64(text, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def decode(value: str) -> Ref:
    """What ``value`` stands for. Raises `InvalidId` for anything that `encode` did not make."""
    if not value or len(value) > MAX_ID_LENGTH:
        raise InvalidId
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidId from None
    type_name, first, rest = text.partition(":")
    backend, second, native_id = rest.partition(":")
    if not (type_name and first and second and native_id) or encode(type_name, backend, native_id) != value:
        raise InvalidId
    return Ref(type_name, backend, native_id)
