"""The tenant's correspondence: lists, single ones, and those of customers."""

from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from adapters.billing_platform.client import NATIVE_ID, Client
from adapters.billing_platform.listing import (
    Listing,
    Part,
    page_at_hand,
    page_by_id,
    page_out_of,
    sorted_page,
    start_of,
)
from adapters.billing_platform.newest_first import newest_first
from adapters.billing_platform.parameters import Question, correspondence_question
from adapters.billing_platform.per_key import ask_per_key, per_key
from adapters.billing_platform.settings import BillingPlatformSettings
from adapters.billing_platform.translate import CorrespondenceRow, Entry, correspondence_entries, correspondence_entry
from adapters.contract import Limits, ListRequest, Order, Results
from adapters.errors import AdapterError, NotFound, UnsupportedByVendor
from adapters.model import Correspondence, Page
from adapters.paging import own_places
from adapters.wire import Answer, FileStream, WireRequest

__all__ = ["BillingPlatformCorrespondence"]

_LIST = "correspondence.list"
_ROWS = list[CorrespondenceRow]
_PageSoon = Page[Correspondence] | Coroutine[Any, Any, Page[Correspondence]]


class BillingPlatformCorrespondence:
    """Reads correspondence (`adapters.contract.Documents`) and its PDFs."""

    def __init__(self, client: Client, settings: BillingPlatformSettings, limits: Limits) -> None:
        self._client = client
        self._settings = settings
        self._limits = limits

    async def page(self, request: ListRequest) -> Page[Correspondence]:
        """The tenant's correspondence in ascending id; newest first by windows of days.

        Oldest first only where the settings allow reading the list whole.
        """
        question = self._question(request)
        listing = self._listing(request, question)
        if request.order is None or question.hopeless:
            return await page_by_id(listing, request)
        if request.order.descending:
            return await newest_first(listing, request)
        if not self._settings.list_whole:
            raise self._unsupported_order("date", "date, the oldest first")
        return _by_date((await listing.whole()).entries, listing, request, request.order)

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Correspondence]:
        """Correspondence by native id, one call each: the list has no filter by id."""
        known = filter(NATIVE_ID.fullmatch, keys)
        results = await ask_per_key(self._client, known, partial(_get_request, wanted), self._found)
        return {key: results.get(key) for key in keys}

    def _found(self, _: str, answer: Answer) -> Correspondence | None:
        row = self._client.row_of(answer, CorrespondenceRow)
        return correspondence_entry(*row, backend=self._client.backend).record if row else None

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[Correspondence] | AdapterError]:
        """Each customer's correspondence in ascending id or by date: one call each.

        Several customers are one call where the settings allow reading the tenant whole and its rows say whose they
        are. By date, a customer's list is read whole, whatever its length.
        """
        places = own_places(customer_ids, request, positions)
        question = self._question(request)
        together = self._settings.list_whole and len(places) > 1
        grouped = await self._grouped(request, question) if together else None
        if request.order is None and grouped is None:
            return await self._first_pages(places, request, question)

        async def read(customer_id: str) -> Page[Correspondence]:
            listing, own = self._of_customer(customer_id, places, request, question)
            entries = (await listing.whole()).entries if grouped is None else grouped.get(customer_id, [])
            if own.order is None:
                return await page_out_of(Part(entries, complete=True), listing, own, from_start=True)
            return _by_date(entries, listing, own, own.order)

        return await per_key(places, read)

    async def _first_pages(
        self, places: Mapping[str, str | None], request: ListRequest, question: Question
    ) -> Mapping[str, Page[Correspondence] | AdapterError]:
        """Pages in ascending id; the first answer is mostly all of a customer's list."""
        lists: dict[str, tuple[Listing[Correspondence], ListRequest]] = {}

        def asked(customer_id: str) -> WireRequest:
            listing, own = lists[customer_id] = self._of_customer(customer_id, places, request, question)
            return listing.asked(start_of(listing, own))

        def found(customer_id: str, answer: Answer) -> _PageSoon:
            listing, own = lists.pop(customer_id)
            start = start_of(listing, own)
            part = listing.part_of(answer, start)
            page = page_at_hand(part, listing, own, from_start=start is None)
            return page_out_of(part, listing, own, from_start=start is None) if page is None else page

        return await ask_per_key(self._client, places, asked, found)

    def _of_customer(
        self, customer_id: str, places: Mapping[str, str | None], request: ListRequest, question: Question
    ) -> tuple[Listing[Correspondence], ListRequest]:
        """A customer's list, and what is asked of it."""
        if not NATIVE_ID.fullmatch(customer_id):
            raise NotFound("The vendor has no such customer.", backend=self._client.backend, operation=_LIST)
        position = places[customer_id]
        own = request if position is None else replace(request, position=position)
        return self._listing(own, question, customer_id), own

    async def pdf(self, native_id: str) -> FileStream:
        """The letter. Raises `FileNotAvailable` while the vendor has not made it."""
        if not NATIVE_ID.fullmatch(native_id):
            raise NotFound(
                "The vendor has no such correspondence.", backend=self._client.backend, operation="correspondence.pdf"
            )
        return await self._client.pdf(
            WireRequest(
                operation="correspondence.pdf",
                method="GET",
                path=("correspondence", native_id),
                ids=(native_id,),
                headers=(("Accept", "application/pdf"),),
            )
        )

    def _question(self, request: ListRequest) -> Question:
        if request.order is not None and request.order.field != "date":
            raise self._unsupported_order(request.order.field, request.order.field)
        return correspondence_question(request.filter, request.options, backend=self._client.backend)

    def _unsupported_order(self, field: str, by: str) -> UnsupportedByVendor:
        return UnsupportedByVendor(
            f"This vendor cannot order correspondence by {by}.",
            backend=self._client.backend,
            operation=_LIST,
            field=field,
        )

    async def _grouped(
        self, request: ListRequest, question: Question
    ) -> Mapping[str, list[Entry[Correspondence]]] | None:
        """The tenant's correspondence by customer, or None where its rows do not say whose they are."""
        groups: defaultdict[str | None, list[Entry[Correspondence]]] = defaultdict(list)
        for entry in (await self._listing(request, question).whole()).entries:
            groups[entry.record.customer_id].append(entry)
        return None if None in groups else {owner: group for owner, group in groups.items() if owner is not None}

    def _listing(
        self, request: ListRequest, question: Question, customer_id: str | None = None
    ) -> Listing[Correspondence]:
        scope = () if customer_id is None else ("customers", customer_id)
        path = (*scope, "correspondence")
        return Listing(
            ask=self._client.ask,
            read=partial(self._entries, customer_id),
            request=WireRequest(
                operation=_LIST,
                method="GET",
                path=path,
                ids=scope[1:],
                trailing_slash=True,
                wanted=request.wanted,
            ),
            question=question,
            options=request.options,
            page_cap=self._settings.page_cap,
            scan_budget=self._limits.scan_budget,
        )

    def _entries(self, customer_id: str | None, answer: Answer) -> list[Entry[Correspondence]]:
        rows = self._client.rows_of(answer, _ROWS)
        entries = correspondence_entries(*rows, backend=self._client.backend, customer_id=customer_id)
        if customer_id is not None and not {entry.record.customer_id for entry in entries} <= {customer_id}:
            raise self._client.malformed("The vendor answered with another customer's correspondence.", answer.request)
        return entries


def _get_request(wanted: frozenset[str], native_id: str) -> WireRequest:
    path = ("correspondence", native_id)
    return WireRequest(operation="correspondence.get", method="GET", path=path, ids=(native_id,), wanted=wanted)


def _by_date(
    entries: Sequence[Entry[Correspondence]], listing: Listing[Correspondence], request: ListRequest, order: Order
) -> Page[Correspondence]:
    sign = -1 if order.descending else 1

    def key(entry: Entry[Correspondence]) -> list[int]:
        day = entry.record.date
        return [1, 0, entry.id] if day is None else [0, sign * day.toordinal(), sign * entry.id]

    return sorted_page(entries, listing, request, key)
