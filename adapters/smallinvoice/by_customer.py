"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from adapters.contract import ListRequest
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.model import Letter, Page
from adapters.paging import OffsetPositions, Rows, decode_offset, encode_offset, rows_after

__all__ = ["letters_by_customer"]


_Own = tuple[list[Letter], list[int]]
"""A customer's letters that match, and the offset after each in the list of all."""


class _Together:
    """Customers whose lists go on from one position, as a rule the beginning: all are at one place of the list of all.

    ``at`` is the offset from which on they read, ``last`` the key of the letter read last. Raises `InvalidInput` for a
    position of another list.
    """

    def __init__(self, position: str | None, request: ListRequest) -> None:
        offset, self.last = decode_offset(position)
        self.at = max(0, offset - 1)
        self._position = self._rest = position
        self._first = request.first
        self._counts = request.count and position is None
        self._own: dict[str, _Own] = {}

    def add(self, customer_id: str) -> None:
        """One more of them."""
        self._own[customer_id] = ([], [])

    @property
    def are_full(self) -> bool:
        """Whether none of their pages needs more letters, nor its total."""
        return not self._counts and all(len(letters) >= self._first for letters, _ in self._own.values())

    def take(self, rows: Rows, begin: int, matches: Callable[[Letter], bool] | None) -> int:
        """Takes their letters out of a page of the list of all that begins at ``begin``; how many were not yet seen."""
        at, unseen = rows_after(rows.records, begin, self.at, self.last, _key)
        own: Callable[[Any], _Own | None] = self._own.get
        for place, letter in enumerate(unseen, start=at + 1):
            mine = own(letter.customer_id)
            if mine is not None and (matches is None or matches(letter)):
                letters, offsets = mine
                letters.append(letter)
                offsets.append(place)
        self.at = max(self.at, begin + len(rows.records))
        self.last = _key(unseen[-1]) if unseen else self.last
        self._rest = None
        return len(unseen)

    def pages(self, length: int, scanned: int) -> dict[str, Page[Letter]]:
        """Each customer's page, the list being of this length, and so many rows having been read of it."""
        rest = self._rest or encode_offset(self.at, self.last) if self.at < length else None
        counted = rest is None and self._position is None
        return {customer_id: self._page(own, rest, scanned, counted=counted) for customer_id, own in self._own.items()}

    def _page(self, own: _Own, rest: str | None, scanned: int, *, counted: bool) -> Page[Letter]:
        letters, offsets = own
        matched, first = len(letters), self._first
        if matched > first:
            letters, offsets = letters[:first], offsets[:first]
        positions = OffsetPositions(letters, offsets, _key)
        return Page(
            records=tuple(letters),
            positions=positions,
            end=positions[-1] if matched > first else rest,
            total=matched if counted else None,
            problem=ScanLimit(f"Stopped after reading {scanned} rows.") if rest and matched < first else None,
        )


async def letters_by_customer(
    fetch: Callable[[int, int], Awaitable[Rows]],
    places: Mapping[str, str | None],
    request: ListRequest,
    matches: Callable[[Letter], bool] | None,
    *,
    page_size: int,
    scan_budget: int,
) -> Mapping[str, Page[Letter] | AdapterError]:
    """For each customer a part of its letters, from its place. ``fetch(number, size)`` reads a page (from 1) of all.

    A page of the list is read once for all whose places are in it, and only if one of them is not full. Reading stops
    past the scan budget, which the last page read may exceed; then those whose page is not full have a `ScanLimit`.
    """
    together, answers = _by_position(places, request)
    scanned, length = 0, None
    while scanned < scan_budget:
        reading = [some.at for some in together if (length is None or some.at < length) and not some.are_full]
        if not reading:
            break
        number = min(reading) // page_size
        rows = await fetch(number + 1, page_size)
        length = rows.total or 0
        there = [some for some in together if some.at // page_size == number]
        scanned += max(some.take(rows, number * page_size, matches) for some in there)
    for some in together:
        answers |= some.pages(length or 0, scanned)
    return answers


def _key(letter: Letter) -> str:
    return letter.native_id


def _by_position(
    places: Mapping[str, str | None], request: ListRequest
) -> tuple[list[_Together], dict[str, Page[Letter] | AdapterError]]:
    """The customers by where their lists go on, and the refusals of those whose position is none."""
    found: dict[str | None, _Together] = {}
    refusals: dict[str, Page[Letter] | AdapterError] = {}
    for customer_id, position in places.items():
        try:
            some = found.get(position)
            if some is None:
                some = found[position] = _Together(position, request)
            some.add(customer_id)
        except InvalidInput as error:
            refusals[customer_id] = error
    return [*found.values()], refusals
