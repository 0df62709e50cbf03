"""Properties of reading lists in parts."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput, ScanLimit
from adapters.model import Page
from adapters.paging import OffsetPositions, Rows, encode_offset, read_by_offset, slice_sorted, window


class NumberedVendor:
    """A vendor that serves numbered pages of its rows and counts its calls."""

    def __init__(self, rows: list[str], *, numbered: bool) -> None:
        self.rows = rows
        self.numbered = numbered
        self.sizes: list[int] = []

    async def fetch(self, start: int, size: int) -> Rows:
        begin = (start - 1) * size if self.numbered else start
        self.sizes.append(size)
        return Rows(self.rows[begin : begin + size], len(self.rows))


async def page(
    vendor: NumberedVendor,
    *,
    first: int,
    position: str | None,
    matches: Callable[[str], bool] | None = None,
    max_size: int = 10,
    scan_budget: int = 1000,
) -> Page[str]:
    return await read_by_offset(
        vendor.fetch,
        first=first,
        position=position,
        key_of=str,
        matches=matches,
        max_size=max_size,
        scan_budget=scan_budget,
        numbered=vendor.numbered,
    )


@given(start=st.integers(0, 500), count=st.integers(1, 60), max_size=st.integers(2, 120))
def test_a_window_holds_the_row_it_is_to_begin_with(start: int, count: int, max_size: int) -> None:
    number, size = window(start, min(count, max_size), max_size)

    assert size <= max_size
    assert (number - 1) * size <= start < number * size


@given(
    total=st.integers(0, 60),
    first=st.integers(1, 25),
    max_size=st.integers(2, 30),
    numbered=st.booleans(),
    every=st.sampled_from([None, 2, 7]),
    scan_budget=st.sampled_from([1, 5, 1000]),
)
async def test_paging_visits_every_matching_record_exactly_once(
    total: int, first: int, max_size: int, numbered: bool, every: int | None, scan_budget: int
) -> None:
    vendor = NumberedVendor([f"r{n}" for n in range(total)], numbered=numbered)
    matches = None if every is None else lambda key: int(key[1:]) % every == 0
    seen: list[str] = []
    position: str | None = None
    for _ in range(2 * total + 2):
        part = await page(
            vendor, first=first, position=position, matches=matches, max_size=max_size, scan_budget=scan_budget
        )
        seen += part.records
        position = part.end
        if position is None:
            break

    assert seen == [row for row in vendor.rows if matches is None or matches(row)]


@given(total=st.integers(1, 60), first=st.integers(2, 25), numbered=st.booleans(), data=st.data())
async def test_going_on_after_any_record_gives_the_next(
    total: int, first: int, numbered: bool, data: st.DataObject
) -> None:
    vendor = NumberedVendor([f"r{n}" for n in range(total)], numbered=numbered)
    part = await page(vendor, first=first, position=None)
    chosen = data.draw(st.integers(0, len(part.records) - 1))

    following = await page(vendor, first=1, position=part.positions[chosen])

    assert following.records == tuple(vendor.rows[chosen + 1 : chosen + 2])


@pytest.mark.parametrize("numbered", [True, False])
async def test_a_record_put_in_before_the_cursor_repeats_nothing(numbered: bool) -> None:
    vendor = NumberedVendor(list("abcdefgh"), numbered=numbered)
    part = await page(vendor, first=3, position=None)
    vendor.rows.insert(0, "new")

    assert (await page(vendor, first=3, position=part.end)).records == ("d", "e", "f")


@pytest.mark.parametrize("numbered", [True, False])
async def test_a_record_removed_before_the_cursor_loses_nothing(numbered: bool) -> None:
    vendor = NumberedVendor(list("abcdefgh"), numbered=numbered)
    part = await page(vendor, first=3, position=None)
    vendor.rows.remove("a")

    assert (await page(vendor, first=3, position=part.end)).records == ("d", "e", "f")


async def test_the_scan_budget_ends_a_page_with_a_problem_and_a_way_on() -> None:
    vendor = NumberedVendor([f"r{n}" for n in range(30)], numbered=False)

    part = await page(vendor, first=5, position=None, matches=lambda key: key == "r29", scan_budget=20)

    assert (part.records, isinstance(part.problem, ScanLimit), part.end is not None) == ((), True, True)


async def test_a_first_page_that_fits_the_vendors_is_one_call() -> None:
    vendor = NumberedVendor([f"r{n}" for n in range(30)], numbered=True)

    await page(vendor, first=8, position=None)

    assert vendor.sizes == [8]


@given(
    keys=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100)), unique=True).map(sorted), first=st.integers(1, 10)
)
def test_slices_of_a_sorted_list_join_to_the_list(keys: list[tuple[int, int]], first: int) -> None:
    seen: list[tuple[int, int]] = []
    position: str | None = None
    while True:
        part = slice_sorted(keys, first=first, position=position, sort_key=list)
        seen += part.records
        position = part.end
        if position is None:
            break

    assert seen == keys


@pytest.mark.parametrize("position", ["", "{}", "[1]", '["a",1]', "x", "[-1,null]", "[1,2]"])
async def test_a_foreign_position_is_the_callers_mistake(position: str) -> None:
    with pytest.raises(InvalidInput):
        await page(NumberedVendor(["a"], numbered=True), first=1, position=position)


@pytest.mark.parametrize("position", ["[" * 100_000, "[" * 16_000], ids=["long", "deep"])
async def test_a_hostile_position_is_the_callers_mistake(position: str) -> None:
    with pytest.raises(InvalidInput):
        await page(NumberedVendor(["a"], numbered=True), first=1, position=position)
    with pytest.raises(InvalidInput):
        slice_sorted([(1, 1)], first=1, position=position, sort_key=list)


def test_positions_by_offset_are_written_when_somebody_goes_on_from_there() -> None:
    named: list[str] = []

    def key_of(record: str) -> str:
        named.append(record)
        return record

    positions = OffsetPositions(["a", "b", "c"], [1, 4, 5], key_of)
    assert len(positions) == 3
    assert named == []
    assert positions[1] == encode_offset(4, "b")
    assert positions[-1] == encode_offset(5, "c")
    assert positions[:2] == (encode_offset(1, "a"), encode_offset(4, "b"))
    assert [*positions] == [encode_offset(1, "a"), encode_offset(4, "b"), encode_offset(5, "c")]
