"""Newest first out of a list that the vendor gives in ascending id only, without reading the list whole.

The vendor cannot sort, but it can bound the days (``minDate``, ``maxDate``). So windows of days are read one after the
other, backwards: the first is the last 30 days with all that is dated later, and each next one is four times as long,
until one is open towards the past. (Lengths count from today even where a position lies in days to come: no walk back
from a mistyped century.) Inside a window, which is read whole, the rows are sorted here: newest day first,
and the higher id first on one day. Documents without a date, which no window need show, come last, in ascending id, out
of one reading without bounds; a filter on the date spares it.

A position says which day to go on from, the last id seen on that day (lower ones are left) and the window's length.
Windows only cover days and own no rows, so that any of them goes on rightly from any position: each dated row is met
exactly once, by its day and id, whatever the windows were. A window whose rows exceed the scan budget (on a server
that caps answers, else they arrive at once) ends the page with a `ScanLimit` and goes on as a quarter of its length; a
single day is read whole, and so are all days to come.
"""

import json
from datetime import date, timedelta

from msgspec import Struct

from adapters.billing_platform.listing import Listing, Span, foreign_position, scan, scan_limit
from adapters.billing_platform.parameters import Question
from adapters.billing_platform.translate import Entry
from adapters.contract import ListRequest
from adapters.model import Correspondence, Page
from adapters.paging import position_json

__all__ = ["newest_first"]

_FIRST_DAYS = 30
_GROWTH = 4
_OPEN_DAYS = 7_680
"""The fifth window: it has no first day."""


class _Place(Struct, frozen=True):
    """Before which document to go on: on ``day``, with an id below ``below``, or dated earlier. None: no bound."""

    day: date | None
    below: int | None
    days: int

    def shorter(self) -> "_Place | None":
        """The same place with a window of a quarter of the length, or None where that is a day or all days to come."""
        return _Place(self.day, self.below, self.days // _GROWTH) if self.days else None

    def holds(self, entry: Entry[Correspondence], span: Span) -> bool:
        """Whether an entry is in the window and not yet seen."""
        day = entry.record.date
        if day is None or (span.earliest and day < span.earliest) or (span.latest and day > span.latest):
            return False
        return day != self.day or self.below is None or entry.id < self.below

    def position(self) -> str:
        return json.dumps([self.day and self.day.isoformat(), self.below, self.days], separators=(",", ":"))


class _Undated(Struct, frozen=True):
    """Among the documents without a date, after an id."""

    after: int | None

    def position(self) -> str:
        return json.dumps([self.after], separators=(",", ":"))


_Somewhere = _Place | _Undated | None
_Found = list[tuple[Entry[Correspondence], str]]


async def newest_first(listing: Listing[Correspondence], request: ListRequest) -> Page[Correspondence]:
    """A page of a list, newest first. Raises `InvalidInput` for a position of another list."""
    place: _Somewhere = _start(request, listing.question)
    found: _Found = []
    count = 0
    while isinstance(place, _Place):
        span = _window(place, request.options.today, listing.question)
        shorter = place.shorter()
        part = await listing.whole(span, listing.scan_budget - count if shorter else None)
        if not part.complete:
            return _page(found, place if count else shorter, stopped_after=count + len(part.entries))
        count += len(part.entries)
        rows = sorted((row for row in part.entries if place.holds(row, span)), key=_newest, reverse=True)
        then = _next(place, span, listing.question)
        for number, row in enumerate(rows, 1):
            if listing.keeps(row):
                here = _Place(row.record.date, row.id, place.days)
                found.append((row, here.position()))
                if len(found) == request.first:
                    return _page(found, here if then is not None or number < len(rows) else None)
        place = then
        if place is not None and count >= listing.scan_budget:
            return _page(found, place, stopped_after=count)
    if place is None:
        return _page(found, None)
    return await _with_undated(found, place, listing, request, count)


async def _with_undated(
    found: _Found, place: _Undated, listing: Listing[Correspondence], request: ListRequest, count: int
) -> Page[Correspondence]:
    read = await scan(
        listing,
        await listing.part(place.after),
        after=place.after,
        first=request.first - len(found),
        budget=max(1, listing.scan_budget - count),
        keeps=lambda row: row.record.date is None and listing.keeps(row),
    )
    found += [(row, _Undated(row.id).position()) for row in read.kept]
    stopped = read.more and len(found) < request.first
    return _page(found, _Undated(read.at) if read.more else None, stopped_after=count + read.count if stopped else None)


def _page(found: _Found, rest: _Somewhere, *, stopped_after: int | None = None) -> Page[Correspondence]:
    return Page(
        records=tuple(row.record for row, _ in found),
        positions=tuple(position for _, position in found),
        end=None if rest is None else rest.position(),
        problem=None if stopped_after is None else scan_limit(stopped_after),
    )


def _newest(row: Entry[Correspondence]) -> tuple[date, int]:
    return row.record.date or date.min, row.id


def _window(place: _Place, today: date, question: Question) -> Span:
    if place.day is None or place.day > today:
        last, days = today, place.days
    else:
        last, days = place.day, max(place.days, 1)
    earliest = None if days >= min(_OPEN_DAYS, last.toordinal()) else last - timedelta(days=days - 1)
    if question.earliest is not None:
        earliest = max(earliest or question.earliest, question.earliest)
    return Span(earliest, place.day or question.latest)


def _next(place: _Place, span: Span, question: Question) -> _Somewhere:
    """Where to go on when a window is done."""
    if span.earliest is None or span.earliest == question.earliest:
        return None if question.dated else _Undated(None)
    return _Place(span.earliest - timedelta(days=1), None, min(max(place.days, 1) * _GROWTH, _OPEN_DAYS))


def _start(request: ListRequest, question: Question) -> _Place | _Undated:
    if request.position is None:
        past = question.latest is not None and question.latest <= request.options.today
        return _Place(question.latest if past else None, None, _FIRST_DAYS)
    try:
        match position_json(request.position):
            case [None | str() as day, None | int() as below, int() as days] if days >= 0:
                return _Place(date.fromisoformat(day) if day else None, below, days)
            case [None | int() as after]:
                return _Undated(after)
    except ValueError:
        pass
    raise foreign_position()
