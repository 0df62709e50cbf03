"""Walking lists, as a client would: page after page to the end."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import Adapter, ListRequest, Order
from adapters.errors import ScanLimit
from adapters.model import Customer, CustomerEmailTemplate, Page
from tests.connecting import asking
from tests.contract.offers import ListPart

__all__ = [
    "ENOUGH",
    "attributes",
    "check_page",
    "customers_by_id",
    "everything",
    "ordering",
    "reader",
    "records_of",
    "value_of",
    "walk",
]

ENOUGH = 5_000
"""More than any list of an emulator holds."""
MOST_PAGES = 600


def reader(adapter: Adapter, part: ListPart) -> Any:
    """The adapter's part of this name."""
    return getattr(adapter, part.name)


def ordering(text: str) -> Order:
    """``date`` or, descending, ``-date``."""
    return Order(text.removeprefix("-"), descending=text.startswith("-"))


def attributes(record_type: type[Any]) -> frozenset[str]:
    """All attributes of a record type but the raw record."""
    return frozenset(record_type.__struct_fields__) - {"raw"}


def check_page(page: Page[Any], request: ListRequest) -> None:
    """What holds for every page."""
    assert len(page.records) <= request.first
    assert len(page.positions) == len(page.records)
    assert page.problem is None or (isinstance(page.problem, ScanLimit) and page.end is not None)


async def walk(read: Any, request: ListRequest) -> list[Page[Any]]:
    """All pages from the request's position to the end of the list."""
    pages: list[Page[Any]] = []
    while len(pages) < MOST_PAGES:
        page = await read.page(request)
        check_page(page, request)
        pages.append(page)
        if page.end is None:
            return pages
        request = msgspec.structs.replace(request, position=page.end)
    raise AssertionError("the list has no end")


def records_of(pages: Sequence[Page[Any]]) -> list[Any]:
    """The records of these pages."""
    return [record for page in pages for record in page.records]


async def everything(read: Any, **members: Any) -> list[Any]:
    """The whole list in one page as large as it."""
    page = await read.page(asking(ENOUGH, **members))
    assert page.end is None
    return list(page.records)


async def customers_by_id(adapter: Adapter) -> dict[str, Customer]:
    """All customers by native id."""
    return {customer.native_id: customer for customer in await everything(adapter.customers)}


@dataclasses.dataclass(frozen=True)
class value_of:  # noqa: N801 - called like the function that `filters.evaluate` wants
    """The value that a filter finds in a record under a name. A template's customer is looked up in ``customers``."""

    record: Any
    customers: dict[str, Customer]

    def __call__(self, name: str) -> Any:
        if not isinstance(self.record, CustomerEmailTemplate):
            return getattr(self.record, name)
        definition, template = self.record.transaction_definition, self.record.email_template
        customer = self.customers.get(self.record.customer_id or "")
        return {
            "customer_id": self.record.customer_id,
            "customer_code": customer and customer.code,
            "customer_name": customer and customer.name,
            "template_name": template and template.name,
            "template_type": template and template.template_type,
            "transaction_definition": definition and definition.name,
        }[name]
