"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from adapters.contract import ListRequest
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.model import Letter, Page
from adapters.paging import OffsetPositions, Rows, decode_offset, encode_offset, rows_after

__all__ = ["letters_by_customer"]


class _Share:
    """One customer's part: the letters of its page with the position after each, and how many matched.

    ``at`` is the offset in the list of all from which on it reads, ``last`` the key of the letter read last.
    """

    def __init__(self, customer_id: str, position: str | None, request: ListRequest) -> None:
        offset, self.last = decode_offset(position)
        self.at = max(0, offset - 1)
        self.customer_id = customer_id
        self._first = request.first
        self._position = self._rest = position
        self._counts = request.count and position is None
        self._letters: list[Letter] = []
        self._offsets: list[int] = []
        self._matched = 0

    @property
    def is_full(self) -> bool:
        """Whether its page needs no more letters, nor its total."""
        return self._matched >= self._first and not self._counts

    def take(self, own: Sequence[tuple[int, Letter]], matches: Callable[[Letter], bool] | None) -> None:
        """Takes its letters, which it has not yet seen, with their places in the list of all."""
        for place, letter in own:
            if matches is None or matches(letter):
                self._matched += 1
                if self._matched <= self._first:
                    self._letters.append(letter)
                    self._offsets.append(place + 1)

    def go_on(self, at: int, last: str | None) -> None:
        """Has read the list up to here, ``last`` being the last letter's key."""
        self.at, self.last, self._rest = at, last, None

    def page(self, length: int, scanned: int) -> Page[Letter]:
        """Its page, the list being of this length, and so many rows having been read of it."""
        rest = self._rest or encode_offset(self.at, self.last) if self.at < length else None
        stopped = rest is not None and self._matched < self._first
        positions = OffsetPositions(self._letters, self._offsets, _key)
        return Page(
            records=tuple(self._letters),
            positions=positions,
            end=positions[-1] if self._matched > self._first else rest,
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
        scanned += _take_all(there, rows, number * page_size, matches)
    pages = {customer_id: share.page(length or 0, scanned) for customer_id, share in shares.items()}
    return {**answers, **pages}


def _take_all(there: Sequence[_Share], rows: Rows, begin: int, matches: Callable[[Letter], bool] | None) -> int:
    """Shares a page of the list among those whose places are in it; how many letters one of them had not yet seen.

    Those who stand at one place, as a rule all, have the page looked through for them once.
    """
    groups: defaultdict[tuple[int, str | None], list[_Share]] = defaultdict(list)
    for share in there:
        groups[share.at, share.last].append(share)
    most = 0
    for (at, last), group in groups.items():
        unseen = rows_after(list(rows.records[at - begin :]), at, last, _key)
        owned: defaultdict[str | None, list[tuple[int, Letter]]] = defaultdict(list)
        for one in unseen:
            owned[one[1].customer_id].append(one)
        end, seen = max(at, begin + len(rows.records)), _key(unseen[-1][1]) if unseen else last
        for share in group:
            share.take(owned.get(share.customer_id, ()), matches)
            share.go_on(end, seen)
        most = max(most, len(unseen))
    return most


def _key(letter: Letter) -> str:
    return letter.native_id


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
