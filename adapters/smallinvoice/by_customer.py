"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from adapters.contract import ListRequest
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.model import Letter, Page, RawRecord
from adapters.paging import OffsetPositions, Rows, decode_offset, encode_offset, rows_after
from adapters.smallinvoice.rows import LetterRow
from adapters.smallinvoice.translate import to_letters
from adapters.translating import Translated

__all__ = ["letters_by_customer"]

_Own = tuple[str, list[LetterRow], list[int]]
"""A customer's native id, its letters that match, and the offset after each in the list of all."""


class _Together:
    """Customers whose lists go on from one position, as a rule the beginning: all are at one place of the list of all.

    ``at`` is the offset from which on they read, ``last`` the key of the letter read last. Raises `InvalidInput` for a
    position of another list.
    """

    def __init__(self, position: str | None, customer_ids: Iterable[str], request: ListRequest, backend: str) -> None:
        offset, self.last = decode_offset(position)
        self.at = max(0, offset - 1)
        self._backend = backend
        self._position = self._rest = position
        self._first = request.first
        self._counts = request.count and position is None
        self._raws: dict[int, RawRecord] = {}
        """By row, where they are wanted."""
        self._own: dict[int, _Own] = {int(customer_id): (customer_id, [], []) for customer_id in customer_ids}

    @property
    def are_full(self) -> bool:
        """Whether none of their pages needs more letters, nor its total."""
        return not self._counts and all(len(rows) >= self._first for _, rows, _ in self._own.values())

    def take(self, rows: Rows, begin: int, matches: Callable[[Letter], bool] | None) -> int:
        """Takes their letters out of a page of the list of all that begins at ``begin``; how many were not yet seen."""
        letters = rows.records
        assert isinstance(letters, Translated)  # noqa: S101 - as letters are
        at, _ = rows_after(letters, begin, self.at, self.last, _key)
        unseen = letters[at - begin :]
        own = self._own.get
        reading: Iterable[tuple[int, LetterRow]] = enumerate(unseen.rows, start=at + 1)
        if matches is not None:
            reading = [one for one, letter in zip(reading, unseen, strict=True) if matches(letter)]
        for place, row in reading:
            mine = own(row.client_id)
            if mine is not None:
                _, rows_of_it, offsets = mine
                rows_of_it.append(row)
                offsets.append(place)
        if unseen.raws is not None:
            self._raws |= zip(map(id, unseen.rows), unseen.raws, strict=True)
        self.at = max(self.at, begin + len(letters))
        self.last = _key(unseen[-1]) if unseen else self.last
        self._rest = None
        return len(unseen)

    def pages(self, length: int, scanned: int) -> dict[str, Page[Letter]]:
        """Each customer's page, the list being of this length, and so many rows having been read of it."""
        rest = self._rest or encode_offset(self.at, self.last) if self.at < length else None
        stopped = ScanLimit(f"Stopped after reading {scanned} rows.") if rest else None
        counted = rest is None and self._position is None
        return {own[0]: self._page(own, rest, stopped, counted=counted) for own in self._own.values()}

    def _page(self, own: _Own, rest: str | None, stopped: ScanLimit | None, *, counted: bool) -> Page[Letter]:
        _, rows, offsets = own
        matched, first = len(rows), self._first
        if matched > first:
            rows, offsets = rows[:first], offsets[:first]
        raws = [self._raws[id(row)] for row in rows] if self._raws else None
        letters = to_letters(rows, raws, backend=self._backend)
        positions = OffsetPositions(letters, offsets, _key)
        return Page(
            records=letters,
            positions=positions,
            end=positions[-1] if matched > first else rest,
            total=matched if counted else None,
            problem=stopped if matched < first else None,
        )


async def letters_by_customer(
    fetch: Callable[[int, int], Awaitable[Rows]],
    places: Mapping[str, str | None],
    request: ListRequest,
    matches: Callable[[Letter], bool] | None,
    *,
    backend: str,
    page_size: int,
    scan_budget: int,
) -> Mapping[str, Page[Letter] | AdapterError]:
    """For each customer a part of its letters, from its place. ``fetch(number, size)`` reads a page (from 1) of all.

    A page of the list is read once for all whose places are in it, and only if one of them is not full. Reading stops
    past the scan budget, which the last page read may exceed; then those whose page is not full have a `ScanLimit`.
    """
    together, answers = _by_position(places, request, backend)
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
    places: Mapping[str, str | None], request: ListRequest, backend: str
) -> tuple[list[_Together], dict[str, Page[Letter] | AdapterError]]:
    """The customers by where their lists go on, and the refusals of those whose position is none."""
    by_position: dict[str | None, list[str]] = {position: [] for position in places.values()}
    if len(by_position) == 1:  # as a rule
        by_position = {position: [*places] for position in by_position}
    else:
        for customer_id, position in places.items():
            by_position[position].append(customer_id)
    found: list[_Together] = []
    refusals: dict[str, Page[Letter] | AdapterError] = {}
    for position, customer_ids in by_position.items():
        try:
            found.append(_Together(position, customer_ids, request, backend))
        except InvalidInput as error:
            refusals |= dict.fromkeys(customer_ids, error)
    return found, refusals
