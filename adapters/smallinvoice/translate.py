"""The vendor's clients and letters in our terms."""

import datetime
import re
from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from adapters.model import Customer, DocumentState, Letter, PostalAddress, RawRecord, RecordStatus
from adapters.smallinvoice.rows import ClientRow, LetterRow

__all__ = ["NATIVE_ID", "STATES", "STATUSES", "to_customer", "to_letter"]

NATIVE_ID = re.compile(r"[1-9][0-9]{0,17}")

# objects/letter, "Status types": these two are all.
STATES: Mapping[int, DocumentState] = {1: DocumentState.SENT, 7: DocumentState.DRAFT}
STATUSES: Mapping[DocumentState, int] = {state: status for status, state in STATES.items()}


def to_customer(row: ClientRow, *, backend: str, raw: RawRecord | UnsetType = UNSET) -> Customer:
    """A client as a customer. The vendor's clients have neither a status nor a balance nor a currency."""
    native_id = str(row.id)
    return Customer(
        backend=backend,
        native_id=native_id,
        stable_id=native_id,
        code=_filled(row.number),
        name=_filled(row.name),
        status=RecordStatus.UNKNOWN,
        emails=_emails(row.email),
        address=_address(row),
        currency=None,
        outstanding_balance=None,
        raw=raw,
    )


def to_letter(row: LetterRow, *, backend: str, raw: RawRecord | UnsetType = UNSET) -> Letter:
    """A letter."""
    return Letter(
        backend=backend,
        native_id=str(row.id),
        customer_id=_other_id(row.client_id),
        date=None if row.date is None else datetime.date.fromisoformat(row.date),
        title=_filled(row.title),
        state=DocumentState.UNKNOWN if row.status is None else STATES.get(row.status, DocumentState.UNKNOWN),
        vendor_status=() if row.status is None else (str(row.status),),
        address_id=_other_id(row.client_address_id),
        contact_id=_other_id(row.client_contact_id),
        page_count=row.pages,
        raw=raw,
    )


def _emails(email: str | UnsetType | None) -> tuple[str, ...] | UnsetType:
    if email is UNSET:
        return UNSET
    filled = _filled(email)
    return () if filled is None else (filled,)


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
    return None if value is None or value == "" else str(value).strip() or None


def _other_id(number: int) -> str | None:
    return str(number) if number > 0 else None
