"""The envelope of every answer: ``ia::result`` and ``ia::meta``, or an error, which is found in three places.

The error stands inside ``ia::result``, beside it, or bare as ``error``; it may be a list; and it has been seen under
HTTP 200. So each answer is searched for one before its status is believed.
"""

import math
import re
from typing import Any, Generic, TypeVar

import httpx
import msgspec
from msgspec import Raw, Struct, field

from adapters.answers import decode_json, error_for_status, is_json
from adapters.errors import (
    AdapterError,
    BadCredentials,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    Rejected,
    Unavailable,
)
from adapters.patience import retry_after
from adapters.wire import Answer

__all__ = [
    "Envelope",
    "Meta",
    "Reference",
    "error_in",
    "is_outage",
    "is_sound",
    "patience_of",
    "says_token_is_invalid",
    "unwrap",
]

T = TypeVar("T")


class Meta(Struct, frozen=True):
    """Of a list: how many records match in all, and where the next page starts (None after the last)."""

    total: int | None = field(name="totalCount", default=None)
    next: int | None = None


class Envelope(Struct, Generic[T], frozen=True):
    """A successful answer."""

    result: T = field(name="ia::result")
    meta: Meta = field(name="ia::meta", default=Meta())


class Reference(Struct, frozen=True):
    """What the plain lists, a creation and a change answer of a record."""

    key: str | int
    id: str | int | None = None


class _Search(Struct, frozen=True):
    result: Raw = field(name="ia::result", default=Raw())
    beside: Any = field(name="ia::error", default=None)
    bare: Any = field(name="error", default=None)


_KIND_BY_CODE: dict[str, type[AdapterError]] = {
    "notFound": NotFound,
    "tokenInvalid": BadCredentials,
    "REST-2102": BadCredentials,
    "GW-0010": RateLimited,
    "GW-0031": BadCredentials,
    "GW-0032": BadCredentials,
    "GW-0034": BadCredentials,
    "GW-0042": Forbidden,
    **{f"GW-000{digit}": Unavailable for digit in range(1, 10)},
}
"""What the vendor's own code says whatever the status. Error-handling guide, read 2026-11."""

_SERVER_ERROR = re.compile(rb'"GW-000[1-9]"')
"""The guide's codes for what goes wrong inside the vendor's gateway."""

_KIND_UNDER_SUCCESS: dict[str, type[AdapterError]] = {"invalidRequest": InvalidInput, "operationFailed": InvalidInput}

_ATTRIBUTE_BY_TARGET = {
    "customer": "customer_id",
    "emailTemplate": "email_template_id",
    "txnDefinition": "transaction_definition",
    "id": "code",
    "message": "text",
    "status": "status",
}


def unwrap(answer: Answer, type_: type[T], *, backend: str) -> Envelope[T]:
    """A successful answer's envelope. Raises the error that the answer is, or holds."""
    error = error_in(answer, backend=backend)
    if error is not None:
        raise error
    return decode_json(answer, Envelope[type_], backend=backend)  # type: ignore[valid-type]


def error_in(answer: Answer, *, backend: str) -> AdapterError | None:
    """The error that an answer is, or holds, if it does."""
    found = _search(answer.body)
    if found is None:
        if answer.status < 400:
            return None
        message = f"The vendor answered with HTTP status {answer.status}."
        return _with_patience(
            answer, error_for_status(answer, message, backend=backend, operation=answer.request.operation)
        )
    details = found.get("details")
    details = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    error = error_for_status(
        answer,
        _message(found, details),
        backend=backend,
        operation=answer.request.operation,
        vendor_code=_text(found.get("errorId")) or _text(found.get("code")),
        request_id=_text(found.get("supportId")),
        kind=_kind(answer, found, details),
    )
    error.field = _attribute(details)
    return _with_patience(answer, error)


def is_sound(body: bytes) -> bool:
    """Whether the body of a success is an answer."""
    return is_json(body) and _search(body) is None


def says_token_is_invalid(body: bytes) -> bool:
    """Whether a refusal is about the access token (seen under 400 as well as 401)."""
    found = _search(body)
    if found is None:
        return False
    texts = (_text(found.get("message")) or "").lower()
    return (
        found.get("code") == "tokenInvalid"
        or found.get("errorId") in ("REST-2102", "GW-0031")
        or "invalid token" in texts
        or "token is not valid" in texts
    )


def is_outage(status: int, body: bytes) -> bool:
    """Whether an error of the vendor's gateway itself stands under a status that is none of those."""
    if status >= 500 or _SERVER_ERROR.search(body) is None:
        return False
    found = _search(body)
    codes = () if found is None else (_text(found.get("errorId")), _text(found.get("code")))
    return any(_KIND_BY_CODE.get(code or "") is Unavailable for code in codes)


def patience_of(headers: httpx.Headers) -> float | None:
    """What ``Retry-After`` says, or where it is missing the longest of the vendor's own, ``X-IA-…-Retry-After``."""
    usual = retry_after(headers)
    named = [
        float(value)
        for name, value in headers.items()
        if name.startswith("x-ia-")
        and name.endswith(("retry-after", "retryafter"))
        and re.fullmatch("[0-9]{1,9}", value)
    ]
    return max(named, default=None) if usual is None else usual


def _search(body: bytes) -> dict[str, Any] | None:
    """The first error in a body, as the vendor wrote it."""
    try:
        search = msgspec.json.decode(body, type=_Search)
        inner = msgspec.json.decode(search.result) if bytes(search.result)[:1] == b"{" else {}
    except msgspec.MsgspecError:
        return None
    for found in (inner.get("ia::error"), search.beside, search.bare):
        first = found[0] if isinstance(found, list) and found else found
        if isinstance(first, dict):
            return first
        if first is not None:
            return {"message": str(first)}
    return None


def _kind(answer: Answer, found: dict[str, Any], details: list[dict[str, Any]]) -> type[AdapterError] | None:
    """The kind of error, or None where the status says it."""
    code, error_id = _text(found.get("code")) or "", _text(found.get("errorId")) or ""
    by_code = _KIND_BY_CODE.get(error_id) or _KIND_BY_CODE.get(code)
    if by_code is not None:
        return by_code
    if code == "invalidKey" and answer.request.method != "POST":
        return NotFound  # the guide names the code without its status; the key is the one in the path
    if answer.status == 422 and "already exists" in _message(found, details).lower():
        return Conflict  # a taken unique id is 409 in the guide, and this in the older API
    return None if answer.status >= 400 else _KIND_UNDER_SUCCESS.get(code, Rejected)


def _message(found: dict[str, Any], details: list[dict[str, Any]]) -> str:
    texts = [_text(one.get("message")) for one in (found, *details)]
    said = " ".join(dict.fromkeys(text for text in texts if text))
    return said or "The vendor refused without a message."


def _attribute(details: list[dict[str, Any]]) -> str | None:
    """Our name of the first field that the vendor finds fault with (``target``: ``/message``, ``/customer/key``)."""
    for one in details:
        name = (_text(one.get("target")) or "").strip("/").replace(".", "/").split("/")[0]
        if name in _ATTRIBUTE_BY_TARGET:
            return _ATTRIBUTE_BY_TARGET[name]
    return None


def _with_patience(answer: Answer, error: AdapterError) -> AdapterError:
    """Adds how long to wait."""
    seconds = patience_of(answer.headers)
    error.retry_after = None if seconds is None else math.ceil(seconds)
    return error


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None
