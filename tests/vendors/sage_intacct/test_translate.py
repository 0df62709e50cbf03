"""Customers' contacts, as a record read by key shows them."""

from typing import Any

import pytest

from adapters.model import Customer, PostalAddress
from tests.vendors.sage_intacct.answering import adapter_over, answering, one

ADDRESS = {
    "addressLine1": "1 Mill Lane",
    "addressLine2": None,
    "addressLine3": "Unit 4",
    "city": "Leeds",
    "state": "West Yorkshire",
    "postCode": "LS1 1AA",
    "country": "United Kingdom",
    "isoCountryCode": "GB",
}


async def read(contact: Any) -> Customer:
    adapter = adapter_over(answering(one({"key": "7", "contacts": {"default": contact}})))
    assert adapter.customers is not None
    found = (await adapter.customers.by_key(["7"], frozenset({"emails", "address"})))["7"]
    assert isinstance(found, Customer)
    return found


@pytest.mark.parametrize(
    ("changed", "country"),
    [({}, "GB"), ({"isoCountryCode": None}, "United Kingdom"), ({"isoCountryCode": "", "country": None}, None)],
)
async def test_an_address_names_its_country_by_code_where_there_is_one(
    changed: dict[str, Any], country: str | None
) -> None:
    assert (await read({"mailingAddress": {**ADDRESS, **changed}})).address == PostalAddress(
        lines=("1 Mill Lane", "Unit 4"),
        city="Leeds",
        postal_code="LS1 1AA",
        region="West Yorkshire",
        country=country,
    )


@pytest.mark.parametrize("contact", [None, {}, {"mailingAddress": None}, {"mailingAddress": dict.fromkeys(ADDRESS)}])
async def test_no_address_is_none(contact: Any) -> None:
    assert (await read(contact)).address is None


@pytest.mark.parametrize(
    ("contact", "emails"),
    [
        ({"email1": "a@north.example", "email2": "b@north.example"}, ("a@north.example", "b@north.example")),
        ({"email1": "", "email2": "b@north.example"}, ("b@north.example",)),
        ({"email1": None}, ()),
        (None, ()),
    ],
)
async def test_both_addresses_are_emails_and_an_empty_one_is_none(contact: Any, emails: tuple[str, ...]) -> None:
    assert (await read(contact)).emails == emails
