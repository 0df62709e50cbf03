"""Reads success and refusal off an answer.

The HTTP status says little: a refusal is ``{"error": true, "errorcode", "errormessage"}``, as a rule under HTTP 200.
The codes are not published. The two known here are the sister product's (Pingen v1, which shares the framework).
"""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from adapters.answers import error_for_status
from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, NotFound, OutcomeUnknown, Rejected
from adapters.smallinvoice.rows import Envelope, Listed
from adapters.wire import Answer, FileStream
from adapters.writes import Outcomes

__all__ = ["OUTCOMES", "error_of", "is_sound", "is_success", "successful"]

R = TypeVar("R")

OUTCOMES = Outcomes(undone_statuses=frozenset({200, 400, 401, 403, 404, 405, 413, 414, 415, 429}))
"""200 stands for ``error: true`` under it. The others are refused before the vendor's application does anything."""

_KINDS: Mapping[str, type[AdapterError]] = {"99400": BadCredentials, "15016": NotFound}

_TOKEN_IN_URL = re.compile(r"\btoken(/|%2f|=)[^\s\"'<>]*", re.IGNORECASE)
"""Servers quote the URL in their messages, and this vendor's URLs end in the token."""


def is_success(answer: Answer) -> bool:
    """Whether the vendor says in so many words that it did what it was asked."""
    return 200 <= answer.status < 300 and is_sound(answer.body)


def successful(answer: Answer, type_: type[Listed[R]]) -> Listed[R] | None:
    """The list of a success, read together with its saying so; None where it must be looked at again, and why."""
    if not 200 <= answer.status < 300:
        return None
    try:
        listed = msgspec.json.decode(answer.body, type=type_, strict=False)
    except msgspec.MsgspecError:
        return None
    return listed if bytes(listed.error) == b"false" else None


def is_sound(body: bytes) -> bool:
    """Whether the body of a success is an answer."""
    return bytes(_read(body).error) == b"false"


def error_of(
    answer: Answer | FileStream,
    body: bytes,
    *,
    backend: str,
    operation: str,
    write: bool = False,
    otherwise: type[AdapterError] = Rejected,
) -> AdapterError:
    """The error that an answer without success stands for.

    ``otherwise`` is what a refusal is whose code is not known. For a write whose answer proves nothing the error is
    `OutcomeUnknown`.
    """
    envelope = _read(body)
    refused = bytes(envelope.error) == b"true"
    code = str(envelope.errorcode) if refused and envelope.errorcode is not None else None
    message = f"The vendor answered with HTTP status {answer.status}."
    kind: type[AdapterError] | None = None
    if 200 <= answer.status < 300:
        kind = _KINDS.get(code or "", otherwise) if refused else MalformedAnswer
        message = "The vendor refused." if refused else "The vendor's answer is not what it documents."
    elif code is not None and answer.status < 500:
        kind = _KINDS.get(code)
    if write and (kind is MalformedAnswer or answer.status not in OUTCOMES.undone_statuses):
        kind = OutcomeUnknown
    if kind is BadCredentials:
        message = "The vendor does not accept this backend's token."  # in our words: the vendor's might quote it
    elif refused and envelope.errormessage:
        message = _TOKEN_IN_URL.sub(r"token\1…", envelope.errormessage)
    return error_for_status(answer, message, backend=backend, operation=operation, vendor_code=code, kind=kind)


def _read(body: bytes) -> Envelope:
    try:
        return msgspec.json.decode(body, type=Envelope)
    except msgspec.MsgspecError:
        return Envelope()
