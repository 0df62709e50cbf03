"""The parts of fake adapters: lists in memory that page as vendors do."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET

from adapters.contract import ListRequest
from adapters.errors import AdapterError, Conflict, InvalidInput, ScanLimit
from adapters.filters import evaluate
from adapters.model import CustomerEmailTemplate, Page
from adapters.own_rows import OwnRows
from adapters.paging import Rows, own_places, read_by_offset
from adapters.translating import Column, Translated, Translation
from gateway.record_types import NAMES
from tests.gateway.behaviour import Behaviour, Call

T = TypeVar("T")
Paging = Literal["number", "offset", "keyset"]


class Shelf(Generic[T]):
    """One part of an adapter: records in the vendor's order, paged in one of three ways.

    ``carried`` are the attributes that the rows of a list bring; others come only by key, when wanted. What is paged by
    offset comes as rows that are still to be translated, all else as records.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        part: str,
        records: Sequence[T],
        *,
        paging: Paging = "offset",
        page_size: int = 100,
        scan_budget: int = 10_000,
        carried: frozenset[str] = frozenset(),
        tells_total: bool = True,
    ) -> None:
        self._behaviour = behaviour
        self._part = part
        self.records = list(records)
        self._paging = paging
        self._page_size = page_size
        self._scan_budget = scan_budget
        self._carried = carried
        self._tells_total = tells_total

    async def page(self, request: ListRequest) -> Page[T]:
        """A part of the list."""
        await self._behaviour.called(Call(f"{self._part}.page", wanted=request.wanted, request=request))
        return await self._read(self.records, request)

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[T] | AdapterError]:
        """A part of each customer's list."""
        places = own_places(customer_ids, request, positions)
        verb = f"{self._part}.of_customers"
        await self._behaviour.called(Call(verb, tuple(customer_ids), request.wanted, request, positions))
        answers: dict[str, Page[T] | AdapterError] = {}
        for customer_id, place in places.items():
            failed = self._behaviour.of_key.get((verb, customer_id))
            mine = [record for record in self.records if getattr(record, "customer_id", None) == customer_id]
            answers[customer_id] = failed or await self._own(mine, msgspec.structs.replace(request, position=place))
        return _still_rows(answers) or answers

    async def _own(self, records: Sequence[T], request: ListRequest) -> Page[T] | AdapterError:
        try:
            return await self._read(records, request)
        except InvalidInput as error:
            return error

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> dict[str, T | AdapterError | None]:
        """Records by native id."""
        return await self._find("by_key", keys, wanted, "native_id")

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> dict[str, T | AdapterError | None]:
        """Records by code."""
        return await self._find("by_code", codes, wanted, "code")

    def value_of(self, record: T, name: str) -> Any:
        """What the vendor compares and orders by, under the contract's name for it."""
        return getattr(record, name)

    async def _find(
        self, verb: str, keys: Sequence[str], wanted: frozenset[str], attribute: str
    ) -> dict[str, T | AdapterError | None]:
        await self._behaviour.called(Call(f"{self._part}.{verb}", tuple(keys), wanted))
        found: dict[str, T | AdapterError | None] = {}
        for key in keys:
            matching = [record for record in self.records if getattr(record, attribute) == key]
            failed: AdapterError | None = self._behaviour.of_key.get((f"{self._part}.{verb}", key))
            if failed is None and len(matching) > 1:
                failed = Conflict("This code is not unique.")
            found[key] = failed or (stripped(matching[0], wanted) if matching else None)
        return found

    async def _read(self, records: Sequence[T], request: ListRequest) -> Page[T]:
        rows = list(records)
        if request.order is not None:
            order = request.order
            rows = in_order(rows, lambda row: self.value_of(row, order.field), descending=order.descending)
        rows = [stripped(row, self._carried) for row in rows]

        def matches(record: T) -> bool:
            if request.filter is None:
                return True
            return evaluate(request.filter, lambda name: self.value_of(record, name), request.options) is True

        if self._paging == "keyset":
            return self._after_key(rows, request, matches)
        numbered = self._paging == "number"
        total = len(rows) if self._tells_total else None

        async def fetch(start: int, size: int) -> Rows:
            begin = (start - 1) * size if numbered else start
            part = rows[begin : begin + size]
            return Rows(part if numbered or not part else _as_rows(part), total)

        page: Page[T] = await read_by_offset(
            fetch,
            first=request.first,
            position=request.position,
            key_of=lambda record: record.native_id,  # type: ignore[attr-defined]
            matches=None if request.filter is None else matches,
            max_size=self._page_size,
            scan_budget=self._scan_budget,
            numbered=numbered,
        )
        return page

    def _after_key(self, rows: list[T], request: ListRequest, matches: Callable[[T], bool]) -> Page[T]:
        keys = [f"after {row.native_id}" for row in rows]  # type: ignore[attr-defined]
        if request.position is not None and request.position not in keys:
            raise InvalidInput("This cursor was not made by this list.", field="after")
        begin = 0 if request.position is None else keys.index(request.position) + 1
        taken: list[int] = []
        at = begin
        while at < len(rows) and len(taken) < request.first and at - begin < self._scan_budget:
            if matches(rows[at]):
                taken.append(at)
            at += 1
        cut_short = at < len(rows) and len(taken) < request.first
        return Page(
            records=tuple(rows[index] for index in taken),
            positions=tuple(keys[index] for index in taken),
            end=keys[at - 1] if at < len(rows) else None,
            total=sum(map(matches, rows)) if self._tells_total and request.count else None,
            problem=ScanLimit(f"Stopped after reading {at - begin} rows.") if cut_short else None,
        )


def _as_rows(records: Sequence[Any]) -> Translated[Any]:
    """The records as rows with columns of the same names."""
    first = records[0]
    return Translated(_TRANSLATIONS[type(first)], records, [record.raw for record in records], first.backend)


def _columns(kind: Any) -> dict[str, Column]:
    return {name: Column(name) for name in kind.__struct_fields__ if name not in ("backend", "raw")}


_TRANSLATIONS: Mapping[type, Translation[Any]] = {kind: Translation(kind, _columns(kind)) for kind in NAMES}


def _still_rows(answers: Mapping[str, Any]) -> OwnRows[Any] | None:
    """Customers' pages as rows, where none has a problem and there are any."""
    pages = {one: page for one, page in answers.items() if isinstance(page, Page) and page.problem is None}
    rows = {one: page.records.rows for one, page in pages.items() if isinstance(page.records, Translated)}
    if not rows or len(pages) < len(answers) or any(page.records for one, page in pages.items() if one not in rows):
        return None
    some = next(page.records for page in pages.values() if isinstance(page.records, Translated))
    return OwnRows(some.translation, dict.fromkeys(pages, ()) | rows, some.backend, pages.__getitem__)


class TemplateShelf(Shelf[CustomerEmailTemplate]):
    """Customers' e-mail templates, and the templates themselves."""

    def __init__(self, behaviour: Behaviour, records: Sequence[CustomerEmailTemplate], **options: Any) -> None:
        super().__init__(behaviour, "templates", records, **options)
        self._behaviour = behaviour

    def value_of(self, record: CustomerEmailTemplate, name: str) -> Any:
        """What the vendor compares and orders by."""
        text, definition = record.email_template, record.transaction_definition
        values = {
            "customer_code": f"C-{record.customer_id}",
            "customer_name": f"Company {record.customer_id}",
            "template_name": text and text.name,
            "template_type": text and text.template_type,
            "transaction_definition": definition and definition.name,
        }
        return values[name] if name in values else getattr(record, name)

    async def email_templates(self, keys: Sequence[str], wanted: frozenset[str]) -> dict[str, Any]:
        """The templates themselves."""
        await self._behaviour.called(Call("templates.email_templates", tuple(keys), wanted))
        known = {r.email_template.native_id: r.email_template for r in self.records if r.email_template is not None}
        return {key: self._behaviour.of_key.get(("templates.email_templates", key)) or known.get(key) for key in keys}


def stripped(record: T, carried: frozenset[str]) -> T:
    """The record without those of its attributes that cost a call and are not carried."""
    struct: Any = record
    kind: Any = type(struct)
    lost = dict.fromkeys(costly(kind) - carried, UNSET)
    whole: T = msgspec.structs.replace(struct, **lost)
    return whole


@functools.cache
def costly(kind: Any) -> frozenset[str]:
    """The attributes of records of this type that may cost a call."""
    return frozenset(one.name for one in msgspec.structs.fields(kind) if one.default is UNSET)


def in_order(rows: Sequence[T], value_of: Callable[[T], Any], *, descending: bool) -> list[T]:
    """Rows by a value, nulls last, equals as they were."""
    known = sorted((row for row in rows if value_of(row) is not None), key=value_of)
    if descending:
        known = sorted(known, key=value_of, reverse=True)
    return known + [row for row in rows if value_of(row) is None]
