"""The contract's templates, over the vendor's customer-email-template and email-template objects."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from adapters.contract import Limits, ListRequest, Results
from adapters.errors import AdapterError, InvalidInput, ScanLimit
from adapters.filters import Compare, Filter, Op, conjunction
from adapters.model import CustomerEmailTemplate, EmailTemplate, Page
from adapters.paging import Rows, decode_offset, own_places, read_by_offset
from adapters.sage_intacct.client import Client, Ordering
from adapters.sage_intacct.objects import EMAIL_TEMPLATES, TEMPLATES
from adapters.sage_intacct.query import Conditions
from adapters.sage_intacct.reading import Reader, batches_of, in_batches, is_key

__all__ = ["TemplateReads"]

_BEFORE_THE_FIRST = "[0,null]"
"""The position of `read_by_offset` before any record."""
_NONE: Page[CustomerEmailTemplate] = Page(records=(), positions=(), end=None, total=0)


class TemplateReads:
    """Reads customers' e-mail templates, and the templates themselves."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self._limits = limits
        self._reader = Reader(client, TEMPLATES, limits)
        self._texts = Reader(client, EMAIL_TEMPLATES, limits)

    async def page(self, request: ListRequest) -> Page[CustomerEmailTemplate]:
        """A part of the list of all."""
        return await self._reader.page(request)

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[CustomerEmailTemplate]:
        """Customers' templates by key."""
        return await self._reader.by_key(keys, wanted)

    async def email_templates(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[EmailTemplate]:
        """E-mail templates by key: in one query, or with a GET each where their text is wanted."""
        return await self._texts.by_key(keys, wanted)

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[CustomerEmailTemplate] | AdapterError]:
        """Each customer's list, out of one query over all of them (as many as it takes, should they have thousands).

        Of a customer whose list goes on the query reads what goes before once more, since it has but one offset for
        all. Where that would be more than a query's rows, or the scan budget, the customer has a query of its own.
        """
        self._reader.where(request.filter)
        order = self._reader.ordering(request)
        places = own_places(customer_ids, request, positions)
        begun, refused = _begun({key: place for key, place in places.items() if is_key(key)})

        async def read(batch: Sequence[str]) -> Mapping[str, Page[CustomerEmailTemplate]]:
            where = self._reader.where(_of(batch, request.filter))
            if where is None:
                return {}
            if len(batch) == 1:
                alone = replace(request, position=places[batch[0]])
                return {batch[0]: await self._of_one(batch[0], alone, where, order)}
            return await self._of_batch({key: begun[key] for key in batch}, places, request, where, order)

        most = min(self._limits.page_size, self._limits.scan_budget)
        shortest_first = sorted(begun, key=lambda key: begun[key])
        found = await in_batches(batches_of(shortest_first, most, lambda key: begun[key] + 1), read)
        return {key: refused.get(key) or found.get(key, _NONE) for key in places}

    async def _of_one(
        self, customer_id: str, request: ListRequest, where: Conditions, order: Ordering
    ) -> Page[CustomerEmailTemplate]:
        page = await self._reader.page_of_rows(request, where, order)
        if any(record.customer_id != customer_id for record in page.records):
            raise self._reader.malformed()
        return page

    async def _of_batch(
        self,
        begun: Mapping[str, int],
        places: Mapping[str, str | None],
        request: ListRequest,
        where: Conditions,
        order: Ordering,
    ) -> Mapping[str, Page[CustomerEmailTemplate]]:
        """Reads customer after customer; what the scan budget leaves unfinished goes on from its last position."""
        grouped: dict[str, list[CustomerEmailTemplate]] = {key: [] for key in begun}
        order = (("customer.key", "asc"), *order)
        size = min(self._limits.page_size, sum(begun.values()) + len(begun) * (request.first + 1))
        read, more, last = 0, True, None
        while more and read < self._limits.scan_budget:
            rows = await self._reader.rows(request, where, order, read, size)
            for record in rows.records:
                if record.customer_id not in grouped:
                    raise self._reader.malformed()
                last = record.customer_id
                grouped[last].append(record)
            read += len(rows.records)
            more = len(rows.records) == size if rows.total is None else bool(rows.records) and read < rows.total
        finished = {key for key, records in grouped.items() if not more or (records and key != last)}
        pages = await asyncio.gather(
            *(_part(records, request, places[key], whole=key in finished) for key, records in grouped.items())
        )
        return dict(zip(grouped, pages, strict=True))


def _begun(places: Mapping[str, str | None]) -> tuple[dict[str, int], dict[str, AdapterError]]:
    """How many of its records each customer's place is after, and the refusals of those that are none."""
    begun: dict[str, int] = {}
    refused: dict[str, AdapterError] = {}
    for key, place in places.items():
        try:
            begun[key] = decode_offset(place)[0]
        except InvalidInput as error:
            refused[key] = error
    return begun, refused


def _of(customer_ids: Sequence[str], tree: Filter | None) -> Filter | None:
    among = Compare("customer_id", Op.IN, tuple(customer_ids))
    return among if tree is None else conjunction((among, tree))


async def _part(
    records: Sequence[CustomerEmailTemplate], request: ListRequest, place: str | None, *, whole: bool
) -> Page[CustomerEmailTemplate]:
    """A part of one customer's records, from its place on, with the positions that its own list has."""

    async def fetch(start: int, size: int) -> Rows:
        return Rows(records[start : start + size], len(records) if whole else None)

    page: Page[CustomerEmailTemplate] = await read_by_offset(
        fetch,
        first=request.first,
        position=place,
        key_of=lambda record: record.native_id,
        matches=None,
        max_size=request.first,
        scan_budget=request.first,
        numbered=False,
    )
    if whole or page.end is not None:
        return page
    end = page.positions[-1] if page.positions else place or _BEFORE_THE_FIRST
    return replace(page, end=end, problem=ScanLimit("The scan budget ended before this customer's list did."))
