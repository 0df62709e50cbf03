"""Reads one of the vendor's objects: pages, and records by key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import UNSET, convert
from msgspec.structs import replace

from adapters.contract import Limits, ListRequest, Results
from adapters.errors import AdapterError, UnsupportedByVendor
from adapters.filters import Compare, Filter, Op
from adapters.model import Page
from adapters.paging import Rows, read_by_offset
from adapters.sage_intacct.client import Client, Direction, Ordering
from adapters.sage_intacct.envelope import Reference
from adapters.sage_intacct.objects import ObjectType
from adapters.sage_intacct.query import KEY, Attribute, Conditions, conditions, parameters

__all__ = ["Reader", "batches_of", "in_batches", "is_key", "together"]

T = TypeVar("T")
RowT = TypeVar("RowT")

REFERENCES_PAGE = 100
"""Rows of a plain list, which has no paging of its own."""
_WHOLE = "list:"
"""Before a position in a plain list that was at hand whole."""


class Keyed(Protocol):
    """Any of our records."""

    @property
    def native_id(self) -> str:
        """The record's key."""


RecordT = TypeVar("RecordT", bound=Keyed)


class Reader(Generic[RowT, RecordT]):
    """Reads the records of one object."""

    def __init__(self, client: Client, object_: ObjectType[RowT, RecordT], limits: Limits) -> None:
        self._client = client
        self._object = object_
        self._limits = limits

    async def page(self, request: ListRequest) -> Page[RecordT]:
        """A part of the list, ordered by key unless ``request.order`` goes before it.

        Where only ids are wanted and the plain list has all of them, it is read instead.
        """
        where, order = self.where(request.filter), self.ordering(request)
        if where is None:
            return Page(records=(), positions=(), end=None, total=0)
        if self._references_will_do(request):
            page = await self._page_of_references(request)
            if page is not None:
                return page
        # The plain list has grown past its page, or more is wanted by now: the query goes on in the same order.
        position = request.position and request.position.removeprefix(_WHOLE)
        return await self.page_of_rows(replace(request, position=position), where, order)

    def where(self, tree: Filter | None) -> Conditions | None:
        """The filter in the vendor's terms; None when nothing can match. Raises `UnsupportedByVendor`."""
        try:
            return conditions(tree, self._object.filters)
        except UnsupportedByVendor as error:
            raise self._located(error) from None

    def ordering(self, request: ListRequest) -> Ordering:
        """The request's order, made total by the key. Raises `UnsupportedByVendor`."""
        if request.order is None:
            return (("key", "asc"),)
        if request.order.field not in self._object.orders:
            raise self._located(UnsupportedByVendor("This list cannot be ordered so.", field=request.order.field))
        direction: Direction = "desc" if request.order.descending else "asc"
        return ((self._object.orders[request.order.field], direction), ("key", "asc"))

    async def page_of_rows(self, request: ListRequest, where: Conditions, order: Ordering) -> Page[RecordT]:
        """A part of the list that the query service answers."""

        async def fetch(start: int, size: int) -> Rows:
            return await self.rows(request, where, order, start, size)

        return await read_by_offset(
            fetch,
            first=request.first,
            position=request.position,
            key_of=_key_of,
            matches=None,
            max_size=self._limits.page_size,
            scan_budget=self._limits.scan_budget,
            numbered=False,
        )

    async def rows(self, request: ListRequest, where: Conditions, order: Ordering, start: int, size: int) -> Rows:
        """One query's records, from ``start`` (from 0)."""
        answer = await self._client.query(
            self._object,
            request.wanted,
            where=where,
            parameters=parameters(request.options, relative=where.relative),
            order=order,
            start=start,
            size=size,
        )
        return Rows([self._record(row, request.wanted) for row in answer.result], answer.meta.total)

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[RecordT]:
        """Records by key: one query for many, or where the query cannot tell all that is wanted, a GET for each."""
        possible = [key for key in dict.fromkeys(keys) if is_key(key)]
        found: Mapping[str, RecordT | AdapterError | None]
        if wanted & self._object.only_by_key:
            found = await together(possible, lambda key: self._whole(key, wanted))
        else:
            batches = batches_of(possible, self._limits.page_size)
            found = await in_batches(batches, lambda batch: self._queried(batch, wanted))
        return {key: found.get(key) for key in keys}

    async def having(self, field: str, values: Sequence[str], wanted: frozenset[str]) -> list[RecordT]:
        """All records whose ``field`` is one of these values, in as many queries as it takes (one, where it is unique).

        Private entities' records are among them: the caller knows these values from records that were shown to it.
        """
        where = conditions(Compare(field, Op.IN, tuple(values)), {field: Attribute(field=field, nullable=False)})
        found: list[RecordT] = []
        more = where is not None
        while more and where is not None:
            answer = await self._client.query(
                self._object,
                wanted,
                where=where,
                parameters={"includePrivate": True},
                order=(("key", "asc"),),
                start=len(found),
                size=min(len(values), self._limits.page_size),
            )
            found += [self._record(row, wanted) for row in answer.result]
            more = bool(answer.result) and answer.meta.total is not None and len(found) < answer.meta.total
        return found

    def malformed(self) -> AdapterError:
        """The error for a list that answers with what was not asked for."""
        return self._client.malformed(
            f"{self._object.noun}.list", "The vendor answered with other records than those asked for."
        )

    async def _queried(self, keys: Sequence[str], wanted: frozenset[str]) -> dict[str, RecordT]:
        found = {record.native_id: record for record in await self.having("key", keys, wanted)}
        if not found.keys() <= set(keys):
            raise self.malformed()
        return found

    async def _whole(self, key: str, wanted: frozenset[str]) -> RecordT | None:
        answer = await self._client.record(self._object, key, wanted)
        if answer is None:
            return None
        row, raw = answer
        known = self._object.only_by_key | self._object.optional.keys()
        return self._object.translated(row, self._client.backend, known, raw if "raw" in wanted else UNSET)

    def _record(self, row: RowT, wanted: frozenset[str]) -> RecordT:
        return self._object.translated(row, self._client.backend, wanted - self._object.only_by_key, UNSET)

    def _references_will_do(self, request: ListRequest) -> bool:
        options = request.options
        fits = request.first <= REFERENCES_PAGE if request.position is None else request.position.startswith(_WHOLE)
        return (
            fits
            and bool(request.wanted)
            and request.wanted <= self._object.in_references
            and request.filter is None
            and request.order is None
            and not (options.include_private or options.include_hierarchy)
        )

    async def _page_of_references(self, request: ListRequest) -> Page[RecordT] | None:
        """A part of the plain list when it has all there is, else None. Its own order is not documented: by key."""
        answer = await self._client.references(self._object)
        if answer.meta.total != len(answer.result):
            return None
        rows = [self._of_reference(one) for one in sorted(answer.result, key=lambda one: int(one.key))]

        async def fetch(start: int, size: int) -> Rows:
            return Rows(rows[start : start + size], len(rows))

        page: Page[RecordT] = await read_by_offset(
            fetch,
            first=request.first,
            position=request.position and request.position.removeprefix(_WHOLE),
            key_of=_key_of,
            matches=None,
            max_size=len(rows) + 1,
            scan_budget=len(rows) + 1,
            numbered=False,
        )
        positions = tuple(_WHOLE + position for position in page.positions)
        return replace(page, positions=positions, end=page.end and _WHOLE + page.end)

    def _of_reference(self, reference: Reference) -> RecordT:
        row = convert({"key": reference.key, "id": reference.id}, self._object.row)
        return self._record(row, frozenset())

    def _located(self, error: UnsupportedByVendor) -> UnsupportedByVendor:
        error.backend, error.operation = self._client.backend, f"{self._object.noun}.list"
        return error


def is_key(value: str) -> bool:
    """Whether a record could have this key."""
    return KEY.fullmatch(value) is not None


def _key_of(record: Keyed) -> str:
    return record.native_id


async def together(
    keys: Sequence[str], read: Callable[[str], Awaitable[T | None]]
) -> dict[str, T | AdapterError | None]:
    """What ``read`` answers, or fails with, for each key, all at once."""

    async def one(key: str) -> T | AdapterError | None:
        try:
            return await read(key)
        except AdapterError as error:
            return error

    return dict(zip(keys, await asyncio.gather(*(one(key) for key in keys)), strict=True))


def batches_of(keys: Sequence[str], size: int, rows: Callable[[str], int] = lambda _: 1) -> list[list[str]]:
    """The keys in batches of at most ``size`` rows, ``rows`` being how many a key stands for; one of more is alone."""
    batches: list[list[str]] = []
    room = 0
    for key in keys:
        if not batches or rows(key) > room:
            batches.append([])
            room = size
        batches[-1].append(key)
        room -= rows(key)
    return batches


async def in_batches(
    batches: Sequence[Sequence[str]], read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]
) -> dict[str, T | AdapterError]:
    """What ``read`` answers for batches of keys, all at once. A failing batch fails its own keys; all of them, all."""

    async def one(batch: Sequence[str]) -> Mapping[str, T] | AdapterError:
        try:
            return await read(batch)
        except AdapterError as error:
            return error

    found: dict[str, T | AdapterError] = {}
    failures = 0
    for batch, answer in zip(batches, await asyncio.gather(*(one(batch) for batch in batches)), strict=True):
        failures += isinstance(answer, AdapterError)
        found |= dict.fromkeys(batch, answer) if isinstance(answer, AdapterError) else answer
        if failures == len(batches) and isinstance(answer, AdapterError):
            raise answer
    return found
