"""Lists: whole, in parts of any size, from any position, in any order."""

from random import Random
from typing import Any

import pytest

from adapters.contract import Adapter, Order, Vendor
from adapters.errors import AdapterError, InvalidInput, ScanLimit, UnsupportedByVendor
from adapters.filters import Compare, Op
from adapters.model import Page
from tests.connecting import RunningSandbox, asking, connected
from tests.contract.offers import ListPart
from tests.contract.walking import ENOUGH, customers_by_id, everything, ordering, reader, records_of, value_of, walk


async def by_order(read: Any, part: ListPart) -> dict[str | None, list[Any]]:
    """The whole list in each order that the vendor has; those that every vendor must have are demanded."""
    found: dict[str | None, list[Any]] = {None: await everything(read)}
    for name in part.orders:
        found[name] = await everything(read, order=ordering(name), wanted=_wanted(ordering(name)))
    for name in (*part.more_orders, *(f"-{order}" for order in part.more_orders)):
        try:
            found[name] = await everything(read, order=ordering(name), wanted=_wanted(ordering(name)))
        except UnsupportedByVendor:
            continue
    return found


def _wanted(order: Order | None) -> frozenset[str]:
    return frozenset() if order is None else frozenset({order.field})


@pytest.mark.parametrize("first", [29, 239, 1000])
async def test_pages_of_any_size_show_each_record_exactly_once(adapter: Adapter, part: ListPart, first: int) -> None:
    read = reader(adapter, part)
    whole = await everything(read)

    assert whole == records_of(await walk(read, asking(first)))
    assert len(whole) == len({record.native_id for record in whole})


async def test_each_order_shows_the_same_records_sorted_with_nulls_last(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    lists = await by_order(read, part)
    customers = await customers_by_id(adapter)
    plain = {record.native_id for record in lists.pop(None)}

    for name, records in lists.items():
        assert plain == {record.native_id for record in records}, name
        order = ordering(str(name))
        values = [value_of(record, customers)(order.field) for record in records]
        known = [value for value in values if value is not None]
        assert values == sorted(known, reverse=order.descending) + [None] * (len(values) - len(known)), name


async def test_each_order_can_be_read_in_pages(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)

    for name, records in (await by_order(read, part)).items():
        order = ordering(name) if name else None
        assert records == records_of(await walk(read, asking(77, order=order, wanted=_wanted(order)))), name


async def test_the_position_of_any_record_goes_on_right_after_it(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    chance = Random(7)  # noqa: S311 - which records are tried

    for name, records in (await by_order(read, part)).items():
        order = ordering(name) if name else None
        page = await read.page(asking(ENOUGH, order=order, wanted=_wanted(order)))
        for place in sorted({0, len(records) - 1, *(chance.randrange(len(records)) for _ in range(4))}):
            rest = await read.page(asking(3, order=order, position=page.positions[place], wanted=_wanted(order)))
            assert tuple(records[place + 1 : place + 4]) == rest.records, (name, place)


async def test_a_filtered_list_can_be_read_in_pages_and_from_any_position(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    tree = Compare(*_common(part))
    whole = await everything(read, filter=tree)
    pages = await walk(read, asking(5, filter=tree))
    positions = [position for page in pages for position in page.positions]

    assert len(whole) > 0
    assert whole == records_of(pages)
    for place in {0, len(whole) // 2, len(whole) - 1}:
        rest = await read.page(asking(2, filter=tree, position=positions[place]))
        assert tuple(whole[place + 1 : place + 3]) == rest.records


def _common(part: ListPart) -> tuple[str, Op, Any]:
    """A condition that some of the records of the sample company fulfil."""
    return {
        "customers": ("name", Op.CONTAINS, "Marine"),
        "correspondence": ("title", Op.CONTAINS, "Final"),
        "letters": ("title", Op.CONTAINS, "balance"),
        "templates": ("template_name", Op.CONTAINS, "logo"),
        "messages": ("code", Op.CONTAINS, "e"),
    }[part.name]


async def test_a_small_scan_budget_costs_pages_but_no_records(
    vendor: Vendor, sandbox: RunningSandbox, part: ListPart
) -> None:
    tree = Compare(*_common(part))
    async with (
        connected(vendor, sandbox) as unbounded,
        connected(vendor, sandbox, limits={"page_size": 20, "scan_budget": 40}) as bounded,
    ):
        whole = await everything(reader(unbounded, part), filter=tree)
        pages = await walk(reader(bounded, part), asking(1000, filter=tree))

    assert whole == records_of(pages)
    assert all(isinstance(page.problem, ScanLimit) for page in pages[:-1])
    assert pages[-1].problem is None


async def test_the_total_counts_all_records(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)

    assert len(await everything(read)) == (await read.page(asking(3, count=True))).total


async def test_a_position_that_no_list_gave_is_refused(adapter: Adapter, part: ListPart) -> None:
    for position in ("", "elsewhere", "[]", "[1,2,3,4]", "{}", "[-1,null]", "\x00", "9" * 5000):
        with pytest.raises(InvalidInput):
            await reader(adapter, part).page(asking(3, position=position))


async def test_what_no_list_knows_is_unsupported_without_a_call(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart
) -> None:
    field, before = "favourite_colour", sandbox.count()

    with pytest.raises(UnsupportedByVendor) as by_filter:
        await reader(adapter, part).page(asking(3, filter=Compare(field, Op.EQ, "blue")))
    with pytest.raises(UnsupportedByVendor) as by_order_:
        await reader(adapter, part).page(asking(3, order=ordering(field)))
    assert before == sandbox.count()
    assert [(field, "test"), (field, "test")] == [(e.value.field, e.value.backend) for e in (by_filter, by_order_)]


def _ids(page: Page[Any] | AdapterError) -> list[str]:
    assert isinstance(page, Page)
    return [record.native_id for record in page.records]


@pytest.mark.parametrize("order", [None, "-date"])
@pytest.mark.parametrize("first", [2, 50])
async def test_the_list_of_a_customer_is_the_whole_list_picked_out(
    adapter: Adapter, part: ListPart, first: int, order: str | None
) -> None:
    read = reader(adapter, part)
    if not hasattr(read, "of_customers") or (order and order not in part.orders):
        return
    chosen = ordering(order) if order else None
    whole = await everything(read, order=chosen)
    customers = sorted({record.customer_id for record in whole})[:30]
    request = asking(first, order=chosen)
    found = await read.of_customers([*customers, "999999999"], request)

    nobody = found["999999999"]
    assert isinstance(nobody, AdapterError) or nobody.records == ()
    for customer in customers:
        own = [record.native_id for record in whole if record.customer_id == customer]
        assert own[:first] == _ids(found[customer])
        rest = found[customer].end
        assert (rest is None) == (len(own) <= first)
        if rest is not None:
            going_on = await read.of_customers([customer], asking(50, order=chosen), {customer: rest})
            assert own[first:] == _ids(going_on[customer])


async def _with_lists(read: Any, order: Order | None) -> dict[str, list[str]]:
    """The ids on each customer's own list, of the first thirty that have one."""
    whole = await everything(read, order=order)
    customers = sorted({record.customer_id for record in whole})[:30]
    return {customer: [one.native_id for one in whole if one.customer_id == customer] for customer in customers}


@pytest.mark.parametrize("limits", [{}, {"page_size": 20, "scan_budget": 40}])
@pytest.mark.parametrize("order", [None, "-date"])
async def test_customers_lists_go_on_each_from_a_place_of_its_own(
    vendor: Vendor, sandbox: RunningSandbox, part: ListPart, order: str | None, limits: dict[str, int]
) -> None:
    """Whatever pages they are read in and wherever each stands, each of its records is met once."""
    chance = Random(11)  # noqa: S311 - how far each is read, and with whom
    chosen = ordering(order) if order else None
    async with connected(vendor, sandbox) as unbounded, connected(vendor, sandbox, limits=limits) as adapter:
        read = reader(adapter, part)
        if not hasattr(read, "of_customers") or (order and order not in part.orders):
            return
        own = await _with_lists(reader(unbounded, part), chosen)
        met: dict[str, list[str]] = {customer: [] for customer in own}
        places: dict[str, str | None] = dict.fromkeys(own)
        while places:
            some = [customer for customer in places if chance.random() < 0.8]
            positions = {customer: place for customer in some if (place := places[customer]) is not None}
            for customer, page in (await read.of_customers(some, asking(2, order=chosen), positions)).items():
                met[customer] += _ids(page)
                places[customer] = page.end
                if page.end is None:
                    del places[customer]

    assert own == met


async def test_a_position_that_no_list_gave_is_refused_to_its_customer_alone(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    if not hasattr(read, "of_customers"):
        return
    own = await _with_lists(read, None)
    one, other = list(own)[:2]
    found = await read.of_customers([one, other], asking(50), {other: "elsewhere"})

    assert (own[one], InvalidInput) == (_ids(found[one]), type(found[other]))


async def test_a_position_for_all_customers_is_refused(adapter: Adapter, part: ListPart) -> None:
    read = reader(adapter, part)
    if not hasattr(read, "of_customers"):
        return
    with pytest.raises(ValueError, match="by customer"):
        await read.of_customers(["1", "2"], asking(2, position="1"))
