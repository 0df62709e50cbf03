"""Reading a part of a list: from vendors that page by number or offset, and out of a list that is at hand whole."""

import bisect
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from adapters.errors import InvalidInput, ScanLimit
from adapters.model import Page

__all__ = [
    "Rows",
    "decode_offset",
    "encode_offset",
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
    reads the ``number``-th page (from 1) of that size. ``matches`` filters here what the vendor was not asked to.
    Going on from a position reads one row again: where the list has shifted meanwhile, rows already seen are dropped.
    """
    offset, last = decode_offset(position)
    at = max(0, offset - 1)
    records: list[T] = []
    positions: list[str] = []
    scanned = 0
    total: int | None = None
    while True:
        count = min(max_size, max_size if matches is not None else first - len(records) + (last is not None))
        if numbered:
            number, size = window(at, count, max_size)
            answer, begin = await fetch(number, size), (number - 1) * size
        else:
            size = count
            answer, begin = await fetch(at, size), at
        total = answer.total if answer.total is not None else total
        fresh = rows_after(list(answer.records[at - begin :]), at, last, key_of)
        for index, record in fresh:
            if matches is None or matches(record):
                records.append(record)
                positions.append(encode_offset(index + 1, key_of(record)))
            at, last, scanned = index + 1, key_of(record), scanned + 1
            if len(records) == first or scanned >= scan_budget:
                break
        else:
            at = begin + len(answer.records)
        more = _more(at, begin + len(answer.records), len(answer.records), size, total)
        done = len(records) == first or not more
        if done or scanned >= scan_budget:
            limit = None if done else ScanLimit(f"Stopped after reading {scanned} rows.")
            end = encode_offset(at, last) if more else None
            total = total if matches is None else None
            return Page(records=tuple(records), positions=tuple(positions), end=end, total=total, problem=limit)


def rows_after(rows: list[T], at: int, last: str | None, key_of: Callable[[T], str]) -> list[tuple[int, T]]:
    """The rows with their places, the first being ``at``; those up to the one with key ``last`` are dropped."""
    numbered = list(enumerate(rows, start=at))
    if last is not None:
        for place, (_, row) in enumerate(numbered):
            if key_of(row) == last:
                return numbered[place + 1 :]
    return numbered


def _more(at: int, known: int, received: int, size: int, total: int | None) -> bool:
    if at < known:
        return True
    return at < total and received > 0 if total is not None else received >= size


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
