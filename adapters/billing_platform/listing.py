"""Reading the vendor's lists: bare arrays, in parts by ``idAfter`` where the tenant's server caps an answer."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct, structs

from adapters.billing_platform.parameters import Question
from adapters.billing_platform.translate import Entry
from adapters.contract import ListRequest
from adapters.errors import InvalidInput, MalformedAnswer, ScanLimit
from adapters.filters import FilterOptions, evaluate
from adapters.model import Page
from adapters.paging import slice_sorted
from adapters.wire import Answer, WireRequest

__all__ = [
    "Listing",
    "Part",
    "Scan",
    "Span",
    "foreign_position",
    "page_at_hand",
    "page_by_id",
    "page_out_of",
    "scan",
    "scan_limit",
    "sorted_page",
    "start_of",
]

T = TypeVar("T")

_ID = re.compile(r"[0-9]{1,19}")
_BY_ID = attrgetter("id")


class Span(Struct, frozen=True):
    """Days, both inclusive; None where there is no bound."""

    earliest: date | None
    latest: date | None


class Part(Struct, Generic[T], frozen=True):
    """Rows of a list in ascending id; ``complete`` when the list has none after them."""

    entries: Sequence[Entry[T]]
    complete: bool


class Scan(Struct, Generic[T], frozen=True):
    """What reading on found: the entries kept, the last id read, whether rows are left, and how many were read."""

    kept: Sequence[Entry[T]]
    at: int | None
    more: bool
    count: int


class Listing(Struct, Generic[T], frozen=True, kw_only=True):
    """One of the vendor's lists under one question. ``read`` tells an answer's rows; ``request`` has no query."""

    ask: Callable[[WireRequest], Awaitable[Answer]]
    read: Callable[[Answer], list[Entry[T]]]
    request: WireRequest
    question: Question
    options: FilterOptions
    page_cap: int | None
    scan_budget: int

    def keeps(self, entry: Entry[T]) -> bool:
        """Whether an entry passes what the vendor was not asked to leave out."""
        here = self.question.here
        return here is None or evaluate(here, entry.value, self.options) is True

    async def part(self, after: int | None = None, span: Span | None = None) -> Part[T]:
        """One answer: the rows after an id, of the span's days or else of the question's."""
        return self.part_of(await self.ask(self.asked(after, span)), after)

    def part_of(self, answer: Answer, after: int | None) -> Part[T]:
        """The part that an answer to the question for the rows after an id is."""
        rows = self.read(answer)
        # A server that does not know idAfter here answers from the beginning; nothing is believed to come twice.
        fresh = sorted(rows if after is None else [row for row in rows if row.id > after], key=_BY_ID)
        complete = self.page_cap is None or len(rows) < self.page_cap
        if not fresh and not complete:
            raise MalformedAnswer(
                "The vendor answered the same part of the list again; it seems to ignore idAfter.",
                operation=self.request.operation,
            )
        return Part(fresh, complete)

    def asked(self, after: int | None, span: Span | None = None) -> WireRequest:
        """The request for the rows after an id; one for all of a list under no question has no query."""
        question = self.question
        if after is None and span is None and not (question.parameters or question.dated):
            return self.request
        if span is None:
            span = Span(question.earliest, question.latest)
        bounds = (("minDate", span.earliest), ("maxDate", span.latest), ("idAfter", after))
        said = [(name, str(bound)) for name, bound in bounds if bound is not None]
        return structs.replace(self.request, query=(*question.parameters, *said))

    async def whole(self, span: Span | None = None, at_most: int | None = None) -> Part[T]:
        """All rows, or where more than ``at_most`` are there an incomplete part of them."""
        entries: list[Entry[T]] = []
        while True:
            part = await self.part(entries[-1].id if entries else None, span)
            entries += part.entries
            if part.complete or (at_most is not None and len(entries) >= at_most):
                return Part(entries, part.complete)


async def page_by_id(listing: Listing[T], request: ListRequest) -> Page[T]:
    """A page in ascending id; its positions are ids.

    Where one answer is the whole list, a total that is asked for has it read from the start once more.
    """
    start = start_of(listing, request)
    return await page_out_of(await listing.part(start), listing, request, from_start=start is None)


def start_of(listing: Listing[T], request: ListRequest) -> int | None:
    """The id after which a page's first part is read; None for the list's start."""
    after = _id(request.position)
    return None if request.count and listing.page_cap is None else after


def page_at_hand(part: Part[T], listing: Listing[T], request: ListRequest, *, from_start: bool) -> Page[T] | None:
    """The page where the part is the list whole, and all of it is meant; its entries are counted."""
    if from_start and part.complete and listing.question.here is None and len(part.entries) <= listing.scan_budget:
        return _first_of(part.entries, request)
    return None


async def page_out_of(part: Part[T], listing: Listing[T], request: ListRequest, *, from_start: bool) -> Page[T]:
    """A page in ascending id that begins in a part at hand and reads on where it ends.

    The part is the list's first where it is ``from_start``; is that all of the list, its matches are counted.
    """
    page = page_at_hand(part, listing, request, from_start=from_start)
    if page is not None:
        return page
    read = await scan(
        listing,
        part,
        after=_id(request.position),
        first=request.first,
        budget=listing.scan_budget,
        keeps=listing.keeps,
    )
    return Page(
        records=tuple([entry.record for entry in read.kept]),
        positions=tuple([str(entry.id) for entry in read.kept]),
        end=str(read.at) if read.more else None,
        total=sum(map(listing.keeps, part.entries)) if from_start and part.complete else None,
        problem=scan_limit(read.count) if read.more and len(read.kept) < request.first else None,
    )


def _first_of(entries: Sequence[Entry[T]], request: ListRequest) -> Page[T]:
    """The page of a list that is at hand whole, and of which all is meant."""
    after = _id(request.position)
    left = entries if after is None else [entry for entry in entries if entry.id > after]
    kept = left[: request.first]
    positions = tuple([str(entry.id) for entry in kept])
    return Page(
        records=tuple([entry.record for entry in kept]),
        positions=positions,
        end=positions[-1] if len(left) > len(kept) else None,
        total=len(entries),
    )


async def scan(
    listing: Listing[T],
    part: Part[T],
    *,
    after: int | None,
    first: int,
    budget: int,
    keeps: Callable[[Entry[T]], bool],
) -> Scan[T]:
    """Reads on from a part, in ascending id, until ``first`` entries are kept or ``budget`` rows were looked at."""
    kept: list[Entry[T]] = []
    count, at = 0, after
    while True:
        for entry in part.entries:
            if at is not None and entry.id <= at:
                continue
            at, count = entry.id, count + 1
            kept += [entry] if keeps(entry) else []
            if len(kept) == first or count >= budget:
                return Scan(kept, at, entry is not part.entries[-1] or not part.complete, count)
        if part.complete:
            return Scan(kept, at, more=False, count=count)
        part = await listing.part(at)


def sorted_page(
    entries: Sequence[Entry[T]], listing: Listing[T], request: ListRequest, key: Callable[[Entry[T]], list[Any]]
) -> Page[T]:
    """A page out of a whole list, in the order of ``key``, which is unlike for every entry."""
    kept = sorted(filter(listing.keeps, entries), key=key)
    page = slice_sorted(kept, first=request.first, position=request.position, sort_key=key)
    return Page(
        records=tuple(entry.record for entry in page.records),
        positions=page.positions,
        end=page.end,
        total=page.total,
    )


def scan_limit(count: int) -> ScanLimit:
    """Says that the scan budget ended a page."""
    return ScanLimit(f"Stopped after reading {count} rows.")


def _id(position: str | None) -> int | None:
    if position is None:
        return None
    if not _ID.fullmatch(position):
        raise foreign_position()
    return int(position)


def foreign_position() -> InvalidInput:
    """Refuses a position that some other list gave."""
    return InvalidInput("This cursor was not made by this list.", field="after")
