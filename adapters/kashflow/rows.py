"""The vendor's records as its pages describe them. What the pages do not promise is optional; the rest is ignored.

UNSET stands where the answer has no such member at all, as in the rows of a list.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "Address",
    "Contact",
    "Currency",
    "CustomerPage",
    "CustomerRow",
    "LogPage",
    "LogRow",
    "MemorableLetter",
    "MetaData",
    "NoteRow",
    "Refusal",
    "SessionAnswer",
    "SignInAnswer",
    "StatementRow",
]


class Contact(Struct, frozen=True, rename="pascal"):
    """A person at a customer."""

    is_primary: bool | None = None
    email: str | None = None


class Address(Struct, frozen=True, rename="pascal"):
    """A customer's address; the town is one of the lines."""

    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    line4: str | None = None
    post_code: str | None = None
    country_code: str | None = None


class Currency(Struct, frozen=True, rename="pascal"):
    """What a customer is invoiced in."""

    code: str | None = None


class CustomerRow(Struct, frozen=True, rename="pascal", kw_only=True):
    """A customer: a row of the list, or the whole record."""

    id: int
    code: str
    name: str | None = None
    is_archived: bool | None = None
    email: str | None = None
    contacts: tuple[Contact, ...] | UnsetType | None = UNSET
    addresses: tuple[Address, ...] | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    outstanding_balance: Decimal | UnsetType | None = UNSET


class MetaData(Struct, frozen=True, rename="pascal"):
    """What surrounds a page. Its links are not followed: they may name any host."""

    total_records: int | None = None


class CustomerPage(Struct, frozen=True, rename="pascal"):
    """A page of the list of customers."""

    data: tuple[CustomerRow, ...]
    meta_data: MetaData = MetaData()


class StatementRow(Struct, frozen=True, rename="pascal"):
    """What became of one customer's statement."""

    customer_code: str | None = None
    sent: bool | None = None
    message: str | None = None


class NoteRow(Struct, frozen=True, rename="pascal"):
    """A note on a customer."""

    date: str | None = None


class LogRow(Struct, frozen=True, rename="pascal"):
    """An e-mail in the vendor's log."""

    status: str | int | None = None
    created_timestamp: str | None = None
    recipient_email_id: str | None = None
    error_message: str | None = None


class LogPage(Struct, frozen=True, rename="pascal"):
    """A page of the e-mail log."""

    data: tuple[LogRow, ...]
    meta_data: MetaData = MetaData()


class MemorableLetter(Struct, frozen=True, rename="pascal"):
    """A letter of the memorable word that the vendor asks for; positions count from 1."""

    position: int
    value: str = ""


class SignInAnswer(Struct, frozen=True, rename="pascal"):
    """The first step's answer."""

    temporary_token: str
    memorable_word_list: tuple[MemorableLetter, ...] = ()


class SessionAnswer(Struct, frozen=True, rename="pascal"):
    """The second step's answer."""

    session_token: Annotated[str, Meta(pattern="^[!-~]+$")]


class Refusal(Struct, frozen=True, rename="pascal"):
    """The body of every refusal."""

    error: str | int | None = None
    message: str | None = None
