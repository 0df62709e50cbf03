"""Customers' pages that are still rows."""

from typing import Any

from msgspec import Struct

from adapters.model import Page
from adapters.own_rows import OwnRows
from adapters.translating import Text, Translated, Translation


class Record(Struct, frozen=True, kw_only=True):
    backend: str
    native_id: str
    raw: Any


class Row(Struct):
    id: int


RECORDS = Translation(Record, {"native_id": Text("id")})
ROWS = {"7": [Row(1), Row(2)], "8": []}


def page_of(customer_id: str) -> Page[Record]:
    return Page(records=Translated(RECORDS, ROWS[customer_id], None, "here"), positions=(), end=customer_id)


def test_it_is_the_mapping_of_its_pages() -> None:
    pages = OwnRows(RECORDS, ROWS, "here", page_of)
    assert dict(pages) == {"7": page_of("7"), "8": page_of("8")}


def test_a_customer_that_was_not_asked_for_has_none() -> None:
    pages = OwnRows(RECORDS, ROWS, "here", page_of)
    assert ("9" in pages, pages.get("9")) == (False, None)


def test_a_page_is_made_when_somebody_looks_at_it() -> None:
    made: list[str] = []

    def page(customer_id: str) -> Page[Record]:
        made.append(customer_id)
        return page_of(customer_id)

    pages = OwnRows(RECORDS, ROWS, "here", page)
    assert (len(pages), [*pages], made) == (2, ["7", "8"], [])
    assert (pages["8"].end, made) == ("8", ["8"])
