"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import cached_property, partial
from itertools import count, repeat
from typing import Any

from adapters.contract import ListRequest
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.model import Letter, Page
from adapters.own_rows import OwnRows
from adapters.paging import OffsetPositions, Rows, decode_offset, encode_offset, rows_after
from adapters.smallinvoice.rows import LetterRow
from adapters.smallinvoice.translate import LETTERS, to_letters
from adapters.translating import Translated

__all__ = ["letters_by_customer"]


class _Together:
    """Customers whose lists go on from one position, as a rule the beginning: all are at one place of the list of all.

    ``at`` is the offset from which on they read, ``last`` the key of the letter read last. Raises `InvalidInput` for a
    position of another list.
    """

    def __init__(self, position: str | None, customer_ids: Collection[str], request: ListRequest, backend: str) -> None:
        offset, self.last = decode_offset(position)
        self.at = max(0, offset - 1)
        self._backend = backend
        self._position = self._rest = position
        self._first = request.first
        self._counts = request.count and position is None
        self._customer_ids = customer_ids
        self._rows: dict[int, list[LetterRow]] = {int(customer_id): [] for customer_id in customer_ids}
        """By customer, its letters that match."""
        self._seen: list[tuple[int, Translated[Letter]]] = []
        """What was read of the list of all, and from which offset on."""

    @property
    def are_full(self) -> bool:
        """Whether none of their pages needs more letters, nor its total."""
        return not self._counts and all(len(rows) >= self._first for rows in self._rows.values())

    def take(self, rows: Rows, begin: int, matches: Callable[[Letter], bool] | None) -> int:
        """Takes their letters out of a page of the list of all that begins at ``begin``; how many were not yet seen."""
        letters = rows.records
        assert isinstance(letters, Translated)  # noqa: S101 - as letters are
        at, _ = rows_after(letters, begin, self.at, self.last, _key)
        unseen = letters[at - begin :]
        taken: Iterable[LetterRow] = unseen.rows
        if matches is not None:
            taken = [row for row, letter in zip(unseen.rows, unseen, strict=True) if matches(letter)]
        own = self._rows.get
        for row in taken:
            mine = own(row.client_id)
            if mine is not None:
                mine.append(row)
        self._seen.append((at, unseen))
        self.at = max(self.at, begin + len(letters))
        self.last = unseen.native_id(-1) if unseen else self.last
        self._rest = None
        return len(unseen)

    def pages(self, length: int, scanned: int) -> Mapping[str, Page[Letter]]:
        """Each customer's page, the list being of this length, and so many rows having been read of it."""
        rest = self._rest or encode_offset(self.at, self.last) if self.at < length else None
        counted = rest is None and self._position is None
        if rest is not None and not self.are_full:
            stopped = ScanLimit(f"Stopped after reading {scanned} rows.")
            return {one: self._page(one, rest, stopped, counted=counted) for one in self._customer_ids}
        first = self._first
        shown: Iterable[list[LetterRow]] = self._rows.values()
        if max(map(len, shown), default=0) > first:
            shown = [rows[:first] for rows in shown]
        by_customer = dict(zip(self._customer_ids, shown, strict=True))
        page = partial(self._page, rest=rest, stopped=None, counted=counted)
        return OwnRows(LETTERS, by_customer, self._backend, page)

    def _page(self, customer_id: str, rest: str | None, stopped: ScanLimit | None, *, counted: bool) -> Page[Letter]:
        rows = self._rows[int(customer_id)]
        matched, first = len(rows), self._first
        if matched > first:
            rows = rows[:first]
        places = [self._places[id(row)] for row in rows]
        raws = [raw for _, raw in places] if all(seen.raws is not None for _, seen in self._seen) else None
        letters = to_letters(rows, raws, backend=self._backend)
        positions = OffsetPositions(letters, [offset for offset, _ in places], _key)
        return Page(
            records=letters,
            positions=positions,
            end=positions[-1] if matched > first else rest,
            total=matched if counted else None,
            problem=stopped if matched < first else None,
        )

    @cached_property
    def _places(self) -> dict[int, tuple[int, Any]]:
        """By row, the offset after it in the list of all, and its raw record where that is wanted."""
        return {
            id(row): (offset, raw)
            for at, seen in self._seen
            for offset, row, raw in zip(count(at + 1), seen.rows, seen.raws or repeat(None), strict=False)
        }


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
    if len(together) == 1 and not answers:
        return together[0].pages(length or 0, scanned)
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
