"""Customers' letters out of the list of all, and filters that end a reading early: against a plain Python model."""

import datetime
from collections import defaultdict
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from adapters.contract import Adapter, ListRequest, Order
from adapters.errors import ScanLimit, Unavailable
from adapters.filters import And, Compare, Filter, Not, Op, Or, RelativePeriod, evaluate
from adapters.model import DocumentState, Letter, Page
from adapters.own_rows import OwnRows
from adapters.smallinvoice import vendor
from tests.connecting import RunningSandbox, asking, connected
from tests.vendors.smallinvoice.adapting import answering, calls, customers, enveloped, letters, walk

OLDEST, NEWEST = Order("date"), Order("date", descending=True)
DRAFTS = Compare("state", Op.EQ, DocumentState.DRAFT)


async def of(
    adapter: Adapter, *customer_ids: str, position: str | None = None, **members: Any
) -> dict[str, Page[Letter]]:
    positions = {} if position is None else dict.fromkeys(customer_ids, position)
    answers = await letters(adapter).of_customers(customer_ids, asking(**members), positions)
    return {key: page for key, page in answers.items() if isinstance(page, Page)}


def ids(page: Page[Letter]) -> list[str]:
    return [letter.native_id for letter in page.records]


class TestSampleCompany:
    async def test_the_letters_of_fifty_customers_are_one_call(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        owners = [one.native_id for one in (await customers(adapter).page(asking(50))).records]
        everything = (await letters(adapter).page(asking(960))).records
        since = sandbox.count()
        found = await of(adapter, *owners, first=5)
        assert calls(sandbox, since) == ["GET /letter/list/limit/1000/page/1/sort/date/sorttype/desc/"]
        expected: dict[str, list[str]] = {owner: [] for owner in owners}
        for letter in everything:
            if letter.customer_id in expected:
                expected[letter.customer_id].append(letter.native_id)
        assert {owner: ids(page) for owner, page in found.items()} == {
            owner: own[:5] for owner, own in expected.items()
        }
        assert {owner for owner, page in found.items() if page.end is not None} == {
            owner for owner, own in expected.items() if len(own) > 5
        }
        assert {page.total for page in found.values() if page.end is None} == {
            len(own) for own in expected.values() if len(own) <= 5
        }

    async def test_what_is_still_rows_are_the_records_of_each_page(self, adapter: Adapter) -> None:
        owners = [one.native_id for one in (await customers(adapter).page(asking(50))).records]
        answers = await letters(adapter).of_customers(owners, asking(2))
        assert isinstance(answers, OwnRows)
        assert {owner: answers.translation.native_ids(rows) for owner, rows in answers.rows.items()} == {
            owner: ids(page) for owner, page in (await of(adapter, *owners, first=2)).items()
        }

    async def test_each_letter_has_its_own_raw_record_whichever_page_it_came_from(
        self, sandbox: RunningSandbox, adapter: Adapter
    ) -> None:
        owners = [one.native_id for one in (await customers(adapter).page(asking(50))).records]
        since = sandbox.count()
        async with connected(vendor, sandbox, limits={"page_size": 300}) as paged:
            found = await of(paged, *owners, first=99, wanted=frozenset(("raw",)))
        assert len(calls(sandbox, since)) == 4
        shown = [letter for page in found.values() for letter in page.records]
        raws = [letter.raw for letter in shown if isinstance(letter.raw, dict)]
        assert [str(raw["id"]) for raw in raws] == [letter.native_id for letter in shown]
        assert all(letter.raw is UNSET for page in (await of(adapter, *owners)).values() for letter in page.records)

    async def test_the_vendors_pages_are_followed(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 300}) as adapter:
            owner = str((await letters(adapter).page(asking(1, order=OLDEST))).records[0].customer_id)
            since = sandbox.count()
            await of(adapter, owner, first=99)
        paths = [f"GET /letter/list/limit/300/page/{number}/sort/date/sorttype/desc/" for number in (1, 2, 3, 4)]
        assert calls(sandbox, since) == paths

    async def test_reading_stops_when_all_pages_are_full(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 100}) as adapter:
            newest = (await letters(adapter).page(asking(100))).records
            owners = [letter.customer_id for letter in newest]
            busy = next(str(owner) for owner in owners if owners.count(owner) > 1)
            since = sandbox.count()
            first = (await of(adapter, busy, first=1))[busy]
            assert (len(calls(sandbox, since)), first.total, first.end is not None) == (1, None, True)
            lone = next(str(owner) for owner in owners if owners.count(owner) == 1)
            since = sandbox.count()
            await of(adapter, busy, lone, first=1)
            assert len(calls(sandbox, since)) == 1
            since = sandbox.count()
            counted = (await of(adapter, busy, first=1, count=True))[busy]
            assert (len(calls(sandbox, since)), counted.records) == (10, first.records)
            assert counted.total is not None
            assert counted.total >= 2

    async def test_impossible_and_unknown_customers_have_no_letters(
        self, sandbox: RunningSandbox, adapter: Adapter
    ) -> None:
        since = sandbox.count()
        found = await of(adapter, "a b", "../1")
        assert (sandbox.count(), {key: page.records for key, page in found.items()}) == (since, {"a b": (), "../1": ()})
        assert {key: page.records for key, page in (await of(adapter, "99999999", "1?x=2")).items()} == {
            "99999999": (),
            "1?x=2": (),
        }

    async def test_a_failing_list_fails_as_a_whole(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        sandbox.fault(kind="status", status=503)
        with pytest.raises(Unavailable):
            await of(adapter, "1", "2")

    @pytest.mark.parametrize("shift", ["one more", "one less"])
    async def test_a_list_that_has_shifted_neither_repeats_nor_loses_a_letter(self, shift: str) -> None:
        rows = [{"id": number, "client_id": 1, "date": f"2026-01-{number:02}"} for number in (9, 8, 7, 6, 5)]
        async with answering(enveloped(*rows)) as adapter:
            page = (await of(adapter, "1", first=2))["1"]
        shifted = [{"id": 10, "client_id": 1, "date": "2026-01-10"}, *rows] if shift == "one more" else rows[1:]
        async with answering(enveloped(*shifted)) as adapter:
            rest = (await of(adapter, "1", first=9, position=page.end))["1"]
        assert ids(page) + ids(rest) == ["9", "8", "7", "6", "5"]
        assert (page.total, rest.total) == (5, None)


# Letters of three clients, most on days a month apart, some without a date.
FIRST_DAY, LAST_DAY = datetime.date(2024, 6, 1), datetime.date(2026, 7, 31)
ROWS: list[dict[str, Any]] = [
    {
        "id": number,
        "client_id": 1 + number * number % 3,
        "date": str(LAST_DAY - datetime.timedelta(days=number * 29)) if number < 27 else "",
        "title": ("Our offer", "Second reminder", "")[number % 3],
        "status": (1, 7, 3)[number % 5 % 3],
    }
    for number in range(1, 31)
]


def serve(request: httpx.Request) -> httpx.Response:
    """Lists `ROWS` as documented: sorted by date, in pages."""
    segments = request.url.path.split("/")
    begin = segments.index("limit")
    asked = dict(zip(segments[begin::2], segments[begin + 1 :: 2], strict=False))
    size, number = int(asked["limit"]), int(asked["page"])
    rows = sorted(ROWS, key=lambda row: str(row["date"]), reverse=asked["sorttype"] == "desc")
    part = rows[(number - 1) * size : number * size]
    return httpx.Response(200, json=enveloped(*part, count=len(rows), page=number, pages=-(-len(rows) // size)))


DAYS = st.dates(min_value=FIRST_DAY, max_value=LAST_DAY)
COMPARISONS = st.one_of(
    st.builds(Compare, st.just("date"), st.sampled_from([Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE]), DAYS),
    st.builds(Compare, st.just("date"), st.sampled_from([Op.BETWEEN, Op.NOT_BETWEEN, Op.IN]), st.tuples(DAYS, DAYS)),
    st.builds(Compare, st.just("date"), st.just(Op.IN_PERIOD), st.sampled_from(RelativePeriod)),
    st.builds(Compare, st.just("date"), st.just(Op.IS_NULL)),
    st.builds(Compare, st.just("state"), st.sampled_from([Op.EQ, Op.NE]), st.sampled_from(DocumentState)),
    st.builds(Compare, st.just("title"), st.just(Op.CONTAINS), st.sampled_from(["our", "Our", "reminder", "%"])),
)
TREES: st.SearchStrategy[Filter] = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


async def passing(request: ListRequest) -> list[Letter]:
    """The model: everything is read, and filtered afterwards."""
    async with answering(serve) as adapter:
        everything = (await letters(adapter).page(asking(100, order=request.order))).records
    tree = request.filter
    return [one for one in everything if tree is None or evaluate(tree, partial(getattr, one), request.options) is True]


@settings(deadline=None, max_examples=60)
@given(
    tree=TREES,
    order=st.sampled_from([None, OLDEST, NEWEST]),
    first=st.integers(1, 32),
    page_size=st.integers(1, 32),
    budget=st.integers(1, 32),
)
async def test_whatever_the_filter_each_letter_that_passes_is_met_once(
    tree: Filter, order: Order | None, first: int, page_size: int, budget: int
) -> None:
    expected = await passing(asking(filter=tree, order=order))
    async with answering(serve, page_size=page_size, scan_budget=budget) as adapter:
        seen = await walk(lambda at: letters(adapter).page(asking(first, filter=tree, order=order, position=at)))
    assert seen == [letter.native_id for letter in expected]


@settings(deadline=None, max_examples=60)
@given(
    tree=st.none() | TREES,
    order=st.sampled_from([None, OLDEST, NEWEST]),
    first=st.integers(1, 32),
    page_size=st.integers(1, 32),
    budget=st.integers(1, 32),
)
async def test_whatever_the_filter_each_customer_gets_each_of_its_letters_once(
    tree: Filter | None, order: Order | None, first: int, page_size: int, budget: int
) -> None:
    expected: dict[str, list[str]] = defaultdict(list)
    for letter in await passing(asking(filter=tree, order=order)):
        expected[str(letter.customer_id)].append(letter.native_id)
    async with answering(serve, page_size=page_size, scan_budget=budget) as adapter:
        together = await of(adapter, "1", "2", first=first, filter=tree, order=order)
        for customer_id, page in together.items():
            own = expected[customer_id]
            assert ids(page) == own[: len(page.records)]
            assert isinstance(page.problem, ScanLimit) == (page.end is not None and len(page.records) < first)
            assert page.total in (None, len(own))

            async def read(at: str | None, customer_id: str = customer_id) -> Page[Letter]:
                return (await of(adapter, customer_id, first=first, filter=tree, order=order, position=at))[customer_id]

            assert await walk(read) == own
            if page.positions:
                assert await walk(read, page.positions[0]) == own[1:]


@settings(deadline=None, max_examples=60)
@given(
    tree=st.none() | TREES,
    order=st.sampled_from([None, OLDEST, NEWEST]),
    first=st.integers(1, 32),
    page_size=st.integers(1, 32),
    budget=st.integers(1, 32),
    count=st.booleans(),
    turns=st.lists(st.sets(st.sampled_from(["1", "2", "3"])), max_size=10),
)
async def test_whatever_the_places_customers_go_on_from_together_each_gets_each_of_its_letters_once(
    tree: Filter | None,
    order: Order | None,
    first: int,
    page_size: int,
    budget: int,
    count: bool,
    turns: list[set[str]],
) -> None:
    """``turns`` are the customers who read on; then all do to their ends."""
    expected: dict[str, list[str]] = {"1": [], "2": []}
    for letter in await passing(asking(filter=tree, order=order)):
        expected.setdefault(str(letter.customer_id), []).append(letter.native_id)
    met: dict[str, list[str]] = {customer_id: [] for customer_id in expected}
    places: dict[str, str | None] = dict.fromkeys(expected)
    request = asking(first, filter=tree, order=order, count=count)
    async with answering(serve, page_size=page_size, scan_budget=budget) as adapter:
        while places:
            reading = (turns.pop() if turns else set(places)) & places.keys()
            positions = {one: place for one in reading if (place := places[one]) is not None}
            before = dict(places)
            for customer_id, page in (await letters(adapter).of_customers(sorted(reading), request, positions)).items():
                assert isinstance(page, Page)
                met[customer_id] += ids(page)
                places[customer_id] = page.end
                if page.end is None:
                    del places[customer_id]
            assert not reading or before != places
    assert met == expected
