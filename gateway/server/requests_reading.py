"""From the bytes of an HTTP request to one GraphQL operation; what is none is refused, with a status and a reason."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway.public_codes import PublicCode, RequestCode
from gateway.server.fields import Fields
from gateway.server.unique_names import RepeatedNameError, require_unique_names

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_DOCUMENT_CHARACTERS",
    "OperationRequest",
    "RequestRefusedError",
    "body_of",
    "read_body",
    "read_payload",
    "read_url",
]

T = TypeVar("T")

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Room for as many ids, of some 60 bytes, as there may be values in the variables, whose number is a setting."""

MAX_DISCARDED_BYTES: Final = 64 * 1024 * 1024
"""So much of a body that is too large is read for nothing, so that its sender comes to read why it was refused. A
connection that is closed before that looks like one that broke."""

_DIGITS_DISCARDED: Final = len(str(MAX_DISCARDED_BYTES))

MAX_DOCUMENT_CHARACTERS: Final = 32 * 1024
"""Those of large applications have a few thousand; what is long belongs into the variables. Validating takes time that
grows with the square of the length in the worst case: of this length, about a second."""

_MAX_NAME_CHARACTERS: Final = 255
_MAX_PARAMETERS: Final = 32

_USUAL_TYPES: Final = frozenset(
    (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
)
"""What nearly all clients send, word for word, and needs no closer look."""

_HALF_OF_A_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class RequestRefusedError(Exception):
    """A request that is answered with a status of 400 or more and a reason, and not executed.

    ``code`` is the error's, one of the public ones.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Mapping[str, str] | None = None,
        *,
        code: PublicCode = RequestCode.BAD_REQUEST,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.code = code


class OperationRequest(Struct, frozen=True, rename="camel"):
    """A request's parameters (GraphQL over HTTP, "Request Parameters" and the appendix "Persisted Documents").

    Where there is no ``query`` another one names the document: see `gateway.documents.naming`.
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None
    id: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it can name a document."""
        return self.document_id is None and self.id is None and not self.extensions


def read_url(query_string: bytes) -> OperationRequest:
    """The operation that the query of a GET's or HEAD's URL asks for. Raises `RequestRefusedError`."""
    return _checked(_of_url(query_string))


def read_body(body: bytes) -> OperationRequest:
    """The operation that a POST's body asks for. Raises `RequestRefusedError`."""
    return _checked(_decode(body))


def read_payload(payload: bytes) -> OperationRequest:
    """The operation of a WebSocket's message. Raises `RequestRefusedError`."""
    return _checked(_decoded(payload, OperationRequest, "The payload is no GraphQL request"))


def _checked(operation: OperationRequest) -> OperationRequest:
    query = operation.query
    if query is None:
        if not _names_a_document(operation):
            raise RequestRefusedError(400, "There is no query, and nothing that names a document.")
    elif not query:
        raise RequestRefusedError(400, "The query is empty.")
    elif len(query) > MAX_DOCUMENT_CHARACTERS:
        raise RequestRefusedError(413, f"The query is longer than {MAX_DOCUMENT_CHARACTERS} characters.")
    if operation.operation_name is not None and len(operation.operation_name) > _MAX_NAME_CHARACTERS:
        raise RequestRefusedError(400, f"operationName is longer than {_MAX_NAME_CHARACTERS} characters.")
    return operation


def _require_plain_json(fields: Fields) -> None:
    """JSON alone, in UTF-8: a page of another site can send no such request without asking first (a preflight)."""
    if fields.first.get(b"content-type") in _USUAL_TYPES and b"content-encoding" not in fields.first:
        return
    content_type = fields.get("content-type") or ""
    media_type, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    charsets = [piece.removeprefix("charset=").strip('"') for piece in parameters if piece.startswith("charset=")]
    if media_type != "application/json" or charsets not in ([], ["utf-8"]):
        reason = "A request's body is application/json, in UTF-8."
        raise RequestRefusedError(415, reason, {"Accept-Post": "application/json"})
    if (fields.get("content-encoding") or "identity").strip().lower() != "identity":
        raise RequestRefusedError(415, "Compressed bodies are not taken.", {"Accept-Encoding": "identity"})


async def body_of(fields: Fields, receive: Receive) -> bytes:
    """The whole body of a POST.

    Raises `RequestRefusedError`, and starlette's `ClientDisconnect` where the body never came whole.
    """
    _require_plain_json(fields)
    declared = fields.first.get(b"content-length", b"0")
    if len(declared) >= _DIGITS_DISCARDED and declared.isdigit() and int(declared[:18]) > MAX_DISCARDED_BYTES:
        raise _too_large(unread=True)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            if not (more or chunks):
                return bytes(chunk)
            chunks.append(chunk)
        elif size > MAX_DISCARDED_BYTES:
            raise _too_large(unread=True)
    if size > MAX_BODY_BYTES:
        raise _too_large(unread=False)
    return b"".join(chunks)


def _too_large(*, unread: bool) -> RequestRefusedError:
    """With the connection closed where the rest is unread, or it would be read all the same."""
    headers = {"Connection": "close"} if unread else {}
    return RequestRefusedError(413, f"The body is larger than {MAX_BODY_BYTES} bytes.", headers)


def _decode(body: bytes) -> OperationRequest:
    if not body.startswith(b"{") and body.lstrip(b" \t\r\n").startswith(b"["):
        raise RequestRefusedError(400, "Batches are not taken: send one operation a request.")
    return _decoded(body, OperationRequest, "The body is no GraphQL request")


def _decoded(text: bytes, kind: type[T], refused: str) -> T:
    """JSON of a kind. Integers of up to 4,300 digits are exact; text is whole Unicode; a member stands once."""
    try:
        decoded = msgspec.json.decode(text, type=kind)
        require_unique_names(text, decoded)
    except RecursionError:
        raise RequestRefusedError(400, f"{refused}: it is nested too deeply.") from None
    except UnicodeDecodeError:
        raise RequestRefusedError(400, f"{refused}: it is not UTF-8.") from None
    except msgspec.DecodeError as error:
        if _HALF_OF_A_PAIR.search(text):
            raise RequestRefusedError(400, f"{refused}: it escapes half of a surrogate pair.") from None
        raise RequestRefusedError(400, f"{refused}: {error}.") from None
    except RepeatedNameError as error:
        raise RequestRefusedError(400, f"{refused}: it has {error.name} twice in one object.") from None
    return decoded


def _of_url(query_string: bytes) -> OperationRequest:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except UnicodeDecodeError:
        raise RequestRefusedError(400, "The URL's query is not UTF-8, percent-encoded.") from None
    except ValueError:
        raise RequestRefusedError(400, f"The URL has more than {_MAX_PARAMETERS} parameters.") from None
    given: dict[str, str] = {}
    for name, text in pairs:
        if name in given and name in OperationRequest.__struct_encode_fields__:
            raise RequestRefusedError(400, f"The URL gives {name} twice.")
        given[name] = text
    operation = OperationRequest(
        given.get("query"),
        given.get("operationName") or None,
        _of_parameter(given, "variables"),
        _of_parameter(given, "extensions"),
        given.get("documentId"),
        given.get("id"),
    )
    if operation.query is None and not _names_a_document(operation):
        raise RequestRefusedError(400, "The URL has no query parameter.")
    return operation


def _names_a_document(operation: OperationRequest) -> bool:
    persisted = (operation.extensions or {}).get("persistedQuery")
    return not (operation.document_id is None and operation.id is None and persisted is None)


def _of_parameter(given: Mapping[str, str], name: str) -> dict[str, Any] | None:
    """A parameter that holds a JSON object."""
    if not given.get(name):
        return None
    return _decoded(given[name].encode(), dict[str, Any], f"{name} is no JSON object")
