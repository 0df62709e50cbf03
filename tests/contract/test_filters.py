"""Filters mean the same wherever they are applied: what a vendor answers is what `filters.evaluate` lets pass."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from adapters import model
from adapters.contract import Adapter, Vendor
from adapters.errors import UnsupportedByVendor
from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, RelativePeriod, evaluate, fields_of
from adapters.model import Customer, RecordStatus
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.contract.offers import ListPart
from tests.contract.walking import ENOUGH, attributes, customers_by_id, everything, reader, records_of, value_of, walk

TODAY = NOW.date()
TEXT_OPERATORS = (
    Op.CONTAINS, Op.NOT_CONTAINS, Op.STARTS_WITH, Op.NOT_STARTS_WITH, Op.ENDS_WITH, Op.NOT_ENDS_WITH,
)  # fmt: skip
ORDERED = (Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE)
MEMBERSHIP = (Op.IN, Op.NOT_IN)
SPANS = (Op.BETWEEN, Op.NOT_BETWEEN)


class Known:
    """A part's records as they are without a filter, and what could be asked of them."""

    def __init__(self, part: ListPart, records: Sequence[Any], customers: dict[str, Customer]) -> None:
        self.records = records
        self.values = [value_of(record, customers) for record in records]
        names = part.filters | part.more_filters
        self.by_field: Mapping[str, list[Any]] = {
            name: found for name in sorted(names) if (found := self._values(name)) != [RecordStatus.UNKNOWN]
        }

    def _values(self, name: str) -> list[Any]:
        """The values that there are; UNKNOWN alone for a status that the vendor's records hide."""
        return sorted({value(name) for value in self.values if value(name) is not None}, key=str)

    def passing(self, tree: Filter, options: FilterOptions) -> list[Any]:
        pairs = zip(self.records, self.values, strict=True)
        return [record for record, value in pairs if evaluate(tree, value, options) is True]


async def known(adapter: Adapter, part: ListPart) -> Known:
    wanted = attributes(getattr(model, part.record_type))
    return Known(part, await everything(reader(adapter, part), wanted=wanted), await customers_by_id(adapter))


def comparisons(name: str, values: list[Any]) -> st.SearchStrategy[Filter]:
    """Comparisons of one attribute with values that occur, and with others near them."""
    like = values[0] if values else ""
    null = st.sampled_from((Compare(name, Op.IS_NULL), Compare(name, Op.IS_NOT_NULL)))
    if isinstance(like, Enum):
        kind = type(like)
        members = [member for member in kind if member.value != "UNKNOWN"]
        return _compared(name, st.sampled_from(members), (Op.EQ, Op.NE), spans=False) | null
    if name == "customer_id":
        return _compared(name, st.sampled_from(values), (), spans=False)
    if isinstance(like, datetime):
        days = st.sampled_from(values).map(lambda moment: moment.date())
        return _compared(name, days | st.sampled_from(values), ORDERED) | _periods(name) | null
    if isinstance(like, date):
        days = st.sampled_from(values).flatmap(lambda day: st.sampled_from((day, day + timedelta(days=1))))
        return _compared(name, days, ORDERED) | _periods(name) | null
    if isinstance(like, Decimal):
        amounts = st.sampled_from(values).flatmap(lambda one: st.sampled_from((one, one + Decimal("0.01"))))
        return _compared(name, amounts | st.just(Decimal(0)), ORDERED) | null
    texts = st.sampled_from(values or ["x"]).flatmap(
        lambda text: st.sampled_from((text, text[:3], text[-3:], text[1:4], text.upper(), text.lower(), f"{text} x"))
    )
    return _compared(name, texts, ORDERED + TEXT_OPERATORS) | null


def _compared(
    name: str, operands: st.SearchStrategy[Any], operators: Sequence[Op], *, spans: bool = True
) -> st.SearchStrategy[Filter]:
    among = st.builds(
        functools.partial(Compare, name), st.sampled_from(MEMBERSHIP), st.lists(operands, max_size=3).map(tuple)
    )
    if not operators:
        return among
    one = st.builds(functools.partial(Compare, name), st.sampled_from(tuple(operators)), operands)
    if not spans:
        return one | among
    both = st.builds(
        functools.partial(Compare, name), st.sampled_from(SPANS), st.tuples(operands, operands).map(_sorted)
    )
    return one | among | both


def _sorted(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """The lower first, where the two compare: a day and a moment do not."""
    if isinstance(pair[0], datetime) != isinstance(pair[1], datetime):
        return pair[0], pair[0]
    low, high = sorted(pair)
    return low, high


def _periods(name: str) -> st.SearchStrategy[Filter]:
    return st.builds(
        functools.partial(Compare, name),
        st.sampled_from((Op.IN_PERIOD, Op.NOT_IN_PERIOD)),
        st.sampled_from(tuple(RelativePeriod)),
    )


def trees(by_field: Mapping[str, list[Any]]) -> st.SearchStrategy[Filter]:
    """Trees of comparisons of these attributes."""
    leaves = st.one_of([comparisons(name, values) for name, values in by_field.items()])
    return st.recursive(
        leaves,
        lambda inner: st.builds(And, _terms(inner)) | st.builds(Or, _terms(inner)) | st.builds(Not, inner),
        max_leaves=5,
    )


def _terms(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[tuple[Filter, ...]]:
    return st.lists(inner, max_size=3).map(tuple)


OPTIONS = st.builds(
    FilterOptions,
    today=st.just(TODAY),
    as_of=st.none() | st.sampled_from((date(2024, 2, 29), date(2025, 1, 1))),
    case_sensitive=st.booleans(),
)


@pytest.fixture(scope="session")
def loop() -> Any:
    """Hypothesis runs its examples one after the other, each in the same loop."""
    runner = asyncio.Runner()
    yield runner
    runner.close()


def test_any_filter_passes_what_it_means_or_is_unsupported(
    vendor: Vendor, sandbox: RunningSandbox, part: ListPart, loop: asyncio.Runner
) -> None:
    async def begin() -> tuple[Any, Adapter, Known]:
        context = connected(vendor, sandbox)
        adapter = await context.__aenter__()
        return context, adapter, await known(adapter, part)

    context, adapter, whole = loop.run(begin())
    asked = 0

    @seed(20260630)
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(tree=trees(whole.by_field), options=OPTIONS)
    def check(tree: Filter, options: FilterOptions) -> None:
        nonlocal asked
        expected = whole.passing(tree, options)
        try:
            answered = loop.run(_answered(adapter, part, tree, options))
        except UnsupportedByVendor:
            if not fields_of(tree) & part.more_filters:
                raise
            return
        asked += 1
        assert sorted(record.native_id for record in expected) == sorted(record.native_id for record in answered)

    try:
        check()
    finally:
        loop.run(context.__aexit__(None, None, None))
    assert asked > 0


async def _answered(adapter: Adapter, part: ListPart, tree: Filter, options: FilterOptions) -> list[Any]:
    return records_of(await walk(reader(adapter, part), asking(ENOUGH, filter=tree, options=options)))


async def test_each_attribute_that_every_such_list_knows_can_be_filtered_by(adapter: Adapter, part: ListPart) -> None:
    whole = await known(adapter, part)
    options = FilterOptions(today=TODAY)

    for name in sorted(part.filters):
        values = whole.by_field[name]
        tree = Compare(name, Op.IN, tuple(values[:2]))
        expected = whole.passing(tree, options)
        assert len(expected) > 0, name
        assert expected == await everything(reader(adapter, part), filter=tree, wanted=_all(part)), name


@pytest.mark.parametrize("operator", [Op.EQ, Op.STARTS_WITH, Op.CONTAINS])
async def test_case_is_left_out_of_account_where_it_is_not_to_matter(
    adapter: Adapter, part: ListPart, operator: Op
) -> None:
    whole = await known(adapter, part)

    for name in sorted(part.filters - {"customer_id"}):
        (text, *_) = whole.by_field[name]
        if type(text) is not str:
            continue
        tree = Compare(name, operator, text.swapcase())
        for options in (FilterOptions(today=TODAY), FilterOptions(today=TODAY, case_sensitive=False)):
            expected = whole.passing(tree, options)
            assert expected or options.case_sensitive
            found = await everything(reader(adapter, part), filter=tree, options=options, wanted=_all(part))
            assert expected == found, (name, options.case_sensitive)


def _all(part: ListPart) -> frozenset[str]:
    return attributes(getattr(model, part.record_type))


@pytest.mark.requires("customers")
async def test_the_statuses_divide_the_customers_between_them(adapter: Adapter) -> None:
    assert adapter.customers is not None
    whole = [customer.native_id for customer in await everything(adapter.customers)]
    try:
        parts = {
            status: await everything(adapter.customers, filter=Compare("status", Op.EQ, status))
            for status in (RecordStatus.ACTIVE, RecordStatus.INACTIVE)
        }
    except UnsupportedByVendor:
        return
    assert sorted(whole) == sorted(customer.native_id for part in parts.values() for customer in part)
    for status, customers in parts.items():
        assert {status} == {customer.status for customer in customers}
