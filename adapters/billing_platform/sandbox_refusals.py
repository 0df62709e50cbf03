"""The emulator's refusals: the documented error body, each code with its family label and its hint.

Documented are 400501, 400502, 404107, 404108 and 500603, the family 403xxx, and one whole body (that of 400502). The
other codes, and every label but "Invalid Action", are ours.
"""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

__all__ = [
    "ACTION_FAILED",
    "ACTION_UNKNOWN",
    "ATTACHMENT_MISSING",
    "BAD_REQUEST",
    "EMAIL_FAILED",
    "FILE_MISSING",
    "FORBIDDEN",
    "NOT_ALLOWED",
    "NOT_FOUND",
    "UNAUTHORIZED",
    "RefusedError",
    "json_response",
    "refusal",
]

BAD_REQUEST = 400001
ACTION_UNKNOWN = 400501
ACTION_FAILED = 400502
UNAUTHORIZED = 401001
FORBIDDEN = 403001
NOT_FOUND = 404001
FILE_MISSING = 404107
ATTACHMENT_MISSING = 404108
NOT_ALLOWED = 405001
EMAIL_FAILED = 500603

_WORDS: Mapping[int, tuple[str, str]] = {
    BAD_REQUEST: ("Invalid Request", "The request was not understood"),
    ACTION_UNKNOWN: ("Invalid Action", "The action was not recognised"),
    ACTION_FAILED: ("Invalid Action", "The action was not performed"),
    UNAUTHORIZED: ("Unauthorized", "A valid API token is needed"),
    FORBIDDEN: ("Permission Denied", "This API token may only read"),
    NOT_FOUND: ("Not Found", "There is no such record or endpoint"),
    FILE_MISSING: ("File Not Available", "The correspondence file is not available"),
    ATTACHMENT_MISSING: ("Attachment Not Found", "The correspondence has no such attachment"),
    NOT_ALLOWED: ("Method Not Allowed", "The endpoint does not take this method"),
    EMAIL_FAILED: ("Email Failed", "The email could not be sent"),
}


class RefusedError(Exception):
    """The request is refused with this six-digit code; ``hint`` replaces the code's usual one."""

    def __init__(self, code: int, hint: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.hint = hint


def refusal(code: int, hint: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The error body of a code, under the HTTP status that the code begins with."""
    label, usual_hint = _WORDS[code]
    body = {"error": label, "error_code": code, "hint": hint or usual_hint}
    return json_response(body, code // 1000, headers)


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
