"""The contract's verbs for this vendor: customers and letters to read, letters to write and send."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter

from adapters.answers import decode_json
from adapters.contract import (
    Adapter,
    Connection,
    Evidence,
    EvidenceRequest,
    ListRequest,
    Outcome,
    OutcomeState,
    PreparedCall,
    Results,
    SendAction,
    Verdict,
)
from adapters.errors import AdapterError, Conflict, NotFound, ScanLimit, UnsupportedByVendor
from adapters.model import Customer, Letter, Page
from adapters.paging import Rows, own_places, read_by_offset
from adapters.smallinvoice import listing
from adapters.smallinvoice.by_customer import letters_by_customer
from adapters.smallinvoice.client import CLIENTS, LETTERS, Client, Sort
from adapters.smallinvoice.letter_calls import ADD, LetterCalls
from adapters.smallinvoice.records import Records, lacks
from adapters.smallinvoice.refusals import OUTCOMES
from adapters.smallinvoice.rows import ClientRow, Created, LetterRow
from adapters.smallinvoice.translate import NATIVE_ID, to_customers, to_letters
from adapters.wire import FileStream, WireRequest

__all__ = ["connect"]

_CUSTOMERS = "client.list"
_LETTERS = "letter.list"
_NEWEST_FIRST = Sort("date", descending=True)
_native_id = attrgetter("native_id")
_NO_LETTERS: Page[Letter] = Page(records=(), positions=(), end=None, total=0)


def connect(connection: Connection) -> Adapter:
    """The adapter over one backend."""
    client = Client(connection)
    calls = LetterCalls(connection.key)
    actions = _Actions(client)
    return Adapter(
        customers=_Customers(client, connection),
        letters=_Letters(client, connection),
        write_letters=calls,
        delete_letter=calls.delete,
        set_document_status=calls.set_status,
        email_document=calls.email,
        post_document=calls.post,
        pdf=actions.pdf,
        preview=actions.preview,
        perform=actions.perform,
        evidence=actions.evidence,
        check=actions.check,
    )


class _Customers:
    def __init__(self, client: Client, connection: Connection) -> None:
        self._backend = connection.key
        self._limits = connection.limits
        self._records: Records[ClientRow, Customer] = Records(client, CLIENTS, to_customers, connection.limits)

    async def page(self, request: ListRequest) -> Page[Customer]:
        sort = listing.sort_of(request, listing.CUSTOMER_ORDERS, backend=self._backend, operation=_CUSTOMERS)
        return await read_by_offset(
            lambda number, size: self._records.part(number, size, sort, request.wanted),
            first=request.first,
            position=request.position,
            key_of=_native_id,
            matches=listing.matching(request, listing.CUSTOMER_FILTERS, backend=self._backend, operation=_CUSTOMERS),
            max_size=self._limits.page_size,
            scan_budget=self._limits.scan_budget,
            numbered=True,
        )

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        return await self._records.by_key(keys, wanted)

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Reads the whole list, up to the scan budget: the vendor has no way to ask for a client number."""
        size = self._limits.page_size
        found: dict[str, list[Customer]] = {code: [] for code in codes}
        number, rest = 0, bool(codes)
        while rest and number * size < self._limits.scan_budget:
            number += 1
            rows = await self._records.part(number, size, None, wanted)
            for customer in rows.records:
                if customer.code in found:
                    found[customer.code].append(customer)
            rest = number * size < (rows.total or 0)
        results = {code: self._only(code, matches, complete=not rest) for code, matches in found.items()}
        keys = {
            one.native_id: code for code, one in results.items() if isinstance(one, Customer) and lacks(one, wanted)
        }
        whole = await self._records.by_key(list(keys), wanted)
        return results | {keys[key]: one for key, one in whole.items()}

    def _only(self, code: str, matches: Sequence[Customer], *, complete: bool) -> Customer | AdapterError | None:
        if len(matches) > 1:
            message = f"{len(matches)} customers have the code {code}."
            return Conflict(message, backend=self._backend, operation=_CUSTOMERS)
        if not matches and not complete:
            message = "The customer is not among those that the scan budget allows to read."
            return ScanLimit(message, backend=self._backend, operation=_CUSTOMERS)
        return matches[0] if matches else None


class _Letters:
    def __init__(self, client: Client, connection: Connection) -> None:
        self._backend = connection.key
        self._limits = connection.limits
        self._records: Records[LetterRow, Letter] = Records(client, LETTERS, to_letters, connection.limits)

    async def page(self, request: ListRequest) -> Page[Letter]:
        sort, matches = self._read(request)
        return await read_by_offset(
            self._fetch(request, sort),
            first=request.first,
            position=request.position,
            key_of=_native_id,
            matches=matches,
            max_size=self._limits.page_size,
            scan_budget=self._limits.scan_budget,
            numbered=True,
        )

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Letter]:
        return await self._records.by_key(keys, wanted)

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[Letter] | AdapterError]:
        sort, matches = self._read(request)
        places = own_places(customer_ids, request, positions)
        possible = places
        if not all(map(NATIVE_ID.fullmatch, places)):
            possible = {customer_id: place for customer_id, place in places.items() if NATIVE_ID.fullmatch(customer_id)}
        pages = await letters_by_customer(
            self._fetch(request, sort),
            possible,
            request,
            matches,
            backend=self._backend,
            page_size=self._limits.page_size,
            scan_budget=self._limits.scan_budget,
        )
        return pages if len(pages) == len(places) else {key: pages.get(key, _NO_LETTERS) for key in places}

    def _read(self, request: ListRequest) -> tuple[Sort, Callable[[Letter], bool] | None]:
        """The order and what is filtered here. Raises `UnsupportedByVendor`."""
        sort = listing.sort_of(request, listing.LETTER_ORDERS, backend=self._backend, operation=_LETTERS)
        matches = listing.matching(request, listing.LETTER_FILTERS, backend=self._backend, operation=_LETTERS)
        return sort or _NEWEST_FIRST, matches

    def _fetch(self, request: ListRequest, sort: Sort) -> Callable[[int, int], Awaitable[Rows]]:
        """Reads pages of the list, which ends where no letter can pass the filter's dates any more."""

        async def fetch(number: int, size: int) -> Rows:
            rows = await self._records.part(number, size, sort, request.wanted)
            end = listing.at_end(rows.records, request, sort)
            return rows if end is None else Rows(rows.records[:end], (number - 1) * size + end)

        return fetch


class _Actions:
    """What is not about a list: files, sending, evidence and the check."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def pdf(self, native_id: str) -> FileStream:
        return await self._file("pdf", native_id, (), b"%PDF")

    async def preview(self, native_id: str, page: int, width: int) -> FileStream:
        return await self._file("preview", native_id, ("page", str(page), "size", str(width)), b"\x89PNG")

    async def _file(self, action: str, native_id: str, options: tuple[str, ...], magic: bytes) -> FileStream:
        operation = f"letter.{action}"
        if NATIVE_ID.fullmatch(native_id) is None:
            message = "No letter can have this id."
            raise NotFound(message, backend=self._client.backend, operation=operation, never_sent=True)
        path = ("letter", action, "id", native_id, *options)
        request = WireRequest(operation=operation, method="GET", path=path, ids=(native_id,))
        return await self._client.file(request, magic)

    async def perform(self, call: PreparedCall) -> tuple[Outcome, ...]:
        try:
            answer = await self._client.send(call.request)
            (native_id,) = call.targets
            if call.request.operation == ADD:
                native_id = str(decode_json(answer, Created, backend=self._client.backend).id)
        except AdapterError as error:
            return (OUTCOMES.of(error),)
        return (Outcome(state=OutcomeState.DONE, native_id=native_id),)

    async def evidence(self, request: EvidenceRequest) -> Evidence:
        """Never decides: a status says neither when nor which way a letter went, nor that it was ever another."""
        if request.action not in (SendAction.EMAIL, SendAction.POST):
            message = "This vendor neither delivers letters nor sends statements."
            raise UnsupportedByVendor(message, backend=self._client.backend, operation="evidence", never_sent=True)
        found = None
        if NATIVE_ID.fullmatch(request.native_id):
            found = await self._client.get(LETTERS, request.native_id)
        if found is None:
            return Evidence(verdict=Verdict.UNDECIDED, text="The vendor shows no letter under this id.")
        (letter,) = to_letters(found[:1], backend=self._client.backend)
        status = ", ".join(letter.vendor_status) or "missing"
        text = (
            f"The letter's status is {status} ({letter.state}). The vendor records neither when a letter was sent nor"
            " whether by e-mail or post, so this proves nothing: look at the letter and the mailbox there."
        )
        return Evidence(verdict=Verdict.UNDECIDED, text=text)

    async def check(self) -> tuple[str, ...]:
        clients, letters = await asyncio.gather(
            self._client.page(CLIENTS, 1, 1, None), self._client.page(LETTERS, 1, 1, _NEWEST_FIRST)
        )
        return (f"The token is accepted: {clients.count} customers, {letters.count} letters.",)
