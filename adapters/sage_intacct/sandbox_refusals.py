"""How the emulated API says no: three placements of one error object, as the three sources of the vendor show them.

* ``nested``: ``{"ia::result": {"ia::error": {...}}, "ia::meta": {...}}``, the reference pages' 400
* ``gateway``: ``{"ia::error": {...}, "ia::meta": {...}}``, the error-handling guide's GW errors
* ``bare``: ``{"error": {...}}``, seen for an invalid token

An error whose number no page gives carries no ``errorId``.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from starlette.responses import JSONResponse

__all__ = ["RefusedError", "bad_request", "business_rule", "gateway_error", "invalid_fields", "not_found"]

Placement = Literal["nested", "gateway", "bare"]
Detail = dict[str, Any]

ERROR_META = {"totalCount": 1, "totalSuccess": 0, "totalError": 1}


class RefusedError(Exception):
    """The request is answered with an error, and nothing was done."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        number: str | None = None,
        message_id: str | None = None,
        details: Sequence[Detail] = (),
        placement: Placement = "nested",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.number = number
        self.message_id = message_id
        self.details = details
        self.placement = placement
        self.headers = headers

    def response(self, status: int | None = None) -> JSONResponse:
        """The answer, under another status where one is given."""
        error = error_object(self.code, self.message, self.number, self.message_id)
        error["supportId"] = secrets.token_urlsafe(24)
        if self.placement == "gateway":
            error["details"] = {"requestId": secrets.token_hex(8)}
        elif self.details:
            error["details"] = list(self.details)
        body: dict[str, Any] = {"ia::result": {"ia::error": error}, "ia::meta": ERROR_META}
        if self.placement == "gateway":
            body = {"ia::error": error, "ia::meta": ERROR_META}
        elif self.placement == "bare":
            body = {"error": error}
        return JSONResponse(body, status or self.status, headers=self.headers)


def error_object(code: str, message: str, number: str | None = None, message_id: str | None = None) -> Detail:
    """What an error and each of its details have in common."""
    error: Detail = {"code": code, "message": message}
    if number is not None:
        error["errorId"] = number
    error["additionalInfo"] = (
        {} if message_id is None else {"messageId": message_id, "placeholders": {}, "propertySet": {}}
    )
    return error


def bad_request(message: str, *, number: str | None = None, message_id: str | None = None) -> RefusedError:
    """400 ``invalidRequest``."""
    return RefusedError(400, "invalidRequest", message, number=number, message_id=message_id)


def gateway_error(status: int, number: int, message: str, *, code: str = "invalidRequest") -> RefusedError:
    """An error of the gateway before the API, numbered ``GW-nnnn``."""
    return RefusedError(status, code, message, number=f"GW-{number:04}", placement="gateway")


def not_found(object_name: str, key: str) -> RefusedError:
    """404 ``notFound``."""
    return RefusedError(404, "notFound", f"{object_name} {key} was not found")


def business_rule(message: str, target: str, *, status: int = 422) -> RefusedError:
    """``operationFailed``: the payload is in order, a rule of the business forbids it."""
    detail = error_object("operationFailed", message) | {"target": target}
    return RefusedError(status, "operationFailed", message, details=[detail])


def invalid_fields(details: Sequence[Detail]) -> RefusedError:
    """400 REST-1064, with one detail per field."""
    return RefusedError(
        400,
        "invalidRequest",
        "Payload contains errors",
        number="REST-1064",
        message_id="IA.PAYLOAD_CONTAINS_ERRORS",
        details=details,
    )


def unknown_field(path: str) -> Detail:
    """The detail of a field that the object does not have; ``path`` as in ``/customer/name``."""
    message = f"{path} is not a valid field"
    return error_object("invalidRequest", message, "REST-1043", "IA.NOT_A_VALID_FIELD") | {"target": path}


def read_only_field(path: str) -> Detail:
    """The detail of a field that cannot be written."""
    message = f"{path} is a read-only field"
    return error_object("invalidRequest", message, "REST-1050", "IA.READ_ONLY_FIELD") | {"target": path}


def wrong_value(path: str, rule: str) -> Detail:
    """The detail of a field that is missing or holds what it cannot."""
    return error_object("invalidRequest", f"{path} {rule}") | {"target": path}
