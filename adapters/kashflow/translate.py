"""The vendor's customers in our terms."""

import re

from msgspec import UNSET, UnsetType

from adapters.kashflow.codes import unpadded
from adapters.kashflow.rows import Address, CustomerRow
from adapters.model import Customer, PostalAddress, RawRecord, RecordStatus

__all__ = ["addresses_in", "emails_of", "to_customer"]

_STATUS = {True: RecordStatus.INACTIVE, False: RecordStatus.ACTIVE, None: RecordStatus.UNKNOWN}
"""By whether the customer is archived."""

_BETWEEN_ADDRESSES = re.compile(r"[;,]")


def to_customer(row: CustomerRow, *, backend: str, whole: bool = False, raw: RawRecord | UnsetType = UNSET) -> Customer:
    """A customer; of the ``whole`` record nothing stays UNSET but ``raw``."""
    return Customer(
        backend=backend,
        native_id=unpadded(row.code),
        stable_id=str(row.id),
        code=unpadded(row.code),
        name=row.name,
        status=_STATUS[row.is_archived],
        emails=emails_of(row) if whole or row.email or isinstance(row.contacts, tuple) else UNSET,
        address=_address(row.addresses, whole=whole),
        currency=_currency(row, whole=whole),
        outstanding_balance=None if whole and row.outstanding_balance is UNSET else row.outstanding_balance,
        raw=raw,
    )


def emails_of(row: CustomerRow) -> tuple[str, ...]:
    """A customer's e-mail addresses, the primary contact's first."""
    contacts = row.contacts if isinstance(row.contacts, tuple) else ()
    held = [contact.email for contact in sorted(contacts, key=lambda contact: not contact.is_primary)]
    return tuple(dict.fromkeys(address for text in (*held, row.email) for address in addresses_in(text)))


def addresses_in(text: str | None) -> tuple[str, ...]:
    """The e-mail addresses in one of the vendor's members, which may hold several."""
    return tuple(part.strip() for part in _BETWEEN_ADDRESSES.split(text or "") if part.strip())


def _address(addresses: tuple[Address, ...] | UnsetType | None, *, whole: bool) -> PostalAddress | UnsetType | None:
    if not isinstance(addresses, tuple):
        return None if whole else UNSET
    for first in addresses[:1]:
        lines = (first.line1, first.line2, first.line3, first.line4)
        address = PostalAddress(
            lines=tuple(line.strip() for line in lines if line and line.strip()),
            postal_code=_filled(first.post_code),
            country=_filled(first.country_code),
        )
        return address if address != PostalAddress() else None
    return None


def _currency(row: CustomerRow, *, whole: bool) -> str | UnsetType | None:
    """The rows of the vendor's lists can hold null for a currency that the whole record has."""
    if row.currency is UNSET or row.currency is None:
        return None if whole else UNSET
    return _filled(row.currency.code)


def _filled(text: str | None) -> str | None:
    return (text.strip() or None) if text is not None else None
