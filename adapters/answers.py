"""What an answer says: its JSON as a type, the error that its status stands for, and when an absence is believed."""

import functools
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from adapters.errors import (
    AdapterError,
    BadCredentials,
    Conflict,
    Forbidden,
    InvalidInput,
    MalformedAnswer,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TimedOut,
    Unavailable,
)
from adapters.patience import retry_after
from adapters.redaction import redacted
from adapters.wire import Answer, FileStream

__all__ = ["believe_absence", "decode_json", "decoder_of", "error_for_status", "is_json"]

LONGEST_MESSAGE = 500
"""Characters of a vendor's own words that an error repeats."""

T = TypeVar("T")


def decode_json(answer: Answer, type_: type[T], *, backend: str) -> T:
    """The answer's body as ``type_`` (JSON numbers for money stay exact when the type says Decimal).

    Raises `MalformedAnswer`, for a write `OutcomeUnknown`: the vendor said yes, but not what to.
    """
    try:
        decoded: T = decoder_of(type_).decode(answer.body)  # type: ignore[arg-type] # types are hashable
    except msgspec.MsgspecError as error:
        kind = OutcomeUnknown if answer.request.write else MalformedAnswer
        raise kind(
            f"The vendor's answer is not what it documents: {_without_values(error)}",
            backend=backend,
            operation=answer.request.operation,
            status=answer.status,
        ) from None
    return decoded


@functools.lru_cache(maxsize=256)  # what a vendor answers is of few types, and looking into one takes longer
def decoder_of(type_: Any) -> msgspec.json.Decoder[Any]:
    """What decodes JSON as `decode_json` does, with the errors of msgspec."""
    return msgspec.json.Decoder(type_, strict=False)


def is_json(body: bytes) -> bool:
    """Whether a body is JSON, whole."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.MsgspecError:
        return False
    return True


def _without_values(error: msgspec.MsgspecError) -> str:
    return str(error).split("'", 1)[0].strip() if isinstance(error, msgspec.DecodeError) else "not JSON"


_BY_STATUS: Mapping[int, type[AdapterError]] = {
    400: InvalidInput,
    401: BadCredentials,
    403: Forbidden,
    404: NotFound,
    405: InvalidInput,
    408: TimedOut,
    409: Conflict,
    422: InvalidInput,
    429: RateLimited,
    504: TimedOut,
}


def error_for_status(
    answer: Answer | FileStream,
    message: str,
    *,
    backend: str,
    operation: str,
    vendor_code: str | None = None,
    request_id: str | None = None,
    kind: type[AdapterError] | None = None,
) -> AdapterError:
    """The error that an HTTP status stands for; ``kind`` where the vendor's own code says it better.

    The vendor may quote in its words what it was sent: no secret of the call is left in them.
    """
    patience = retry_after(answer.headers)
    if kind is None:
        fallback = InvalidInput if 400 <= answer.status < 500 else Unavailable
        kind = _BY_STATUS.get(answer.status, fallback if answer.status >= 400 else MalformedAnswer)
    return kind(
        redacted(message, answer.secrets)[:LONGEST_MESSAGE],  # cut last: half a secret would not be recognised
        backend=backend,
        operation=operation,
        status=answer.status,
        vendor_code=None if vendor_code is None else redacted(vendor_code, answer.secrets),
        request_id=None if request_id is None else redacted(request_id, answer.secrets),
        retry_after=None if patience is None else math.ceil(patience),
    )


def believe_absence(error: NotFound) -> None:
    """Passes where the vendor itself said that it has no such record.

    Raises `MalformedAnswer` for a 404 without the vendor's own code: a server in front of it, or a wrong base URL, says
    that of every record.
    """
    if error.vendor_code is None:
        raise MalformedAnswer(
            "The server answered 404 without the vendor's own words: is the base URL right?",
            backend=error.backend,
            operation=error.operation,
            status=error.status,
            request_id=error.request_id,
        ) from None
