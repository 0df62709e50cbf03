"""What KashFlow's emulator reads from a request and how it pages and refuses: parameters, bodies, dates, page links."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

__all__ = [
    "DAY_END",
    "DAY_START",
    "NEVER",
    "ORDERS",
    "Handler",
    "Parameters",
    "RefusedError",
    "Window",
    "answer",
    "answer_refusal",
    "invalid",
    "read_json",
    "read_moment",
    "require_json_accepted",
    "stamp",
]

NEVER = "1900-01-01 12:00:00"
"""How KashFlow writes "no date": the value in its published customer sample."""

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

ORDERS = {"asc": "Asc", "desc": "Desc"}
DAY_START, DAY_END = time(0), time(23, 59, 59)

_STAMP = "%Y-%m-%d %H:%M:%S"
_DAY = re.compile(r"[0-9]{8}")
_UNWANTED = re.compile(r";\s*q=0(\.0*)?\s*(;|$)")
_WHOLE = re.compile(r"[0-9]{1,9}")


class RefusedError(Exception):
    """An answer other than success, in KashFlow's envelope ``{"Message", "Error"}``; without ``error`` no body."""

    def __init__(self, status: int, error: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def invalid(message: str) -> RefusedError:
    """The refusal of a request that is not as documented."""
    return RefusedError(400, "InvalidRequest", message)


def stamp(moment: datetime) -> str:
    """A time as KashFlow writes it: a space for the T, and no offset unless one was recorded."""
    return moment.strftime(_STAMP)


class Parameters:
    """A request's query parameters, by their documented names; others are refused, or with ``lenient`` ignored."""

    def __init__(self, request: Request, *known: str, lenient: bool) -> None:
        names = {name.lower(): name for name in known} if lenient else {name: name for name in known}
        self._values: dict[str, str] = {}
        for key, value in request.query_params.multi_items():
            name = names.get(key.lower() if lenient else key)
            if name is None and lenient:
                continue
            if name is None:
                raise invalid(f"Unknown parameter: {key}")
            if name in self._values:
                raise invalid(f"{name} is given twice")
            self._values[name] = value

    @property
    def given(self) -> list[tuple[str, str]]:
        """The parameters, in the order they came."""
        return list(self._values.items())

    def text(self, name: str) -> str | None:
        """A text in lower case, as all are compared without case; an empty one is none."""
        return self._values.get(name, "").lower() or None

    def whole(self, name: str, default: int) -> int:
        """A whole number of one or more."""
        value = self._values.get(name)
        if value is None:
            return default
        if not _WHOLE.fullmatch(value) or int(value) < 1:
            raise invalid(f"{name} must be a whole number, 1 or more")
        return int(value)

    def choice(self, name: str, choices: dict[str, str], default: str) -> str:
        """One of ``choices`` (lower case, to what it means), in any case."""
        value = self._values.get(name)
        if value is None:
            return default
        if value.lower() not in choices:
            raise invalid(f"{name} must be one of {', '.join(choices)}")
        return choices[value.lower()]

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; false when it is not given."""
        return self.choice(name, {"true": "true", "false": "false"}, "false") == "true"

    def bit(self, name: str) -> bool:
        """``1`` or ``0``; 0 when it is not given."""
        return self.choice(name, {"1": "1", "0": "0"}, "0") == "1"

    def day(self, name: str) -> date | None:
        """A day as yyyymmdd."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value if _DAY.fullmatch(value) else "")
        except ValueError:
            raise invalid(f"{name} must be a date in yyyymmdd format") from None

    def moment(self, name: str, at: time) -> str | None:
        """A day (yyyymmdd or YYYY-MM-DD; ``at`` is its time) or YYYY-MM-DD HH:mm:ss, as `stamp` writes it."""
        value = self._values.get(name)
        return None if value is None else read_moment(name, value, at)


def read_moment(name: str, value: str, at: time) -> str:
    """A time as it may be written to KashFlow, or a day whose time is ``at``, as `stamp` writes it."""
    for pattern in (_STAMP, "%Y-%m-%d", "%Y%m%d"):
        try:
            read = datetime.strptime(value, pattern)  # noqa: DTZ007 - KashFlow's dates have no zone
        except ValueError:
            continue
        return stamp(read if pattern == _STAMP else datetime.combine(read, at))
    raise invalid(f"{name} must be a date")


@dataclass(frozen=True, slots=True)
class Window:
    """The page that was asked for: its number, from 1, and its size."""

    page: int
    size: int

    @classmethod
    def read(cls, parameters: Parameters, *, default: int, maximum: int | None) -> "Window":
        """Reads ``page`` and ``perpage``; more than ``maximum`` a page is refused."""
        size = parameters.whole("perpage", default)
        if maximum is not None and size > maximum:
            raise invalid(f"perpage must not be more than {maximum}")
        return cls(parameters.whole("page", 1), size)

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * self.size

    def envelope(
        self, request: Request, parameters: Parameters, total: int, rows: Sequence[object]
    ) -> dict[str, object]:
        """The answer's body; its links are absolute, under the host that was asked, and keep the other parameters."""
        last = max(1, -(-total // self.size))
        kept = [(name, value) for name, value in parameters.given if name not in {"page", "perpage"}]

        def link(page: int) -> str:
            query = urlencode([("page", page), ("perpage", self.size), *kept])
            return f"{request.url.scheme}://{request.url.netloc}{request.url.path}?{query}"

        metadata = {
            "TotalRecords": total,
            "FirstPageUrl": link(1),
            "LastPageUrl": link(last),
            "PreviousPageUrl": link(min(self.page - 1, last)) if self.page > 1 else None,
            "NextPageUrl": link(self.page + 1) if self.page < last else None,
            "TotalAmount": 0,
            "InvoiceLimitReached": False,
        }
        return {"MetaData": metadata, "Data": rows}


def answer(content: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json; charset=utf-8")


async def answer_refusal(_request: Request, refusal: Exception) -> Response:
    """The envelope of every error but a missing note, which has no body."""
    if not isinstance(refusal, RefusedError):
        raise refusal
    if not refusal.error:
        return Response(status_code=refusal.status)
    return answer({"Message": refusal.message, "Error": refusal.error}, refusal.status)


async def read_json(request: Request) -> Any:
    """The body of a request that says it is JSON."""
    if _media_type(request.headers.get("content-type", "")) != "application/json":
        raise RefusedError(415, "UnsupportedMediaType", "The request body must be application/json")
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("The request body is not valid JSON") from None


def require_json_accepted(request: Request) -> None:
    """Refuses a request that would not take JSON: the pages' XML has no example to emulate."""
    parts = request.headers.get("accept", "*/*").split(",")
    if not {_media_type(part) for part in parts if not _UNWANTED.search(part)} & {
        "application/json",
        "application/*",
        "*/*",
    }:
        raise RefusedError(406, "NotAcceptable", "Only application/json is available")


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()
