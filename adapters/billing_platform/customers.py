"""The tenant's customers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from adapters.billing_platform.client import NATIVE_ID, Client
from adapters.billing_platform.listing import Listing, page_by_id, sorted_page
from adapters.billing_platform.parameters import Question, customer_question
from adapters.billing_platform.per_key import ask_per_key
from adapters.billing_platform.settings import BillingPlatformSettings
from adapters.billing_platform.translate import CustomerRow, Entry, customer_entries, customer_entry
from adapters.contract import Limits, ListRequest, Results
from adapters.errors import Conflict, UnsupportedByVendor
from adapters.filters import FilterOptions
from adapters.model import Customer, Page
from adapters.wire import MAX_SEGMENT_LENGTH, Answer, WireRequest

__all__ = ["BillingPlatformCustomers"]

_LIST = "customer.list"
_SORTABLE = frozenset(("name", "code"))


class BillingPlatformCustomers:
    """Reads customers (`adapters.contract.Customers`)."""

    def __init__(self, client: Client, settings: BillingPlatformSettings, limits: Limits) -> None:
        self._client = client
        self._settings = settings
        self._limits = limits

    async def page(self, request: ListRequest) -> Page[Customer]:
        """Customers in ascending id, out of one call where answers are not capped.

        By name or code where the settings allow reading the list whole; any other order is unsupported.
        """
        question = customer_question(request.filter, request.options, backend=self._client.backend)
        listing = self._listing(question, request.options, request.wanted)
        if request.order is None:
            return await page_by_id(listing, request)
        name, descending = request.order.field, request.order.descending
        if name not in _SORTABLE or not self._settings.list_whole:
            raise UnsupportedByVendor(
                f"This vendor cannot order customers by {name}.",
                backend=self._client.backend,
                operation=_LIST,
                field=name,
            )
        everyone = await listing.whole()
        return sorted_page(
            everyone.entries, listing, request, lambda entry: _sort_key(entry, name, descending=descending)
        )

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by native id, one call each: the list has no filter by id."""
        known = filter(NATIVE_ID.fullmatch, keys)
        results = await ask_per_key(self._client, known, partial(_get_request, wanted), self._found)
        return {key: results.get(key) for key in keys}

    def _found(self, _: str, answer: Answer) -> Customer | None:
        row = self._client.row_of(answer, CustomerRow)
        return customer_entry(*row, backend=self._client.backend).record if row else None

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by account number, one call each: the filter takes one, and is documented to match exactly.

        None where nothing was found, or a number that differs in case; other customers are a `MalformedAnswer`.
        """

        def asked(code: str) -> WireRequest:
            return _list_request(wanted, ("accountNumber", code))

        def found(code: str, answer: Answer) -> Customer | None:
            rows = self._client.rows_of(answer, list[CustomerRow])
            customers = [entry.record for entry in customer_entries(*rows, backend=self._client.backend)]
            match [customer for customer in customers if customer.code == code]:
                case []:
                    if customers and not any((one.code or "").casefold() == code.casefold() for one in customers):
                        raise self._client.malformed("The vendor answered with another customer.", answer.request)
                    return None
                case [customer]:
                    return customer
            raise Conflict(
                "Several customers have this account number.",
                backend=self._client.backend,
                operation=_LIST,
                field="code",
            )

        sayable = [code for code in codes if 0 < len(code) <= MAX_SEGMENT_LENGTH]
        results = await ask_per_key(self._client, sayable, asked, found)
        return {code: results.get(code) for code in codes}

    def _listing(self, question: Question, options: FilterOptions, wanted: frozenset[str]) -> Listing[Customer]:
        def read(answer: Answer) -> list[Entry[Customer]]:
            rows = self._client.rows_of(answer, list[CustomerRow])
            return customer_entries(*rows, backend=self._client.backend, asked_for=question.status)

        return Listing(
            ask=self._client.ask,
            read=read,
            request=_list_request(wanted),
            question=question,
            options=options,
            page_cap=self._settings.page_cap,
            scan_budget=self._limits.scan_budget,
        )


def _get_request(wanted: frozenset[str], native_id: str) -> WireRequest:
    path = ("customers", native_id)
    return WireRequest(operation="customer.get", method="GET", path=path, ids=(native_id,), wanted=wanted)


def _list_request(wanted: frozenset[str], *query: tuple[str, str]) -> WireRequest:
    return WireRequest(
        operation=_LIST, method="GET", path=("customers",), trailing_slash=True, query=query, wanted=wanted
    )


def _sort_key(entry: Entry[Customer], name: str, *, descending: bool) -> list[Any]:
    """By code point, nulls last, then by id; descending, the code points count down, and a text's end counts most."""
    text: str | None = entry.value(name)
    if text is None:
        return [1, entry.id]
    return [0, [*(-ord(letter) for letter in text), 1] if descending else text, entry.id]
