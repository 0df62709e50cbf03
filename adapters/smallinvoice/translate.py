"""The vendor's clients and letters in our terms."""

import re
from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from adapters.model import Customer, DocumentState, Letter, PostalAddress, RawRecord, RecordStatus
from adapters.smallinvoice.rows import ClientRow, LetterRow
from adapters.translating import (
    Always,
    Column,
    Filled,
    FilledOne,
    FilledText,
    Looked,
    Made,
    Reference,
    Text,
    Translated,
    Translation,
)

__all__ = ["LETTERS", "NATIVE_ID", "STATES", "STATUSES", "to_customers", "to_letters"]

NATIVE_ID = re.compile(r"[1-9][0-9]{0,17}")

# objects/letter, "Status types": these two are all.
STATES: Mapping[int, DocumentState] = {1: DocumentState.SENT, 7: DocumentState.DRAFT}
STATUSES: Mapping[DocumentState, int] = {state: status for status, state in STATES.items()}


def _undocumented(_: int | None) -> DocumentState:
    return DocumentState.UNKNOWN


def _words(status: int | None) -> tuple[str, ...]:
    return () if status is None else (str(status),)


LETTERS = Translation(
    Letter,
    {
        "native_id": Text("id"),
        "customer_id": Reference("client_id"),
        "date": Column("date"),
        "title": Filled("title"),
        "state": Looked("status", STATES, _undocumented),
        "vendor_status": Looked("status", {status: _words(status) for status in STATES}, _words),
        "address_id": Reference("client_address_id"),
        "contact_id": Reference("client_contact_id"),
        "page_count": Column("pages"),
    },
)


def _address(row: ClientRow) -> PostalAddress | UnsetType | None:
    addresses = row.addresses or []
    main = next((address for address in addresses if address.id == row.main_address_id), row)
    street = " ".join(part for part in (_filled(main.street), _filled(main.streetno)) if part)
    lines = tuple(line for line in (street, _filled(main.street2)) if line)
    city, postal_code, country = _filled(main.city), _filled(main.code), _filled(main.country)
    if lines or city or postal_code or country:
        return PostalAddress(lines=lines, city=city, postal_code=postal_code, country=country)
    return UNSET if row.addresses is UNSET else None


def _filled(value: str | int | None) -> str | None:
    """Text, or None for the empty text that this vendor has in place of nothing."""
    if type(value) is str:
        return value.strip() or None
    return None if value is None or value == "" else str(value).strip() or None


_CUSTOMERS = Translation(
    Customer,
    {
        "native_id": Text("id"),
        "stable_id": Text("id"),
        "code": FilledText("number"),
        "name": Filled("name"),
        "status": Always(None, RecordStatus.UNKNOWN),
        "vendor_status": Always(None, ()),
        "emails": FilledOne("email"),
        "currency": Always(None, None),
        "outstanding_balance": Always(None, None),
    },
)
_WHOLE_CUSTOMERS = Translation(Customer, {**_CUSTOMERS.readings, "address": Made(None, _address)})

_EVERYTHING = frozenset(("address",))


def to_customers(
    rows: Sequence[ClientRow],
    raws: Sequence[RawRecord] | None = None,
    *,
    backend: str,
    wanted: frozenset[str] = _EVERYTHING,
) -> Translated[Customer]:
    """Clients as customers, likewise. The vendor's clients have neither a status nor a balance nor a currency.

    The address, which takes longer than all else, is looked for only where it is wanted.
    """
    return Translated(_WHOLE_CUSTOMERS if "address" in wanted else _CUSTOMERS, rows, raws, backend)


def to_letters(
    rows: Sequence[LetterRow],
    raws: Sequence[RawRecord] | None = None,
    *,
    backend: str,
    wanted: frozenset[str] = _EVERYTHING,  # noqa: ARG001 - as of `to_customers`
) -> Translated[Letter]:
    """Letters, each made when somebody looks at it: lists of them are long."""
    return Translated(LETTERS, rows, raws, backend)
