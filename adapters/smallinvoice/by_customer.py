"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections.abc import Awaitable, Callable, Mapping

from adapters.contract import ListRequest
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.model import Letter, Page
from adapters.paging import Rows, decode_offset, encode_offset, rows_after

__all__ = ["letters_by_customer"]


class _Share:
    """One customer's part: the letters of its page with the position after each, and how many matched.

    ``at`` is the offset in the list of all from which on it reads.
    """

    def __init__(self, customer_id: str, position: str | None, request: ListRequest) -> None:
        offset, self._last = decode_offset(position)
        self.at = max(0, offset - 1)
        self._customer_id = customer_id
        self._first = request.first
        self._position = self._rest = position
        self._counts = request.count and position is None
        self._letters: list[Letter] = []
        self._positions: list[str] = []
        self._matched = 0

    @property
    def is_full(self) -> bool:
        """Whether its page needs no more letters, nor its total."""
        return self._matched >= self._first and not self._counts

    def take(self, rows: Rows, begin: int, matches: Callable[[Letter], bool] | None) -> int:
        """Takes its letters out of the page that begins there and has its place; how many it had not yet seen."""
        unseen = rows_after(list(rows.records[self.at - begin :]), self.at, self._last, lambda letter: letter.native_id)
        for place, letter in unseen:
            self._last = letter.native_id
            if letter.customer_id == self._customer_id and (matches is None or matches(letter)):
                self._matched += 1
                if self._matched <= self._first:
                    self._letters.append(letter)
                    self._positions.append(encode_offset(place + 1, letter.native_id))
        self.at = max(self.at, begin + len(rows.records))
        self._rest = encode_offset(self.at, self._last)
        return len(unseen)

    def page(self, length: int, scanned: int) -> Page[Letter]:
        """Its page, the list being of this length, and so many rows having been read of it."""
        rest = self._rest or encode_offset(self.at, self._last) if self.at < length else None
        stopped = rest is not None and self._matched < self._first
        return Page(
            records=tuple(self._letters),
            positions=tuple(self._positions),
            end=self._positions[-1] if self._matched > self._first else rest,
            total=self._matched if rest is None and self._position is None else None,
            problem=ScanLimit(f"Stopped after reading {scanned} rows.") if stopped else None,
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
    shares, answers = _shares(places, request)
    scanned, length = 0, None
    while scanned < scan_budget:
        reading = [share.at for share in shares.values() if not share.is_full and (length is None or share.at < length)]
        if not reading:
            break
        number = min(reading) // page_size
        rows = await fetch(number + 1, page_size)
        length = rows.total or 0
        there = [share for share in shares.values() if share.at // page_size == number]
        scanned += max(share.take(rows, number * page_size, matches) for share in there)
    pages = {customer_id: share.page(length or 0, scanned) for customer_id, share in shares.items()}
    return {**answers, **pages}


def _shares(
    places: Mapping[str, str | None], request: ListRequest
) -> tuple[dict[str, _Share], dict[str, Page[Letter] | AdapterError]]:
    """What begins at these places, and the refusals of those that are none."""
    shares: dict[str, _Share] = {}
    refusals: dict[str, Page[Letter] | AdapterError] = {}
    for customer_id, position in places.items():
        try:
            shares[customer_id] = _Share(customer_id, position, request)
        except InvalidInput as error:
            refusals[customer_id] = error
    return shares, refusals
