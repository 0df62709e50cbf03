"""Connections over several lists at once: read together, in one order, with one cursor.

Each list a connection is made of is a `Stream` with a name of its own. A cursor holds a position per stream, and a
digest of what was asked (filter, order, streams), so that a cursor of another list is refused. Without an order the
streams follow one another as configured; with one, they are merged by it. A stream that fails keeps its position: its
records come on a later page, and until then the connection has a next page and names the problem.
"""

import base64
import binascii
import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from adapters.contract import ListRequest, Order
from adapters.errors import AdapterError, UnsupportedByVendor
from adapters.filters import Compare, Filter, FilterOptions, Not, Op
from adapters.model import Page
from gateway.backends import Backend
from gateway.loaders import PageKey
from gateway.merging import can_merge_by, followed, merged, order_needs
from gateway.narrowing import narrowed_to
from gateway.problems import Problem, ProblemCode, ProblemError, failed

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["Connection", "ConnectionKey", "Edge", "Stream", "read_connection", "read_connections", "streams_over"]


class Stream(Struct, frozen=True):
    """One backend's list, or one customer's there. Without ``part`` it stands for what the backend cannot list."""

    name: str
    backend: str
    part: str | None
    customer_id: str | None = None


class ConnectionKey(Struct, frozen=True, kw_only=True):
    """Which connection is asked for. ``alone``: it is a field of one record, whose failure is the field's.

    Where streams had to be looked up, ``asked`` says for what, so that a cursor outlives a look-up that fails; and
    ``incomplete`` that one failed, as the ``problems`` say: its streams are read on a later page.
    """

    streams: tuple[Stream, ...]
    first: int
    after: str | None
    filter: Filter | None = None
    order: Order | None = None
    options: FilterOptions
    wanted: frozenset[str]
    count: bool
    alone: bool = False
    asked: tuple[str, ...] | None = None
    incomplete: bool = False
    problems: tuple[Problem, ...] = ()

    def digest(self) -> str:
        """What a cursor of this connection is good for; its options' ``today`` is not part of it, since it moves on."""
        options = msgspec.structs.replace(self.options, today=date.min)
        lists = sorted(stream.name for stream in self.streams) if self.asked is None else self.asked
        asked = repr((self.filter, self.order, options, lists))
        return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class PageInfo(Struct, frozen=True):
    """Relay's PageInfo, forward."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class _Cursor(Struct, frozen=True, omit_defaults=True):
    digest: str
    positions: dict[str, str | None]
    """Per stream where to go on; None when it is exhausted; absent when it is not begun."""
    today: date | None = None
    """The day that the filter's relative periods are relative to, of all pages alike."""


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
        positions = dict(self._begin)
        cursors = []
        for name, _, position in self._taken:
            positions[name] = position
            cursors.append(self._cursor(positions))
        if cursors:
            cursors[-1] = self._cursor(self._end)
        return cursors

    @property
    def page_info(self) -> "Connection":
        """Where it stands: what `PageInfo` has, each worked out only when somebody asks for it."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether there is more, at a stream that failed too."""
        unread = (self._end.get(stream.name, "") is not None for stream in self._key.streams if stream.part)
        return self._key.incomplete or any(unread)

    @property
    def has_previous_page(self) -> bool:
        """Whether it began after a cursor."""
        return bool(self._begin)

    @property
    def start_cursor(self) -> str | None:
        """Goes on after the first record."""
        return self.cursors[0] if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """Goes on after the page. One without records has an end to go on from too."""
        return self._cursor(self._end) if self.nodes or self.has_next_page else None

    @cached_property
    def _digest(self) -> str:
        return self._key.digest()

    def _cursor(self, positions: Mapping[str, str | None]) -> str:
        key = self._key
        today = key.options.today if _has_period(key.filter) and key.options.as_of is None else None
        return _encode(_Cursor(self._digest, dict(positions), today))


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

    def apart(self, key: ConnectionKey) -> Hashable:
        """The backends that a connection is made of."""
        return frozenset(stream.backend for stream in key.streams)

    async def load_many(self, keys: Sequence[ConnectionKey]) -> list[Any]:
        """The connections in the keys' order, with an error in the place of each that failed."""
        return await read_connections(keys, self._context)

    async def load(self, key: ConnectionKey) -> Connection:
        """The connection of this key."""
        return await read_connection(key, self._context)


async def read_connection(key: ConnectionKey, context: "RequestContext") -> Connection:
    """One connection. Raises what stands in its place."""
    (connection,) = await read_connections((key,), context)
    if isinstance(connection, Exception):
        raise connection
    return connection


async def read_connections(keys: Sequence[ConnectionKey], context: "RequestContext") -> list["Connection | Exception"]:
    """Reads all streams of these connections that are not exhausted at once, and takes from them what each page holds.

    The connections are in the keys' order, with an error in the place of each that failed.
    """
    readings = [_reading_of(key) for key in keys]
    wanted = [page for one in readings if isinstance(one, _Reading) for page in one.wanted]
    pages = iter(await context.loaders.page.load_many(wanted) if wanted else ())
    return [_connection_of(one, pages) if isinstance(one, _Reading) else one for one in readings]


class _Reading:
    """A connection that is being read. ``wanted`` are the pages it takes: of its live streams, then of the counted."""

    def __init__(self, key: ConnectionKey) -> None:
        cursor = _cursor_of(key)
        if cursor is not None and cursor.today is not None:
            key = msgspec.structs.replace(key, options=msgspec.structs.replace(key.options, today=cursor.today))
        self.key = key
        self.begin: Mapping[str, str | None] = {} if cursor is None else cursor.positions
        self.there = [stream for stream in key.streams if stream.part is not None]
        if key.order is not None and len(self.there) > 1 and not can_merge_by(key.order):
            message = "Several backends cannot be put in this order together: name one of them."
            raise ProblemError(Problem(code=ProblemCode.UNSUPPORTED, message=message, path=("orderBy",)))
        missing = [stream for stream in key.streams if stream.part is None]
        self.problems = [*key.problems, *(failed(_no_such_list(stream)) for stream in missing)]
        self.live = [stream for stream in self.there if self.begin.get(stream.name, "") is not None]
        self._exhausted = [stream for stream in self.there if stream not in self.live] if key.count else []
        self.wanted = [_page_key(stream, key, self.begin.get(stream.name)) for stream in self.live]
        self.wanted += [_page_key(stream, _counting(key), None) for stream in self._exhausted]

    def connection(self, answers: Sequence[Any]) -> Connection:
        """The connection made of what was answered for ``wanted``. Raises what it fails with."""
        key, live = self.key, len(self.live)
        pages = _pages_of(self.live, answers[:live], self.problems, alone=key.alone)
        counted = _pages_of(self._exhausted, answers[live:], [], alone=False)
        in_turn = key.order is None or len(pages) == 1
        taken = followed(pages, key.first) if key.order is None or in_turn else merged(pages, key.order, key.first)
        end = _end(self.begin, pages, taken)
        total = None
        if key.count and not key.incomplete:
            total = _total([*pages.values(), *counted.values()], len(self.there))
        return Connection(key, self.begin, taken, end, total=total, problems=self.problems)


def _reading_of(key: ConnectionKey) -> "_Reading | Exception":
    try:
        return _Reading(key)
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error


def _connection_of(reading: _Reading, pages: Iterator[Any]) -> "Connection | Exception":
    answers = [next(pages) for _ in reading.wanted]
    try:
        return reading.connection(answers)
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error


def _no_such_list(stream: Stream) -> UnsupportedByVendor:
    return UnsupportedByVendor("This backend has no such list.", backend=stream.backend)


def _counting(key: ConnectionKey) -> ConnectionKey:
    """The key under which streams that are exhausted are read again, for their totals alone: no record is missing."""
    return msgspec.structs.replace(key, first=1, wanted=frozenset(), alone=False)


def _total(pages: Sequence[Page[Any]], expected: int) -> int | None:
    """The sum of all streams' totals; None where one is not known."""
    totals = [page.total for page in pages if page.total is not None]
    return sum(totals) if len(totals) == expected else None


def _pages_of(
    streams: Sequence[Stream], answers: Sequence[Any], problems: list[Problem], *, alone: bool
) -> dict[str, Page[Any]]:
    """A page of each stream that could be read; the problems of the others are added to ``problems``."""
    pages: dict[str, Page[Any]] = {}
    for stream, answer in zip(streams, answers, strict=True):
        if isinstance(answer, AdapterError) and not alone:
            problems.append(failed(answer, stream.backend))
        elif isinstance(answer, Exception):
            raise answer
        else:
            pages[stream.name] = answer
            if isinstance(answer.problem, AdapterError):
                problems.append(failed(answer.problem, stream.backend))
    return pages


def _page_key(stream: Stream, key: ConnectionKey, position: str | None) -> PageKey:
    assert stream.part is not None  # noqa: S101 - only live streams are read
    request = ListRequest(
        first=key.first,
        position=position,
        filter=None if key.filter is None else narrowed_to(key.filter, stream.backend),
        order=key.order,
        options=key.options,
        wanted=key.wanted | order_needs(key.order),
        count=key.count,
    )
    return PageKey(stream.part, stream.backend, stream.customer_id, request)


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


def _has_period(tree: Filter | None) -> bool:
    """Whether a filter is about days that move."""
    if isinstance(tree, Compare):
        return tree.op in (Op.IN_PERIOD, Op.NOT_IN_PERIOD)
    if isinstance(tree, Not):
        return _has_period(tree.term)
    return tree is not None and any(map(_has_period, tree.terms))


def _cursor_of(key: ConnectionKey) -> _Cursor | None:
    if key.after is None:
        return None
    try:
        text = base64.b64decode(key.after + "=" * (-len(key.after) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(text, type=_Cursor)
    except (binascii.Error, ValueError):
        cursor = None
    names = {stream.name for stream in key.streams}
    known = cursor is not None and (key.asked is not None or cursor.positions.keys() <= names)
    if cursor is None or not known or cursor.digest != key.digest():
        raise ProblemError(
            Problem(
                code=ProblemCode.INVALID_INPUT,
                message="This cursor is of another list: keep filter, order and backends, or begin without `after`.",
                path=("after",),
            )
        )
    return cursor


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode("ascii")
