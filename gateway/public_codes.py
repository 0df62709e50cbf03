"""What `extensions.code` of an error can be: one closed set, of which the README's table is made."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["MEANINGS", "PUBLIC_CODES", "ProblemCode", "PublicCode", "RequestCode"]


class ProblemCode(StrEnum):
    """Codes of what went wrong in a field: of `problems`, and of the errors of fields."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    NOT_READY = "NOT_READY"
    UNSUPPORTED = "UNSUPPORTED"
    CONFLICT = "CONFLICT"
    ALREADY_SENT = "ALREADY_SENT"
    INACTIVE = "INACTIVE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    SCAN_LIMIT = "SCAN_LIMIT"
    FORBIDDEN = "FORBIDDEN"
    BACKEND_CREDENTIALS = "BACKEND_CREDENTIALS"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    REJECTED = "REJECTED"
    MALFORMED_RESPONSE = "MALFORMED_RESPONSE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    FILE_NOT_AVAILABLE = "FILE_NOT_AVAILABLE"


class RequestCode(StrEnum):
    """Codes of errors that are about a request, or about the gateway itself."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    DOCUMENT_LIMIT = "DOCUMENT_LIMIT"
    COST_LIMIT = "COST_LIMIT"
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    INTERNAL = "INTERNAL"


PublicCode = ProblemCode | RequestCode

PUBLIC_CODES: Final = frozenset((*ProblemCode, *RequestCode))
"""All that `extensions.code` can be."""

MEANINGS: Final[Mapping[RequestCode, str]] = {
    RequestCode.BAD_REQUEST: "what came over HTTP asks for nothing that could be executed",
    RequestCode.UNAUTHENTICATED: "no credential came, or none that this gateway takes",
    RequestCode.GRAPHQL_VALIDATION_FAILED: "the document is no GraphQL, does not fit the schema or its variables, or "
    "has no such operation",
    RequestCode.DOCUMENT_LIMIT: "the document is too large, deep or repetitive, or its variables too many: `limit`, "
    "`maximum` and `actual` say how",
    RequestCode.COST_LIMIT: "the operation could read too much; `maximum` and `actual` are its cost's",
    RequestCode.UNTRUSTED_DOCUMENT: "only the documents of the manifest are executed here, and this is none of them",
    RequestCode.PERSISTED_QUERY_NOT_FOUND: "no document of this hash or id is known: send it whole",
    RequestCode.PERSISTED_QUERY_NOT_SUPPORTED: "documents are not kept by their hash here: send them whole",
    RequestCode.INTERNAL: "something went wrong inside the gateway; `incident` finds it in the log",
}
"""What each means to who gets it."""
