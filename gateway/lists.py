"""Connections over several lists at once: read together, in one order, with one cursor.

Each list a connection is made of is a `Stream` with a name of its own. A cursor holds a position per stream, and a
digest of what was asked (filter, order, streams), so that a cursor of another list is refused. Without an order the
streams follow one another as configured; with one, they are merged by it. A stream that fails keeps its position: its
records come on a later page, and until then the connection has a next page and names the problem.
"""

import asyncio
import base64
import binascii
import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from adapters.contract import ListRequest, Order
from adapters.errors import AdapterError, UnsupportedByVendor
from adapters.filters import Filter, FilterOptions
from adapters.model import Page
from gateway.backends import Backend
from gateway.loaders import PageKey
from gateway.narrowing import narrowed_to
from gateway.problems import Problem, ProblemCode, ProblemError, problem_of

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["Connection", "ConnectionKey", "Edge", "Stream", "read_connection", "streams_over"]


class Stream(Struct, frozen=True):
    """One backend's list, or one customer's there. Without ``part`` it stands for what the backend cannot list."""

    name: str
    backend: str
    part: str | None
    customer_id: str | None = None


class ConnectionKey(Struct, frozen=True, kw_only=True):
    """Which connection is asked for. ``alone``: it is a field of one record, whose failure is the field's."""

    streams: tuple[Stream, ...]
    first: int
    after: str | None
    filter: Filter | None = None
    order: Order | None = None
    options: FilterOptions
    wanted: frozenset[str]
    count: bool
    alone: bool = False
    problems: tuple[Problem, ...] = ()

    def digest(self) -> str:
        """What a cursor of this connection is good for; its options' ``today`` is not part of it, since it moves on."""
        options = msgspec.structs.replace(self.options, today=date.min)
        asked = repr((self.filter, self.order, options, sorted(stream.name for stream in self.streams)))
        return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class PageInfo(Struct, frozen=True):
    """Relay's PageInfo, forward."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class _Cursor(Struct, frozen=True):
    digest: str
    positions: dict[str, str | None]
    """Per stream where to go on; None when it is exhausted; absent when it is not begun."""


@dataclass(slots=True)
class Edge:
    """A record and where it stands."""

    node: Any
    connection: "Connection"
    index: int

    @property
    def cursor(self) -> str:
        """Goes on after this record."""
        return self.connection.cursors[self.index]


class Connection:
    """A part of a list. Cursors are made only when somebody asks for them."""

    def __init__(
        self,
        key: ConnectionKey,
        begin: Mapping[str, str | None],
        taken: Sequence[tuple[str, Any, str | None]],
        end: Mapping[str, str | None],
        *,
        total: int | None,
        problems: Sequence[Problem],
    ) -> None:
        self._key = key
        self._begin = begin
        self._taken = taken
        self._end = end
        self.nodes = [record for _, record, _ in taken]
        self.total_count = total
        self.problems = list(problems)

    @cached_property
    def edges(self) -> list[Edge]:
        """The records with their cursors."""
        return [Edge(record, self, index) for index, record in enumerate(self.nodes)]

    @cached_property
    def cursors(self) -> list[str]:
        """After each record, the cursor that goes on there; after the last, the page's end."""
        digest = self._key.digest()
        positions = dict(self._begin)
        cursors = []
        for name, _, position in self._taken:
            positions[name] = position
            cursors.append(_encode(_Cursor(digest, positions)))
        if cursors:
            cursors[-1] = _encode(_Cursor(digest, dict(self._end)))
        return cursors

    @cached_property
    def page_info(self) -> PageInfo:
        """Whether there is more, and the cursors at both ends. A page without records has an end to go on from too."""
        more = any(self._end.get(stream.name, "") is not None for stream in self._key.streams if stream.part)
        end = self.cursors[-1] if self.nodes else None
        if end is None and more:
            end = _encode(_Cursor(self._key.digest(), dict(self._end)))
        return PageInfo(more, bool(self._begin), self.cursors[0] if self.nodes else None, end)


def streams_over(backends: Sequence[Backend], parts: Sequence[str]) -> tuple[Stream, ...]:
    """One stream per backend and part that it offers; where it offers none, one that says so."""
    streams: list[Stream] = []
    for backend in backends:
        offered = [part for part in parts if getattr(backend.adapter, part) is not None]
        streams += [Stream(f"{backend.key}/{part}", backend.key, part) for part in offered]
        if not offered:
            streams.append(Stream(backend.key, backend.key, None))
    return tuple(streams)


class ConnectionLoader:
    """Loads connections through the request's page loader."""

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    async def load(self, key: ConnectionKey) -> Connection:
        """The connection of this key."""
        return await read_connection(key, self._context)


async def read_connection(key: ConnectionKey, context: "RequestContext") -> Connection:
    """Reads all streams that are not exhausted at once, and takes from them what the page holds."""
    begin = _positions(key)
    problems = list(key.problems)
    live: list[Stream] = []
    for stream in key.streams:
        if stream.part is None:
            missing = UnsupportedByVendor("This backend has no such list.", backend=stream.backend)
            problems.append(problem_of(missing))
        elif begin.get(stream.name, "") is not None:
            live.append(stream)
    answers = await asyncio.gather(
        *(_read(stream, key, begin.get(stream.name), context) for stream in live), return_exceptions=True
    )
    pages: dict[str, Page[Any]] = {}
    for stream, answer in zip(live, answers, strict=True):
        if isinstance(answer, AdapterError) and not key.alone:
            problems.append(problem_of(answer, stream.backend))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            pages[stream.name] = answer
            if isinstance(answer.problem, AdapterError):
                problems.append(problem_of(answer.problem, stream.backend))
    taken = _merge(pages, key.order, key.first) if key.order else _follow(pages, key.first)
    totals = [page.total for page in pages.values()]
    complete = key.count and len(pages) == sum(1 for stream in key.streams if stream.part)
    total = sum(count for count in totals if count is not None) if complete and None not in totals else None
    return Connection(key, begin, taken, _end(begin, pages, taken), total=total, problems=problems)


async def _read(stream: Stream, key: ConnectionKey, position: str | None, context: "RequestContext") -> Page[Any]:
    assert stream.part is not None  # noqa: S101 - only live streams are read
    request = ListRequest(
        first=key.first,
        position=position,
        filter=None if key.filter is None else narrowed_to(key.filter, stream.backend),
        order=key.order,
        options=key.options,
        wanted=key.wanted,
        count=key.count,
    )
    page: Page[Any] = await context.loaders.page.load(PageKey(stream.part, stream.backend, stream.customer_id, request))
    return page


def _follow(pages: Mapping[str, Page[Any]], first: int) -> list[tuple[str, Any, str | None]]:
    taken: list[tuple[str, Any, str | None]] = []
    for name, page in pages.items():
        room = first - len(taken)
        taken += [(name, record, at) for record, at in zip(page.records[:room], page.positions, strict=False)]
    return taken


def _merge(pages: Mapping[str, Page[Any]], order: Order, first: int) -> list[tuple[str, Any, str | None]]:
    """Takes the next of all streams, again and again; stops at a stream that has more which nobody has read yet."""
    names = list(pages)
    heads = [
        (_Rank(pages[name].records[0], order), place, 0) for place, name in enumerate(names) if pages[name].records
    ]
    heapq.heapify(heads)
    if any(not page.records and page.end is not None for page in pages.values()):
        return []
    taken: list[tuple[str, Any, str | None]] = []
    while heads and len(taken) < first:
        _, place, index = heapq.heappop(heads)
        page = pages[names[place]]
        taken.append((names[place], page.records[index], page.positions[index]))
        if index + 1 < len(page.records):
            heapq.heappush(heads, (_Rank(page.records[index + 1], order), place, index + 1))
        elif page.end is not None:
            break
    return taken


class _Rank:
    """A record's place in an order: nulls last either way, equal otherwise only when the values are."""

    __slots__ = ("descending", "value")

    def __init__(self, record: Any, order: Order) -> None:
        self.value = getattr(record, order.field)
        self.descending = order.descending

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rank) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: "_Rank") -> bool:
        if self.value is None or other.value is None:
            return self.value is not None
        return bool(self.value > other.value) if self.descending else bool(self.value < other.value)


def _end(
    begin: Mapping[str, str | None], pages: Mapping[str, Page[Any]], taken: Sequence[tuple[str, Any, str | None]]
) -> dict[str, str | None]:
    """Where each stream goes on after the page."""
    end = dict(begin)
    counts: dict[str, int] = dict.fromkeys(pages, 0)
    for name, _, position in taken:
        end[name] = position
        counts[name] += 1
    for name, page in pages.items():
        if counts[name] == len(page.records):
            end[name] = page.end
    return end


def _positions(key: ConnectionKey) -> dict[str, str | None]:
    if key.after is None:
        return {}
    try:
        text = base64.b64decode(key.after + "=" * (-len(key.after) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(text, type=_Cursor)
    except (binascii.Error, ValueError):
        cursor = None
    names = {stream.name for stream in key.streams}
    if cursor is None or cursor.digest != key.digest() or not cursor.positions.keys() <= names:
        raise ProblemError(
            Problem(
                code=ProblemCode.INVALID_INPUT,
                message="This cursor is of another list: keep filter, order and backends, or begin without `after`.",
                path=("after",),
            )
        )
    return cursor.positions


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode("ascii")
