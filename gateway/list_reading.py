"""Reading connections: many at once, each list of theirs once, and taking from the lists what each page holds."""

import asyncio
from collections.abc import Awaitable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.contract import ListRequest
from adapters.errors import AdapterError, UnsupportedByVendor
from adapters.model import Page
from adapters.own_rows import OwnRows
from gateway.lists import (
    Connection,
    ConnectionKey,
    OwnConnection,
    OwnConnections,
    OwnList,
    OwnLists,
    Places,
    Stream,
    cursor_of,
)
from gateway.loaders import PageKey
from gateway.merging import can_merge_by, followed, merged, order_needs
from gateway.narrowing import narrowed_to
from gateway.problems import Problem, ProblemCode, ProblemError, failed
from gateway.safe_loader import together

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["ConnectionLoader", "OwnListLoader", "read_connection", "read_connections"]


class ConnectionLoader:
    """Loads connections through the request's page loader."""

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    def apart(self, key: ConnectionKey | OwnList) -> Hashable:
        """The backends that a connection is made of."""
        return key.backend if isinstance(key, OwnList) else frozenset(stream.backend for stream in key.streams)

    def load_many(self, keys: Sequence[ConnectionKey]) -> Awaitable[list[Any]]:
        """The connections in the keys' order, with an error in the place of each that failed."""
        return read_connections(keys, self._context)

    async def load(self, key: ConnectionKey | OwnList) -> Connection:
        """The connection of this key."""
        if isinstance(key, OwnList):
            key = self.own(key.backend, key.lists).key(key.customer_id)
        return await read_connection(key, self._context)

    def own(self, backend: str, lists: OwnLists) -> "OwnListLoader":
        """What loads lists that the customers of a backend have of their own."""
        return OwnListLoader(backend, lists, self._context)


class OwnListLoader:
    """Loads lists of one backend's customers, by their native ids; each part of all of them is read at once."""

    apart = staticmethod(together)

    def __init__(self, backend: str, lists: OwnLists, context: "RequestContext") -> None:
        self._backend = backend
        self._of = lists.of
        self._context = context
        known = context.backends.get(backend)
        self._parts = (
            [] if known is None else [part for part in lists.parts if getattr(known.adapter, part) is not None]
        )

    def key(self, customer_id: str) -> ConnectionKey:
        """One customer's connection, by itself."""
        streams = [
            Stream(f"{self._backend}/{part}/{customer_id}", self._backend, part, customer_id) for part in self._parts
        ]
        return msgspec.structs.replace(self._of, streams=tuple(streams))

    async def load(self, customer_id: str) -> Connection:
        """One customer's."""
        return await read_connection(self.key(customer_id), self._context)

    async def load_many(self, customer_ids: Sequence[str]) -> Sequence[Any]:
        """The connections in the ids' order, with an error in the place of each that failed."""
        if self._of.after is not None:
            return await read_connections([self.key(one) for one in customer_ids], self._context)
        request = _request(self._of, self._backend, None)
        loaders = [self._context.loaders.own_pages(part, self._backend, request) for part in self._parts]
        if len(loaders) == 1:
            return self._of_one_part(customer_ids, await loaders[0].load_many(customer_ids))
        answers = await asyncio.gather(*(loader.load_many(customer_ids) for loader in loaders))
        return [self._of_parts(one, pages) for one, *pages in zip(customer_ids, *answers, strict=True)]

    def _of_one_part(self, customer_ids: Sequence[str], pages: Sequence[Any]) -> Sequence[Any]:
        if len(set(map(id, pages))) == 1 and isinstance(pages[0], OwnRows):
            return OwnConnections(customer_ids, pages[0], self._of_page)
        return [self._of_page(one, page) for one, page in zip(customer_ids, pages, strict=True)]

    def _of_page(self, customer_id: str, page: Any) -> OwnConnection | Connection | Exception:
        if isinstance(page, OwnRows):
            page = page[customer_id]
        if isinstance(page, Page) and page.problem is None and len(page.records) <= self._of.first:
            return OwnConnection(page.records, page.total if self._of.count else None, customer_id, page, self._whole)
        return self._of_parts(customer_id, [page])

    def _of_parts(self, customer_id: str, pages: list[Any]) -> Connection | Exception:
        pages = [page[customer_id] if isinstance(page, OwnRows) else page for page in pages]
        reading = _reading_of(self.key(customer_id))
        return _connection_of(reading, iter(pages)) if isinstance(reading, _Reading) else reading

    def _whole(self, own: OwnConnection) -> Connection:
        key = self.key(own.customer_id)
        places = partial(_places_of_one, key, {}, {key.streams[0].name: own.page})
        return Connection(own.nodes, places, total=own.total_count, problems=[])


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
        cursor = cursor_of(key)
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
        total = None
        if key.count and not key.incomplete:
            total = _total([*pages.values(), *counted.values()], len(self.there))
        if len(pages) == 1:
            (page,) = pages.values()
            places = partial(_places_of_one, key, self.begin, pages)
            return Connection(page.records[: key.first], places, total=total, problems=self.problems)
        taken = followed(pages, key.first) if key.order is None else merged(pages, key.order, key.first)
        places = partial(_places, key, self.begin, pages, taken)
        return Connection([record for _, record, _ in taken], places, total=total, problems=self.problems)


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
    return PageKey(stream.part, stream.backend, stream.customer_id, _request(key, stream.backend, position))


def _request(key: ConnectionKey, backend: str, position: str | None) -> ListRequest:
    return ListRequest(
        first=key.first,
        position=position,
        filter=None if key.filter is None else narrowed_to(key.filter, backend),
        order=key.order,
        options=key.options,
        wanted=key.wanted | order_needs(key.order),
        count=key.count,
    )


def _places_of_one(key: ConnectionKey, begin: Mapping[str, str | None], pages: Mapping[str, Page[Any]]) -> Places:
    """Where a connection stands that is made of one list alone, whatever its order."""
    return _places(key, begin, pages, followed(pages, key.first))


def _places(
    key: ConnectionKey,
    begin: Mapping[str, str | None],
    pages: Mapping[str, Page[Any]],
    taken: Sequence[tuple[str, Any, str | None]],
) -> Places:
    return Places(key, begin, taken, _end(begin, pages, taken))


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
