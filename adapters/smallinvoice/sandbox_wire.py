"""The wire of the emulated API: key/value pairs in the path, the form field `data`, JSON served as HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from enum import IntEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec
import orjson
from starlette.responses import Response

__all__ = ["Call", "Code", "Path", "RefusedError", "answer", "no_access", "read_data", "read_path", "refuse"]

# Every client takes text/html for JSON and anything else as a file; PDF and PNG excepted, nothing else is served.
JSON_TYPE = "text/html; charset=utf-8"
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART_TYPE = "multipart/form-data"

Fields = TypeVar("Fields", bound=msgspec.Struct)


class Code(IntEnum):
    """`errorcode`. The first two are those of Pingen v1, by the same makers; the rest are invented here."""

    BAD_TOKEN = 99400
    NO_ACCESS = 15016
    BAD_PARAMETER = 90001
    UNKNOWN_ACTION = 90002
    UNREADABLE = 90003
    NOT_THE_CLIENTS = 90004
    NO_SUCH_STATUS = 90005
    NO_SUCH_PAGE = 90006


class RefusedError(Exception):
    """The request is refused and nothing was done."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def no_access() -> RefusedError:
    """The refusal of an id that is unknown, in Pingen's words."""
    return RefusedError(Code.NO_ACCESS, "You do not have rights to access this object")


@dataclass(frozen=True, slots=True)
class Path:
    """A request's path, taken apart: `/<endpoint>/<action>/<key>/<value>...`."""

    endpoint: str
    action: str
    pairs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """What an action gets: the path's pairs without the token, and the JSON object in `data` (empty without one)."""

    pairs: Mapping[str, str]
    data: Mapping[str, Any]
    lenient: bool

    def read_pairs(self, kind: type[Fields]) -> Fields:
        """The pairs as the action documents them."""
        return self._read(self.pairs, kind, numbers_as_text=True)

    def read_data(self, kind: type[Fields]) -> Fields:
        """The body as the action documents it."""
        return self.read_item(self.data, kind)

    def read_item(self, data: Mapping[str, Any], kind: type[Fields]) -> Fields:
        """One object inside the body."""
        return self._read(data, kind, numbers_as_text=self.lenient)

    def _read(self, values: Mapping[str, Any], kind: type[Fields], *, numbers_as_text: bool) -> Fields:
        if self.lenient:
            values = {key: value for key, value in values.items() if key in kind.__struct_fields__}
        try:
            return msgspec.convert(values, kind, strict=not numbers_as_text)
        except msgspec.ValidationError as error:
            raise RefusedError(Code.BAD_PARAMETER, str(error)) from error


def read_path(raw_path: bytes) -> Path:
    """The parts of a path as it arrived.

    Each segment is decoded on its own, so that an encoded slash stays within its value. Of a repeated key the last
    value wins, and a last key without a value is ignored, such as the empty one after a closing slash.
    """
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/")[1:]]
    except UnicodeDecodeError as error:
        raise RefusedError(Code.UNREADABLE, "The path is not UTF-8") from error
    endpoint, action = (*segments, "", "")[:2]
    return Path(endpoint, action, dict(zip(segments[2::2], segments[3::2], strict=False)))


def read_data(content_type: str, body: bytes, *, lenient: bool) -> dict[str, Any]:
    """The JSON object in the form field `data`; an empty one when there is no such field."""
    form = _read_form(content_type, body) if body else {}
    unknown = form.keys() - {"data"}
    if unknown and not lenient:
        raise RefusedError(Code.BAD_PARAMETER, f"Unknown form field `{min(unknown)}`")
    try:
        data = orjson.loads(form.get("data", b"{}"))
    except orjson.JSONDecodeError as error:
        raise RefusedError(Code.UNREADABLE, f"`data` is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise RefusedError(Code.UNREADABLE, "`data` is not a JSON object")
    return data


def _read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM_TYPE:
        # As latin-1 each byte is one character, so that bytes that are no UTF-8 come through, to be refused as JSON.
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in pairs}
    if kind == MULTIPART_TYPE:
        return _read_multipart(content_type, body)
    raise RefusedError(Code.UNREADABLE, f"The body is neither {FORM_TYPE} nor {MULTIPART_TYPE}")


def _read_multipart(content_type: str, body: bytes) -> dict[str, bytes]:
    header = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(header + body)
    boundary = message.get_boundary()
    if boundary is None or not body.rstrip().endswith(f"--{boundary}--".encode(errors="surrogateescape")):
        raise RefusedError(Code.UNREADABLE, "The multipart body does not end at its boundary")
    form: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", "", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            form[name] = content
    return form


def answer(**values: object) -> Response:
    """The success envelope."""
    return _json({"error": False, **values}, 200)


def refuse(error: RefusedError, status: int) -> Response:
    """The error envelope."""
    return _json({"error": True, "errorcode": int(error.code), "errormessage": error.message}, status)


def _json(content: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(content), status, headers={"content-type": JSON_TYPE})
