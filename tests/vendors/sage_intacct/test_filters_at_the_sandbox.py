"""Filters, orders and periods at the emulator's query service and evaluated here give the same answer."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Adapter, Order
from adapters.filters import Compare, Filter, FilterOptions, Op, RelativePeriod, evaluate
from adapters.model import Customer, CustomerEmailTemplate, CustomerMessage, RecordStatus
from adapters.sage_intacct import vendor
from tests.connecting import NOW, asking, connected, running_sandbox
from tests.vendors.sage_intacct.filter_trees import EQUALITIES, ORDERED, PERIODS, TEXTUAL, comparisons, trees

EVERYTHING = 4000
MESSAGE_FIELDS = frozenset({"text", "status", "created_at", "modified_at"})


@dataclass
class Company:
    """All of the emulator's records, and a way to ask it for some."""

    runner: asyncio.Runner
    adapter: Adapter
    customers: Sequence[Customer]
    templates: Sequence[CustomerEmailTemplate]
    messages: Sequence[CustomerMessage]

    def found(self, part: str, tree: Filter, options: FilterOptions) -> set[str]:
        page = self.runner.run(getattr(self.adapter, part).page(asking(EVERYTHING, filter=tree, options=options)))
        assert (page.end, page.problem, page.total) == (None, None, len(page.records))
        return {record.native_id for record in page.records}


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    with running_sandbox(vendor) as sandbox, asyncio.Runner() as runner:
        connection = connected(vendor, sandbox)
        adapter = runner.run(connection.__aenter__())
        assert adapter.customers is not None
        assert adapter.templates is not None
        assert adapter.messages is not None
        balances, texts = frozenset({"outstanding_balance"}), MESSAGE_FIELDS
        yield Company(
            runner,
            adapter,
            runner.run(adapter.customers.page(asking(EVERYTHING, wanted=balances))).records,
            runner.run(adapter.templates.page(asking(EVERYTHING))).records,
            runner.run(adapter.messages.page(asking(EVERYTHING, wanted=texts))).records,
        )
        runner.run(connection.__aexit__(None, None, None))


OPTIONS = st.builds(
    FilterOptions,
    today=st.just(NOW.date()),
    as_of=st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2026, 12, 31))),
    case_sensitive=st.booleans(),
)
STATUSES = comparisons("status", EQUALITIES, st.sampled_from([RecordStatus.ACTIVE, RecordStatus.INACTIVE]))


def passing(records: Any, value_of: Callable[[Any, str], Any], tree: Filter, options: FilterOptions) -> set[str]:
    return {one.native_id for one in records if evaluate(tree, partial(value_of, one), options) is True}


CUSTOMER_TREES = trees(
    st.one_of(
        comparisons("code", TEXTUAL, st.sampled_from(["10001", "10100", "1", "00", "10240"])),
        comparisons("name", TEXTUAL, st.sampled_from(["a", "A", "Zephyr", "zephyr optics gmbh", "Ltd", "GmbH", "%"])),
        comparisons("outstanding_balance", ORDERED, st.sampled_from([Decimal(0), Decimal("2394.49"), Decimal(5000)])),
        STATUSES,
    )
)


@settings(max_examples=60, deadline=None)
@given(tree=CUSTOMER_TREES, options=OPTIONS)
def test_customers_are_the_same(company: Company, tree: Filter, options: FilterOptions) -> None:
    assert company.found("customers", tree, options) == passing(company.customers, getattr, tree, options)


TEMPLATE_TREES = trees(
    st.one_of(
        comparisons("customer_id", EQUALITIES, st.sampled_from(["21", "158", "9999", "x"])),
        comparisons("customer_code", TEXTUAL, st.sampled_from(["10001", "1000", "9"])),
        comparisons("customer_name", TEXTUAL, st.sampled_from(["Zephyr", "ltd", "Ltd"])),
        comparisons("template_name", TEXTUAL, st.sampled_from(["Invoice, French", "invoice", "contract"])),
        comparisons("template_type", TEXTUAL, st.sampled_from(["arInvoice", "contract", "ar"])),
        comparisons("transaction_definition", TEXTUAL, st.sampled_from(["Customer Sales Invoice", "customer", "x"])),
    )
)


@settings(max_examples=60, deadline=None)
@given(tree=TEMPLATE_TREES, options=OPTIONS)
def test_templates_are_the_same(company: Company, tree: Filter, options: FilterOptions) -> None:
    customers = {one.native_id: one for one in company.customers}

    def value_of(record: CustomerEmailTemplate, name: str) -> Any:
        assert record.email_template is not None
        match name:
            case "customer_id":
                return record.customer_id
            case "customer_code" | "customer_name":
                return getattr(customers[str(record.customer_id)], name.removeprefix("customer_"))
            case "template_name":
                return record.email_template.name
            case "template_type":
                return record.email_template.template_type
            case _:
                return record.transaction_definition and record.transaction_definition.name

    assert company.found("templates", tree, options) == passing(company.templates, value_of, tree, options)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), options=OPTIONS)
def test_messages_are_the_same(company: Company, data: st.DataObject, options: FilterOptions) -> None:
    moments = [one.created_at for one in company.messages] + [one.modified_at for one in company.messages]
    days = st.sampled_from([moment.date() + timedelta(days=by) for moment in moments if moment for by in (-1, 0, 1)])
    periods = st.sampled_from(RelativePeriod)
    leaves = st.one_of(
        comparisons("code", TEXTUAL, st.sampled_from(["Welcome", "welcome", "e"])),
        comparisons("text", TEXTUAL, st.sampled_from(["Thank", "thank", "."])),
        STATUSES,
        comparisons("created_at", ORDERED, days),
        comparisons("modified_at", ORDERED, days),
        comparisons("created_at", PERIODS, periods),
    )
    tree = data.draw(trees(leaves))
    assert company.found("messages", tree, options) == passing(company.messages, getattr, tree, options)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["name", "code", "outstanding_balance"])
def test_an_order_is_the_vendors_with_nulls_last(company: Company, field: str, descending: bool) -> None:
    request = asking(EVERYTHING, order=Order(field, descending), wanted=frozenset({field}))
    assert company.adapter.customers is not None
    page = company.runner.run(company.adapter.customers.page(request))
    values = [getattr(one, field) for one in page.records]
    known = sorted((value for value in values if value is not None), reverse=descending)
    assert values == known + [None] * (len(values) - len(known))


def test_a_period_is_seen_from_the_day_that_is_given(company: Company) -> None:
    moment = company.messages[0].created_at
    assert isinstance(moment, datetime)
    tree = Compare("created_at", Op.IN_PERIOD, RelativePeriod.TODAY)
    found = company.found("messages", tree, FilterOptions(today=date(2020, 1, 1), as_of=moment.date()))
    assert found == {one.native_id for one in company.messages if _day(one) == moment.date()}


def _day(message: CustomerMessage) -> date | None:
    return message.created_at.date() if isinstance(message.created_at, datetime) else None
