"""The vendor's records as ours. Pure: no I/O, no clock, no logger."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from adapters.errors import UnsupportedByVendor
from adapters.model import Correspondence, Customer, DocumentState, RawRecord, RecordStatus

__all__ = [
    "CorrespondenceRow",
    "CustomerRow",
    "Entry",
    "correspondence_entries",
    "correspondence_entry",
    "customer_entries",
    "customer_entry",
]

T = TypeVar("T")
S = TypeVar("S")
Text = str | int | None
Names = tuple[str, ...] | str | None

# "id" is of type Text, and "idAfter" of type integer (wholesaleBillingPeriods): whole numbers, in quotes or not.
RowId = Annotated[int, Meta(gt=0)]


class CustomerRow(Struct, frozen=True, kw_only=True, gc=False):
    """A customer as it came. All but ``id``, ``accountNumber`` and ``CRMReference`` are names that we assume."""

    id: RowId
    code: Text = field(default=None, name="accountNumber")
    reference: Text = field(default=None, name="CRMReference")
    name: str | None = None
    email: Names = None
    status: Names | UnsetType = UNSET


class CorrespondenceRow(Struct, frozen=True, kw_only=True, gc=False):
    """Correspondence as it came. ``customerID`` is not in the page's field table, but its sibling pages have it."""

    id: RowId
    customer_id: Text = field(default=None, name="customerID")
    number: Text = field(default=None, name="correspondenceNumber")
    dated: str | None = field(default=None, name="correspondenceDate")
    type: str | None = field(default=None, name="correspondenceType")
    status: Names = None

    def __post_init__(self) -> None:
        if self.dated:
            _date(self.dated[:10])  # what is no date makes the answer malformed, not a document undated


class Entry(Struct, Generic[T], frozen=True, gc=False):
    """A record in its place in a list: its number, and the values that filters know beside its attributes."""

    id: int
    record: T
    beside: Mapping[str, Any] = {}

    def value(self, name: str) -> Any:
        """What a filter finds under ``name``. Raises `UnsupportedByVendor` where the vendor's record hides it."""
        value = self.beside[name] if name in self.beside else getattr(self.record, name)
        if value is UNSET:
            raise UnsupportedByVendor(f"This tenant's records do not show their {name}.", field=name)
        return value


# "Customers" of the manual: active, suspended, final bill, dropped, non-billable; a dropped one can be reinstated. The
# list's flag active=true is there "to exclude a dropped one", so that all others are in use.
_STATUSES = {
    "active": RecordStatus.ACTIVE,
    "suspended": RecordStatus.ACTIVE,
    "final bill": RecordStatus.ACTIVE,
    "non-billable": RecordStatus.ACTIVE,
    "dropped": RecordStatus.INACTIVE,
}
_DROPPED_FIRST = (RecordStatus.INACTIVE, RecordStatus.ACTIVE)

# Of these names only "Emailed" is on the vendor's pages; the rest are how they speak of invoices. No name at all says
# nothing of how far the document has come.
_STATES = {
    "delivered": DocumentState.DELIVERED,
    "emailed": DocumentState.SENT,
    "downloaded": DocumentState.SENT,
    "printed": DocumentState.SENT,
    "ready": DocumentState.READY,
}
_LONGEST_KEPT = 100
"""Characters of a text whose names are remembered."""

_FURTHEST_FIRST = (DocumentState.DELIVERED, DocumentState.SENT, DocumentState.READY)


def customer_entry(
    row: CustomerRow, raw: RawRecord | UnsetType, *, backend: str, asked_for: RecordStatus | None = None
) -> Entry[Customer]:
    """A customer. ``asked_for`` is the status that the list was restricted to, for rows that do not show theirs."""
    shown, names = _customer_status(None if row.status is UNSET else row.status)
    status = shown or asked_for or RecordStatus.UNKNOWN
    record = Customer(
        backend=backend,
        native_id=str(row.id),
        stable_id=str(row.id),
        code=_text(row.code),
        name=row.name,
        status=status,
        vendor_status=names,
        emails=None if row.email is None else _names(row.email),
        address=None,
        currency=None,
        outstanding_balance=None,
        raw=raw,
    )
    hidden = row.status is UNSET and asked_for is None
    return Entry(row.id, record, {"external_reference": _text(row.reference), "status": UNSET if hidden else status})


def customer_entries(
    rows: Iterable[CustomerRow],
    raws: Iterable[RawRecord | UnsetType],
    *,
    backend: str,
    asked_for: RecordStatus | None = None,
) -> list[Entry[Customer]]:
    """Customers, each with its raw record."""
    each = zip(rows, raws, strict=False)
    return [customer_entry(row, raw, backend=backend, asked_for=asked_for) for row, raw in each]


def correspondence_entry(
    row: CorrespondenceRow, raw: RawRecord | UnsetType, *, backend: str, customer_id: str | None = None
) -> Entry[Correspondence]:
    """One of `correspondence_entries`."""
    (entry,) = correspondence_entries((row,), (raw,), backend=backend, customer_id=customer_id)
    return entry


def correspondence_entries(
    rows: Iterable[CorrespondenceRow],
    raws: Iterable[RawRecord | UnsetType],
    *,
    backend: str,
    customer_id: str | None = None,
) -> list[Entry[Correspondence]]:
    """Correspondence, each with its raw record. ``customer_id`` is whose list it was found in, for rows without one.

    The type is all the title that the vendor has. It is one expression for all of a row: lists are read of many
    customers at once, and each call for each row would be felt.
    """
    return [
        Entry(
            row.id,
            Correspondence(
                backend=backend,
                native_id=str(row.id),
                customer_id=customer_id if row.customer_id is None else _text(row.customer_id) or customer_id,
                date=_date(dated[:10]) if (dated := row.dated) else None,
                title=row.type,
                state=(status := _status(row.status))[0],
                vendor_status=status[1],
                number=number if isinstance(number := row.number, str) and number else _text(number),
                type=row.type,
                raw=raw,
            ),
        )
        for row, raw in zip(rows, raws, strict=False)
    ]


_Status = tuple[DocumentState, tuple[str, ...]]
_CustomerStatus = tuple[RecordStatus | None, tuple[str, ...]]


def _remembering(made_of: Callable[[Names], S]) -> Callable[[Names], S]:
    """The same, found once for all names that are short: a tenant's records are in few states."""
    remembered = lru_cache(maxsize=256)(made_of)

    def found(value: Names) -> S:
        length = 0 if value is None else len(value) if isinstance(value, str) else sum(map(len, value))
        return remembered(value) if length <= _LONGEST_KEPT else made_of(value)

    return found


@_remembering
def _status(value: Names) -> _Status:
    """How far a document has come, and the names that say so."""
    names = _names(value)
    states = {_STATES.get(name.lower()) for name in names}
    return next((state for state in _FURTHEST_FIRST if state in states), DocumentState.UNKNOWN), names


@_remembering
def _customer_status(value: Names) -> _CustomerStatus:
    """Whether a customer is in use, where that shows, and the names that say so."""
    names = _names(value)
    shown = {_STATUSES.get(name.lower()) for name in names}
    return next((status for status in _DROPPED_FIRST if status in shown), None), names


def _names(value: Names) -> tuple[str, ...]:
    """Names that the vendor gives as an array, or in one text with commas between them."""
    if isinstance(value, str):
        return _split(value) if len(value) <= _LONGEST_KEPT else tuple(_stripped(value.split(",")))
    return tuple(_stripped(value or ()))


@lru_cache(maxsize=256)  # as above
def _split(text: str) -> tuple[str, ...]:
    return tuple(_stripped(text.split(",")))


def _stripped(names: Iterable[str]) -> list[str]:
    return [name for name in map(str.strip, names) if name]


def _text(value: Text) -> str | None:
    return None if value is None or value == "" else str(value)


def _day(value: str | None) -> date | None:
    """The day of a date or of a date-time; the vendor's pages show neither written out."""
    return _date(value[:10]) if value else None


_date = lru_cache(maxsize=1024)(date.fromisoformat)  # each is looked at twice, and most rows' are others' too
