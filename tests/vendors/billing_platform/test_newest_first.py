"""Newest first by windows of days, against rows of every kind."""

from datetime import date, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Adapter, Order
from adapters.errors import InvalidInput, ScanLimit
from adapters.filters import And, Compare, Filter, Op
from adapters.model import Correspondence
from tests.connecting import NOW, asking
from tests.vendors.billing_platform.tenant import Tenant, adapter_over, letter

TODAY = NOW.date()
NEWEST_FIRST = Order("date", descending=True)

days = st.one_of(
    st.none(),
    st.integers(-40, 400).map(lambda ago: TODAY - timedelta(days=ago)),
    st.integers(-4_000, 20_000).map(lambda ago: TODAY - timedelta(days=ago)),
    st.sampled_from([date.min, date.max, TODAY]),
)
tenants = st.lists(days, max_size=25).map(lambda dated: [letter(n, day) for n, day in enumerate(dated, 1)])


def newest_first(rows: list[dict[str, str]]) -> list[str]:
    """The ids in the order that is meant, the plain way."""
    dated = sorted(
        (r for r in rows if "correspondenceDate" in r), key=lambda r: (r["correspondenceDate"], int(r["id"]))
    )
    return [r["id"] for r in reversed(dated)] + [r["id"] for r in rows if "correspondenceDate" not in r]


async def read_all(
    adapter: Adapter, *, first: int, position: str | None = None, filter: Filter | None = None
) -> list[Correspondence]:
    """All pages, each begun where the one before said to go on."""
    assert adapter.correspondence is not None
    seen: list[Correspondence] = []
    for _ in range(2_000):
        page = await adapter.correspondence.page(asking(first, order=NEWEST_FIRST, position=position, filter=filter))
        seen += page.records
        if page.end is None:
            return seen
        assert len(page.records) == first or isinstance(page.problem, ScanLimit)
        position = page.end
    raise AssertionError("the list has no end")


@settings(max_examples=150, deadline=None)
@given(
    rows=tenants,
    first=st.integers(1, 30),
    cap=st.one_of(st.none(), st.integers(1, 30)),
    budget=st.one_of(st.just(10_000), st.integers(1, 12)),
)
async def test_every_document_comes_once_in_order(
    rows: list[dict[str, str]], first: int, cap: int | None, budget: int
) -> None:
    adapter = adapter_over(Tenant(rows, cap), {"scan_budget": budget}, page_cap=cap)
    seen = [record.native_id for record in await read_all(adapter, first=first)]

    assert newest_first(rows) == seen


@settings(max_examples=60, deadline=None)
@given(rows=tenants, cap=st.one_of(st.none(), st.integers(1, 10)))
async def test_each_record_has_a_position_that_goes_on_after_it(rows: list[dict[str, str]], cap: int | None) -> None:
    adapter = adapter_over(Tenant(rows, cap), page_cap=cap)
    assert adapter.correspondence is not None
    whole = await adapter.correspondence.page(asking(100, order=NEWEST_FIRST))
    rest = {
        record.native_id: [
            r.native_id
            for r in (await adapter.correspondence.page(asking(100, order=NEWEST_FIRST, position=position))).records
        ]
        for record, position in zip(whole.records, whole.positions, strict=True)
    }

    ids = newest_first(rows)
    assert {one: ids[place + 1 :] for place, one in enumerate(ids)} == rest


@settings(max_examples=60, deadline=None)
@given(rows=tenants, bounds=st.tuples(days, days), first=st.integers(1, 6))
async def test_a_filter_on_days_bounds_the_windows(
    rows: list[dict[str, str]], bounds: tuple[date | None, date | None], first: int
) -> None:
    low, high = bounds
    terms = ([Compare("date", Op.GTE, low)] if low else []) + ([Compare("date", Op.LTE, high)] if high else [])
    tenant = Tenant(rows)
    adapter = adapter_over(tenant)
    seen = [r.native_id for r in await read_all(adapter, first=first, filter=And(tuple(terms)))]

    inside = [
        row
        for row in rows
        if not terms
        or ("correspondenceDate" in row and str(low or "") <= row["correspondenceDate"] <= str(high or "9999-12-31"))
    ]
    assert newest_first(inside) == seen
    if low is not None:
        assert all(query.get("minDate", "") >= str(low) for query in tenant.queries)
    if high is not None:
        assert all(query.get("maxDate", "A") <= str(high) for query in tenant.queries)


async def test_recent_documents_cost_one_call() -> None:
    tenant = Tenant([letter(n, TODAY - timedelta(days=n)) for n in range(1, 200)])
    adapter = adapter_over(tenant)
    assert adapter.correspondence is not None
    page = await adapter.correspondence.page(asking(25, order=NEWEST_FIRST))

    assert [str(n) for n in range(1, 26)] == [record.native_id for record in page.records]
    assert tenant.queries == [{"minDate": "2026-06-01"}]


async def test_windows_grow_backwards_until_one_is_open_and_then_the_undated_are_read() -> None:
    tenant = Tenant([letter(1, None), letter(2, date(1990, 1, 1))])
    adapter = adapter_over(tenant)
    assert adapter.correspondence is not None
    await adapter.correspondence.page(asking(25, order=NEWEST_FIRST))

    assert tenant.queries == [
        {"minDate": "2026-06-01"},
        {"minDate": "2026-02-01", "maxDate": "2026-05-31"},
        {"minDate": "2024-10-09", "maxDate": "2026-01-31"},
        {"minDate": "2019-07-08", "maxDate": "2024-10-08"},
        {"maxDate": "2019-07-07"},
        {},
    ]


async def test_a_day_with_more_rows_than_the_budget_is_read_whole() -> None:
    tenant = Tenant([letter(n, TODAY) for n in range(1, 41)], cap=5)
    adapter = adapter_over(tenant, {"scan_budget": 10}, page_cap=5)
    seen = [record.native_id for record in await read_all(adapter, first=7)]

    assert [str(n) for n in range(40, 0, -1)] == seen


async def test_a_mistyped_century_is_not_walked_back_from() -> None:
    tenant = Tenant([letter(1, date(9999, 12, 31)), letter(2, date(2206, 6, 1)), letter(3, TODAY)], cap=5)
    adapter = adapter_over(tenant, page_cap=5)

    seen = [record.native_id for record in await read_all(adapter, first=1)]

    assert seen == ["1", "2", "3"]
    assert tenant.queries[:3] == [
        {"minDate": "2026-06-01"},
        {"minDate": "2026-06-01", "maxDate": "9999-12-31"},
        {"minDate": "2026-06-01", "maxDate": "2206-06-01"},
    ]


async def test_a_window_of_any_length_is_shortened_to_a_day_at_least() -> None:
    tenant = Tenant([letter(n, TODAY - timedelta(days=n % 2)) for n in range(1, 41)], cap=5)
    adapter = adapter_over(tenant, {"scan_budget": 10}, page_cap=5)

    seen = [record.native_id for record in await read_all(adapter, first=7, position='["2026-06-30",null,3]')]

    assert seen == newest_first(tenant.rows)


async def test_rows_that_were_not_asked_for_have_their_place_all_the_same() -> None:
    rows = [letter(n, TODAY - timedelta(days=n * 13 % 70)) for n in range(1, 41)]

    def deaf(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=rows)

    seen = [record.native_id for record in await read_all(adapter_over(deaf), first=7)]

    assert seen == newest_first(rows)


@pytest.mark.parametrize(
    "position",
    [
        "",
        "x",
        "[]",
        "[1,2,3]",
        '["2026-06-30",1]',
        '["soon",1,30]',
        '["2026-06-30",1,-1]',
        "20001",
        "{}",
        "[" * 100_000,
        "[" * 16_000,
    ],
)
async def test_another_lists_position_is_refused_without_a_call(position: str) -> None:
    tenant = Tenant([])
    adapter = adapter_over(tenant)
    assert adapter.correspondence is not None
    with pytest.raises(InvalidInput) as caught:
        await adapter.correspondence.page(asking(order=NEWEST_FIRST, position=position))

    assert (caught.value.field, tenant.queries) == ("after", [])
