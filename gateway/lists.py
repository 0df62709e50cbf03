"""Connections over several lists at once: read together, in one order, with one cursor.

Each list a connection is made of is a `Stream` with a name of its own. A cursor holds a position per stream, and a
digest of what was asked (filter, order, streams), so that a cursor of another list is refused. Without an order the
streams follow one another as configured; with one, they are merged by it. A stream that fails keeps its position: its
records come on a later page, and until then the connection has a next page and names the problem.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, overload

import msgspec
from msgspec import Struct

from adapters.contract import Order
from adapters.filters import Compare, Filter, FilterOptions, Not, Op
from adapters.model import Page
from adapters.own_rows import OwnRows
from gateway.backends import Backend
from gateway.problems import Problem, ProblemCode, ProblemError

__all__ = [
    "Connection",
    "ConnectionKey",
    "Cursor",
    "Edge",
    "OwnConnection",
    "OwnConnections",
    "OwnList",
    "OwnLists",
    "Places",
    "Stream",
    "cursor_of",
    "streams_over",
]


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


class OwnLists(Struct, frozen=True):
    """Lists that customers have of their own, of those of these parts that a customer's backend has.

    ``of`` says the rest of each. Many customers' are asked for with one and the same, and read together.
    """

    parts: tuple[str, ...]
    of: ConnectionKey


class OwnList(Struct, frozen=True):
    """One customer's of them."""

    backend: str
    customer_id: str
    lists: OwnLists


class PageInfo(Struct, frozen=True):
    """Relay's PageInfo, forward."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Cursor(Struct, frozen=True, omit_defaults=True):
    """What a cursor holds."""

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


class Places(Struct, frozen=True):
    """Where a connection stands: where its streams began, what was taken of each, and where they go on."""

    key: ConnectionKey
    begin: Mapping[str, str | None]
    taken: Sequence[tuple[str, Any, str | None]]
    end: Mapping[str, str | None]


class Connection:
    """A part of a list. Where it stands, and its cursors, are worked out only when somebody asks."""

    def __init__(
        self, nodes: Sequence[Any], places: Callable[[], Places], *, total: int | None, problems: list[Problem]
    ) -> None:
        self.nodes = nodes
        self.total_count = total
        self.problems = problems
        self._find = places

    @cached_property
    def _places(self) -> Places:
        return self._find()

    @cached_property
    def edges(self) -> list[Edge]:
        """The records with their cursors."""
        return [Edge(record, self, index) for index, record in enumerate(self.nodes)]

    @cached_property
    def cursors(self) -> list[str]:
        """After each record, the cursor that goes on there; after the last, the page's end."""
        positions = dict(self._places.begin)
        cursors = []
        for name, _, position in self._places.taken:
            positions[name] = position
            cursors.append(self._cursor(positions))
        if cursors:
            cursors[-1] = self._cursor(self._places.end)
        return cursors

    @property
    def page_info(self) -> "Connection":
        """Where it stands: what `PageInfo` has, each worked out only when somebody asks for it."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether there is more, at a stream that failed too."""
        key, end = self._places.key, self._places.end
        return key.incomplete or any(end.get(stream.name, "") is not None for stream in key.streams if stream.part)

    @property
    def has_previous_page(self) -> bool:
        """Whether it began after a cursor."""
        return bool(self._places.begin)

    @property
    def start_cursor(self) -> str | None:
        """Goes on after the first record."""
        return self.cursors[0] if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """Goes on after the page. One without records has an end to go on from too."""
        return self._cursor(self._places.end) if self.nodes or self.has_next_page else None

    @cached_property
    def _digest(self) -> str:
        return self._places.key.digest()

    def _cursor(self, positions: Mapping[str, str | None]) -> str:
        key = self._places.key
        today = key.options.today if _has_period(key.filter) and key.options.as_of is None else None
        return _encode(Cursor(self._digest, dict(positions), today))


class OwnConnection(Struct, frozen=True):
    """A customer's own list, from its beginning to the page's end: its records as they came.

    There is one for each of many customers, so it is little: where it stands is asked of a `Connection` that ``whole``
    makes of it, when somebody wants to know.
    """

    nodes: Sequence[Any]
    total_count: int | None
    customer_id: str
    page: Page[Any]
    whole: Callable[["OwnConnection"], Connection]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """None: a list that is alone has failed, or has not."""
        return ()

    @property
    def edges(self) -> list[Edge]:
        """The records with their cursors."""
        return self.whole(self).edges

    @property
    def page_info(self) -> Connection:
        """Where it stands."""
        return self.whole(self)


class OwnConnections(Sequence[Any]):
    """Many customers' own lists, of each of which there are the rows: what `OwnRows` are to pages.

    ``of_page`` makes a customer's connection, when somebody looks at it.
    """

    def __init__(
        self, customer_ids: Sequence[str], pages: OwnRows[Any], of_page: Callable[[str, OwnRows[Any]], Any]
    ) -> None:
        self._customer_ids = customer_ids
        self._pages = pages
        self._of_page = of_page
        self.translation = pages.translation
        self.backend = pages.backend

    @property
    def rows(self) -> list[Sequence[Any]]:
        """Of each, the rows of its records."""
        return list(map(self._pages.rows.__getitem__, self._customer_ids))

    def __len__(self) -> int:
        return len(self._customer_ids)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        return self._of_page(self._customer_ids[at], self._pages)


def streams_over(backends: Sequence[Backend], parts: Sequence[str]) -> tuple[Stream, ...]:
    """One stream per backend and part that it offers; where it offers none, one that says so."""
    streams: list[Stream] = []
    for backend in backends:
        offered = [part for part in parts if getattr(backend.adapter, part) is not None]
        streams += [Stream(f"{backend.key}/{part}", backend.key, part) for part in offered]
        if not offered:
            streams.append(Stream(backend.key, backend.key, None))
    return tuple(streams)


def _has_period(tree: Filter | None) -> bool:
    """Whether a filter is about days that move."""
    if isinstance(tree, Compare):
        return tree.op in (Op.IN_PERIOD, Op.NOT_IN_PERIOD)
    if isinstance(tree, Not):
        return _has_period(tree.term)
    return tree is not None and any(map(_has_period, tree.terms))


def cursor_of(key: ConnectionKey) -> Cursor | None:
    """What the key's cursor says. Raises INVALID_INPUT for one that is of another list."""
    if key.after is None:
        return None
    try:
        text = base64.b64decode(key.after + "=" * (-len(key.after) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(text, type=Cursor)
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


def _encode(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode("ascii")
