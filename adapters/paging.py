"""Reading a part of a list: from vendors that page by number or offset, and out of a list that is at hand whole."""

import bisect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

import msgspec
from msgspec import Struct

from adapters.contract import ListRequest
from adapters.errors import InvalidInput, ScanLimit
from adapters.model import Page
from adapters.translating import Translated, joined

__all__ = [
    "OffsetPositions",
    "Rows",
    "decode_offset",
    "encode_offset",
    "own_places",
    "position_json",
    "read_by_offset",
    "rows_after",
    "slice_sorted",
    "window",
]

T = TypeVar("T")

_POSITION = msgspec.json.Encoder()

LONGEST_POSITION = 16_384
"""Characters. A position holds a few keys and names, escaped."""


class Rows(Struct, frozen=True):
    """What one call answered: the rows, and how many there are in all where the vendor says it."""

    records: Sequence[Any]
    total: int | None


def own_places(
    customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str]
) -> dict[str, str | None]:
    """Where each customer's own list goes on; None at its beginning.

    Raises:
        ValueError: the request has a position, which could be no more than one customer's.
    """
    if request.position is not None:
        raise ValueError("Positions in customers' own lists are given by customer, not with the request.")
    if not positions:
        return dict.fromkeys(customer_ids)
    return {customer_id: positions.get(customer_id) for customer_id in customer_ids}


def window(start: int, count: int, max_size: int) -> tuple[int, int]:
    """A numbered page, ``(number from 1, size)``, that covers ``count`` rows from ``start`` (from 0), if one does.

    The smallest fitting size is chosen; where no page of at most ``max_size`` rows covers all, the one that begins
    nearest before ``start`` and so covers the most of it.
    """
    for size in range(count, max_size + 1):
        number = start // size
        if (number + 1) * size >= start + count:
            return number + 1, size
    best = max(range(max(1, max_size // 2), max_size + 1), key=lambda size: (start // size + 1) * size)
    return start // best + 1, best


async def read_by_offset(
    fetch: Callable[[int, int], Awaitable[Rows]],
    *,
    first: int,
    position: str | None,
    key_of: Callable[[T], str],
    matches: Callable[[T], bool] | None,
    max_size: int,
    scan_budget: int,
    numbered: bool,
) -> Page[T]:
    """A page of a list that the vendor serves by offset, or by page number and size when ``numbered``.

    ``fetch(start, size)`` reads ``size`` rows from ``start`` (from 0); when ``numbered``, ``fetch(number, size)``
    reads the ``number``-th page (from 1) of that size. ``key_of`` gives a record's native id. ``matches`` filters here
    what the vendor was not asked to.
    Going on from a position reads one row again: where the list has shifted meanwhile, rows already seen are dropped.
    """
    offset, last = decode_offset(position)
    place = _Place(max(0, offset - 1), last)
    parts: list[Sequence[T]] = []
    offsets: Sequence[int] = range(0)
    scanned = 0
    total: int | None = None
    while True:
        wanted = max_size if matches is not None else min(max_size, first - len(offsets) + (place.last is not None))
        part = await _part(fetch, place.offset, wanted, max_size if numbered else None)
        total = part.rows.total if part.rows.total is not None else total
        at, unseen = rows_after(part.rows.records, part.begin, place.offset, place.last, key_of)
        taken = unseen[: scan_budget - scanned]
        if matches is None:
            taken = taken[: first - len(offsets)]
            parts.append(taken)
            offsets = _followed(offsets, range(at + 1, at + 1 + len(taken)))
            read = len(taken)
        else:
            matching, found, read = _matching(taken, at, matches, first - len(offsets))
            parts.append(matching)
            offsets = [*offsets, *found]
        if read:
            scanned += read
            last = taken.native_id(read - 1) if isinstance(taken, Translated) else key_of(taken[read - 1])
            place = _Place(at + read, last)
        full = len(offsets) == first
        if not full and scanned < scan_budget:
            place = _Place(part.end, place.last)  # all of the part is read, what was seen before included
        more = part.has_more(place.offset, total)
        if full or not more or scanned >= scan_budget:
            records = joined(parts)
            return Page(
                records=records,
                positions=OffsetPositions(records, offsets, key_of),
                end=place.text() if more else None,
                total=total if matches is None else None,
                problem=ScanLimit(f"Stopped after reading {scanned} rows.") if more and not full else None,
            )


def _followed(offsets: Sequence[int], more: range) -> Sequence[int]:
    """Offsets and more of them: a range, which takes no memory, as long as the list has not shifted."""
    if not offsets:
        return more
    if isinstance(offsets, range) and offsets.stop == more.start:
        return range(offsets.start, more.stop)
    return [*offsets, *more]


def _matching(rows: Sequence[T], at: int, matches: Callable[[T], bool], most: int) -> tuple[list[T], list[int], int]:
    """The first ``most`` that match of these rows, of which the first is at ``at``; the offsets after them.

    And how many were looked at.
    """
    found: list[T] = []
    offsets: list[int] = []
    for read, row in enumerate(rows, start=1):
        if matches(row):
            found.append(row)
            offsets.append(at + read)
            if len(offsets) == most:
                return found, offsets, read
    return found, offsets, len(rows)


class OffsetPositions(Sequence[str]):
    """The positions after records, by the offsets after them: written only where somebody goes on from there."""

    __slots__ = ("_key_of", "_offsets", "_records")

    def __init__(self, records: Sequence[T], offsets: Sequence[int], key_of: Callable[[T], str]) -> None:
        self._records = records
        self._offsets = offsets
        self._key_of = key_of

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self[one] for one in range(len(self))[at])
        return encode_offset(self._offsets[at], self._key_of(self._records[at]))


class _Place(Struct, frozen=True):
    """Where reading stands: the next row's offset, and the key of the last row that was read."""

    offset: int
    last: str | None

    def text(self) -> str:
        """As a position."""
        return encode_offset(self.offset, self.last)


class _Part(Struct, frozen=True):
    """What one call brought: the rows from ``begin`` on, of the ``size`` that it was asked for."""

    rows: Rows
    begin: int
    size: int

    @property
    def end(self) -> int:
        """The offset after its last row."""
        return self.begin + len(self.rows.records)

    def has_more(self, offset: int, total: int | None) -> bool:
        """Whether there are rows from an offset on: in this part, by the vendor's total, or since the part is full."""
        if offset < self.end:
            return True
        received = len(self.rows.records)
        return received >= self.size if total is None else offset < total and received > 0


async def _part(fetch: Callable[[int, int], Awaitable[Rows]], offset: int, count: int, paged_by: int | None) -> _Part:
    """``count`` rows from ``offset``; with ``paged_by`` what a numbered page of at most so many rows holds of them."""
    if paged_by is None:
        return _Part(await fetch(offset, count), offset, count)
    number, size = window(offset, count, paged_by)
    return _Part(await fetch(number, size), (number - 1) * size, size)


def rows_after(
    rows: Sequence[T], begin: int, offset: int, last: str | None, key_of: Callable[[T], str]
) -> tuple[int, Sequence[T]]:
    """Of the rows, of which the first is at ``begin``, those from ``offset`` on, and the place of the first of them.

    Those up to the one with key ``last`` are dropped, where it is there.
    """
    unseen = rows[offset - begin :] if offset > begin else rows
    if last is not None:
        keys = unseen.native_ids() if isinstance(unseen, Translated) else list(map(key_of, unseen))
        if last in keys:
            seen = keys.index(last) + 1
            return offset + seen, unseen[seen:]
    return offset, unseen


def encode_offset(offset: int, last: str | None) -> str:
    """The position that goes on at ``offset``, after the record with key ``last``."""
    return _POSITION.encode((offset, last)).decode("utf-8")


def decode_offset(position: str | None) -> tuple[int, str | None]:
    """What `encode_offset` was given; the beginning for None. Raises `InvalidInput` for another list's position."""
    if position is None:
        return 0, None
    match position_json(position):
        case [int() as offset, str() | None as last] if offset >= 0:
            return offset, last
    raise InvalidInput("This cursor was not made by this list.", field="after")


def position_json(position: str) -> Any:
    """The JSON value that a position is; None where it is none, or is longer than any that a list makes."""
    if len(position) > LONGEST_POSITION:
        return None
    try:
        return json.loads(position)
    except (ValueError, RecursionError):
        return None


def slice_sorted(
    records: Sequence[T], *, first: int, position: str | None, sort_key: Callable[[T], list[Any]]
) -> Page[T]:
    """A part of a list at hand, sorted by ``sort_key``: a list of JSON values that differs for every record.

    The position is the sort key itself, so that nothing is missed or repeated when other records come or go.
    """
    keys = [sort_key(record) for record in records]
    begin = 0
    if position is not None:
        after = position_json(position)
        if not isinstance(after, list):
            raise InvalidInput("This cursor was not made by this list.", field="after")
        try:
            begin = bisect.bisect_right(keys, after)
        except TypeError:
            raise InvalidInput("This cursor was not made by this list.", field="after") from None
    stop = min(begin + first, len(records))
    positions = tuple(json.dumps(key, separators=(",", ":")) for key in keys[begin:stop])
    end = (positions[-1] if positions else position) if stop < len(records) else None
    return Page(records=tuple(records[begin:stop]), positions=positions, end=end, total=len(records))
