"""Several customers' letters out of one reading of the list of all, which is the only list that the vendor has.

Pages are read from the same places whoever asks, so that readings at the same time ask the same URLs.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from adapters.contract import ListRequest
from adapters.errors import ScanLimit
from adapters.model import Letter, Page
from adapters.paging import OffsetPositions, Rows, decode_offset, encode_offset, rows_after

__all__ = ["letters_by_customer"]


@dataclass(slots=True)
class _Share:
    """One customer's part: the letters of the page with the offset after each, and how many matched."""

    letters: list[Letter] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    matched: int = 0


async def letters_by_customer(
    fetch: Callable[[int, int], Awaitable[Rows]],
    customer_ids: Iterable[str],
    request: ListRequest,
    matches: Callable[[Letter], bool] | None,
    *,
    page_size: int,
    scan_budget: int,
) -> Mapping[str, Page[Letter]]:
    """For each customer a part of its letters. ``fetch(number, size)`` reads a page (from 1) of the list of all.

    Reading stops when all pages are full, or past the scan budget, which the last page read may exceed; then those
    whose page is not full have a `ScanLimit`.
    """
    offset, last = decode_offset(request.position)
    at = max(0, offset - 1)
    shares = {customer_id: _Share() for customer_id in customer_ids}
    scanned = 0
    while True:
        number = at // page_size + 1
        begin = (number - 1) * page_size
        rows = await fetch(number, page_size)
        for place, letter in rows_after(list(rows.records[at - begin :]), at, last, _key):
            at, last, scanned = place + 1, letter.native_id, scanned + 1
            share = shares.get(letter.customer_id or "")
            if share is not None and (matches is None or matches(letter)):
                share.matched += 1
                if share.matched <= request.first:
                    share.letters.append(letter)
                    share.offsets.append(at)
        at = begin + len(rows.records)
        more = at < (rows.total or 0)
        full = not request.count and all(share.matched >= request.first for share in shares.values())
        if not more or full or scanned >= scan_budget:
            rest = encode_offset(at, last) if more else None
            return {
                customer_id: _page(share, request, rest=rest, scanned=scanned) for customer_id, share in shares.items()
            }


def _key(letter: Letter) -> str:
    return letter.native_id


def _page(share: _Share, request: ListRequest, *, rest: str | None, scanned: int) -> Page[Letter]:
    overflows = share.matched > request.first
    stopped = rest is not None and share.matched < request.first
    positions = OffsetPositions(share.letters, share.offsets, _key)
    return Page(
        records=tuple(share.letters),
        positions=positions,
        end=positions[-1] if overflows else rest,
        total=share.matched if rest is None and request.position is None else None,
        problem=ScanLimit(f"Stopped after reading {scanned} rows.") if stopped else None,
    )
