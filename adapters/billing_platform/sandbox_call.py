"""One request to the emulator as its handlers read it: the id in the path, the query, the body, what is accepted."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from adapters.billing_platform.sandbox_query import single_parameters
from adapters.billing_platform.sandbox_refusals import BAD_REQUEST, NOT_FOUND, RefusedError

__all__ = ["Call", "only"]

Row = TypeVar("Row")

_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """What arrived; header names are in lower case, the query is in the order given."""

    path: Mapping[str, Any]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes

    def id(self) -> int:
        """The id in the path; what cannot be one is refused with 404001, as an id that does not exist."""
        text = self.path["id"]
        if _ID.fullmatch(text) is None:
            raise RefusedError(NOT_FOUND)
        return int(text)

    def takes_no_parameters(self) -> None:
        """Refuses any query parameter with 400001."""
        single_parameters((), self.query)

    def wants_pdf(self) -> bool:
        """Whether the Accept header asks for the PDF rather than the JSON description."""
        first = self.headers.get("accept", "").split(",")[0]
        return first.split(";")[0].strip().lower() == "application/pdf"

    def fields(self, known: Collection[str]) -> dict[str, Any]:
        """The JSON object in the body. Another content type, bad JSON and a field that is not known are 400001."""
        media_type = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise RefusedError(BAD_REQUEST, "Content-Type: application/json is needed")
        try:
            fields = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise RefusedError(BAD_REQUEST, "The body is not JSON") from error
        if not isinstance(fields, dict):
            raise RefusedError(BAD_REQUEST, "The body is not a JSON object")
        for name in fields:
            if name not in known:
                raise RefusedError(BAD_REQUEST, f"{name}: not a field that can be given here")
        return fields

    def optional_fields(self, known: Collection[str]) -> dict[str, Any]:
        """As `fields`, or empty when there is no body."""
        return self.fields(known) if self.body else {}


def only(rows: Sequence[Row]) -> Row:
    """The row that an id found; 404001 where it found none."""
    if not rows:
        raise RefusedError(NOT_FOUND)
    return rows[0]
