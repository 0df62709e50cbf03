"""The published examples in our terms, and what the rows may lack."""

from datetime import date
from typing import Any

import msgspec
import pytest

from adapters.model import UNSET, Customer, DocumentState, Letter, PostalAddress, RecordStatus
from adapters.smallinvoice.rows import ClientRow, Found, LetterRow, Listed, UndatedLetterRow
from adapters.smallinvoice.translate import to_customers, to_letters

# The letters page: the answers of letter/list and letter/get.
LISTED = b"""
    {
        "error":false,
        "page":1,
        "pages":1,
        "count":1,
        "items":[
            {
                "id":2,
                "client_id":16,
                "client_address_id":11,
                "client_contact_id":0,
                "date":"2013-02-25",
                "title":"Letter to John Doe",
                "status":7,
                "pages":1
            }
        ]
    }
"""
FOUND = b"""
    {
        "error":false,
        "item":{
            "id":2,
            "client_id":16,
            "client_address_id":11,
            "client_contact_id":0,
            "date":"2013-02-25",
            "title":"Letter to Jane Doe",
            "status":7,
            "pages":1
        }
    }
"""
JOHN = Letter(
    backend="test",
    native_id="2",
    customer_id="16",
    date=date(2013, 2, 25),
    title="Letter to John Doe",
    state=DocumentState.DRAFT,
    vendor_status=("7",),
    address_id="11",
    contact_id=None,
    page_count=1,
)
# The clients page, the members that are read; `code` is a number there and text in the object's table.
CLIENT = b"""
    {
        "id":16, "type":1, "gender":0, "number":1000, "name":"Jane Doe", "addition":"", "email":"",
        "main_address_id":11, "street":"Address", "streetno":"", "code":123, "city":"Atlantis", "country":"EG",
        "addresses":[
            {"id":11, "street":"Address", "streetno":"", "street2":"", "code":123, "city":"Atlantis", "country":"EG"}
        ],
        "contacts":[]
    }
"""


def letter(**members: Any) -> Letter:
    row = msgspec.convert({"id": 2, **members}, UndatedLetterRow)
    return to_letters([row], backend="test")[0]


def customer(**members: Any) -> Customer:
    row = msgspec.convert({"id": 16, **members}, ClientRow, strict=False)
    return to_customers([row], backend="test")[0]


def test_the_published_list_is_a_letter() -> None:
    listed = msgspec.json.decode(LISTED, type=Listed[LetterRow])
    assert to_letters(listed.items, backend="test") == [JOHN]
    assert (listed.page, listed.pages, listed.count) == (1, 1, 1)


def test_the_published_letter_is_a_letter() -> None:
    found = msgspec.json.decode(FOUND, type=Found[LetterRow])
    assert to_letters([found.item], backend="test") == [msgspec.structs.replace(JOHN, title="Letter to Jane Doe")]


def test_the_published_client_is_a_customer() -> None:
    (shown,) = to_customers([msgspec.json.decode(CLIENT, type=ClientRow)], backend="test")
    assert shown == Customer(
        backend="test",
        native_id="16",
        stable_id="16",
        code="1000",
        name="Jane Doe",
        status=RecordStatus.UNKNOWN,
        emails=(),
        address=PostalAddress(lines=("Address",), city="Atlantis", postal_code="123", country="EG"),
        currency=None,
        outstanding_balance=None,
    )


@pytest.mark.parametrize(
    ("status", "state", "vendor_status"),
    [
        (1, DocumentState.SENT, ("1",)),
        (7, DocumentState.DRAFT, ("7",)),
        (3, DocumentState.UNKNOWN, ("3",)),
        (None, DocumentState.UNKNOWN, ()),
    ],
)
def test_a_status_is_a_state_only_where_it_is_documented(
    status: int | None, state: DocumentState, vendor_status: tuple[str, ...]
) -> None:
    shown = letter(status=status)
    assert (shown.state, shown.vendor_status) == (state, vendor_status)


def test_an_id_of_zero_and_the_empty_text_are_nothing() -> None:
    shown = letter(client_id=0, client_address_id=0, client_contact_id=0, title="", date="")
    assert (shown.customer_id, shown.address_id, shown.contact_id, shown.title, shown.date) == (None,) * 5


def test_no_other_record_has_a_negative_id() -> None:
    assert letter(client_id=-1).customer_id is None


def test_a_date_of_zeros_is_none() -> None:
    assert letter(date="0000-00-00").date is None


@pytest.mark.parametrize("day", ["25.02.2013", "2013-02-30", "0000-00-01"])
def test_any_other_date_is_no_letter(day: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        letter(date=day)


def test_the_address_is_the_main_one_of_several() -> None:
    addresses = [{"id": 1, "city": "Bern"}, {"id": 2, "street": "Seeweg", "streetno": 4, "street2": "Postfach"}]
    shown = customer(main_address_id=2, addresses=addresses, city="Basel")
    assert shown.address == PostalAddress(lines=("Seeweg 4", "Postfach"))


def test_without_addresses_the_copy_is_the_address() -> None:
    assert customer(city="Basel", code="04001").address == PostalAddress(city="Basel", postal_code="04001")


def test_what_a_row_lacks_is_unset_and_what_is_empty_is_none() -> None:
    assert (customer().emails, customer().address) == (UNSET, UNSET)
    assert (customer(email=" ").emails, customer(addresses=[]).address) == ((), None)


@pytest.mark.parametrize(("number", "code"), [(1004, "1004"), ("0042", "0042"), ("", None), (None, None)])
def test_the_code_is_the_client_number_as_it_is_written(number: int | str | None, code: str | None) -> None:
    assert customer(number=number).code == code


@pytest.mark.parametrize("id", [0, -1, None])
def test_a_client_without_an_id_is_none(id: int | None) -> None:
    with pytest.raises(msgspec.ValidationError):
        customer(id=id)


def test_dates_are_read_alike_by_the_quick_type_and_by_the_one_that_knows_of_none() -> None:
    days = [None, "2013-02-25", "2024-02-29", "0001-01-01", "9999-12-31"]
    listed = msgspec.json.encode({"count": len(days), "items": [{"id": 1, "date": day} for day in days]})
    quick = msgspec.json.decode(listed, type=Listed[LetterRow]).items
    slow = msgspec.json.decode(listed, type=Listed[UndatedLetterRow]).items
    assert to_letters(quick, backend="test") == to_letters(slow, backend="test")


def test_an_address_is_looked_for_only_where_it_is_wanted() -> None:
    row = msgspec.json.decode(CLIENT, type=ClientRow)
    (shown,) = to_customers([row], backend="test", wanted=frozenset(("name",)))
    assert shown.address is UNSET
