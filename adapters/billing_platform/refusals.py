"""The vendor's refusals, read as our errors."""

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from adapters.answers import error_for_status, is_json
from adapters.errors import (
    AdapterError,
    BadCredentials,
    FileNotAvailable,
    Forbidden,
    InvalidInput,
    NotFound,
    NotReady,
    OutcomeUnknown,
    Rejected,
)
from adapters.wire import Answer, FileStream

__all__ = ["carries_refusal", "is_sound", "refusal"]

# "Error Handling" of the correspondence page: six digits that begin with the HTTP status. 400502 says only that the
# action failed, so it is no more than a refusal unless its own words name readiness.
_KINDS: Mapping[str, type[AdapterError]] = {
    "400502": Rejected,
    "404107": FileNotAvailable,
    "404108": FileNotAvailable,
}
_FAMILIES: Mapping[str, type[AdapterError]] = {
    "400": InvalidInput,
    "401": BadCredentials,
    "403": Forbidden,
    "404": NotFound,
}
_SAYS_NOT_READY = re.compile(r"\bnot\b.{0,20}\bready\b|\bmust be ready\b", re.IGNORECASE)


class _Refusal(Struct):
    error: str | None = None
    error_code: int | str | None = None
    hint: str | None = None


def carries_refusal(body: bytes) -> bool:
    """Whether a body is the vendor's error object, under whatever HTTP status."""
    return b'"error_code"' in body and _read(body).error_code is not None


def is_sound(body: bytes) -> bool:
    """Whether the body of a success is an answer."""
    return is_json(body) and not carries_refusal(body)


def refusal(answer: Answer | FileStream, body: bytes, *, backend: str, operation: str, write: bool) -> AdapterError:
    """The error that a refusing answer stands for.

    For a write whose answer proves nothing it is an `OutcomeUnknown`, which nobody repeats by itself.
    """
    read = _read(body)
    code = None if read.error_code is None else str(read.error_code)
    words = ": ".join(text.strip() for text in (read.error, read.hint) if text and text.strip())
    kind = None if code is None else _KINDS.get(code, _FAMILIES.get(code[:3]))
    if code == "400502" and _SAYS_NOT_READY.search(words):
        kind = NotReady
    if write and kind is None and (answer.status >= 500 or answer.status == 408):
        kind = OutcomeUnknown
    return error_for_status(
        answer,
        words or f"The vendor answered with HTTP status {answer.status}.",
        backend=backend,
        operation=operation,
        vendor_code=code,
        kind=kind,
    )


def _read(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return _Refusal()
