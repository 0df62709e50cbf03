"""What `extensions.code` of an error can be: one closed set, of which the README's table is made."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from gateway.problems import ProblemCode

__all__ = ["MEANINGS", "PUBLIC_CODES", "RequestCode"]


class RequestCode(StrEnum):
    """Codes of errors that are about a request, or about the gateway itself; `ProblemCode` has those of its fields."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    DOCUMENT_LIMIT = "DOCUMENT_LIMIT"
    COST_LIMIT = "COST_LIMIT"
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    INTERNAL = "INTERNAL"


PUBLIC_CODES: Final = frozenset((*ProblemCode, *RequestCode))
"""All that `extensions.code` can be."""

MEANINGS: Final[Mapping[RequestCode, str]] = {
    RequestCode.BAD_REQUEST: "what came over HTTP asks for nothing that could be executed",
    RequestCode.UNAUTHENTICATED: "no credential came, or none that this gateway takes",
    RequestCode.GRAPHQL_VALIDATION_FAILED: "the document is no GraphQL, does not fit the schema or its variables, or "
    "has no such operation",
    RequestCode.DOCUMENT_LIMIT: "the document is too large, deep or repetitive: `limit`, `maximum` and `actual` say "
    "how",
    RequestCode.COST_LIMIT: "the operation could read too much; `maximum` and `actual` are its cost's",
    RequestCode.UNTRUSTED_DOCUMENT: "only the documents of the manifest are executed here, and this is none of them",
    RequestCode.PERSISTED_QUERY_NOT_FOUND: "no document of this hash or id is known: send it whole",
    RequestCode.PERSISTED_QUERY_NOT_SUPPORTED: "documents are not kept by their hash here: send them whole",
    RequestCode.INTERNAL: "something went wrong inside the gateway; `incident` finds it in the log",
}
"""What each means to who gets it."""
