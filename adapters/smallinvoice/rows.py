"""The vendor's answers as they come: objects/client, objects/letter and the response tables of the letters page."""

import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

__all__ = ["AddressRow", "ClientRow", "Created", "Envelope", "Found", "LetterRow", "Listed", "NamedClientRow"]
__all__ += ["UndatedLetterRow"]

R = TypeVar("R")

_Id = Annotated[int, msgspec.Meta(ge=1)]
_NO_DATES = frozenset({"", "0000-00-00"})


class Envelope(Struct):
    """What every JSON answer begins with. ``error`` is kept as it was written: only ``false`` is success."""

    error: msgspec.Raw = msgspec.Raw(b"")
    errorcode: int | str | None = None
    errormessage: str | None = None


class Listed(Struct, Generic[R]):
    """A part of a list. ``count`` is of the whole list, ``error`` as of `Envelope`."""

    items: list[R]
    count: int
    error: msgspec.Raw = msgspec.Raw(b"")
    page: int | None = None
    pages: int | None = None


class Found(Struct, Generic[R]):
    """One record."""

    item: R


class Created(Struct):
    """What was added."""

    id: _Id


class AddressRow(Struct, kw_only=True, gc=False):
    """One of a client's addresses. ``code`` is the postal code, documented as text and shown as a number."""

    id: int = 0
    street: str | None = None
    streetno: str | int | None = None
    street2: str | None = None
    code: str | int | None = None
    city: str | None = None
    country: str | None = None


class ClientRow(AddressRow, kw_only=True, gc=False):
    """A client, with a copy of its main address, which in the published example lacks ``street2``."""

    id: _Id
    number: int | str | None = None
    name: str | None = None
    email: str | UnsetType | None = UNSET
    main_address_id: int = 0
    addresses: list[AddressRow] | UnsetType = UNSET


class NamedClientRow(Struct, kw_only=True, gc=False):
    """A client, as a list is read where nobody wants addresses: they take longer than all else of it."""

    id: _Id
    number: int | str | None = None
    name: str | None = None
    email: str | UnsetType | None = UNSET


class LetterRow(Struct, gc=False):
    """A letter, as a list has it where all are dated. Ids are 0 where there is none."""

    id: _Id
    client_id: int = 0
    client_address_id: int = 0
    client_contact_id: int = 0
    date: datetime.date | None = None
    title: str | None = None
    status: int | None = None
    pages: int | None = None


class UndatedLetterRow(LetterRow, gc=False):
    """The same where the vendor may have text in the place of no date: read by a function for each row."""

    date: Any = None

    def __post_init__(self) -> None:
        given = self.date
        if given is None or given in _NO_DATES:
            self.date = None
        elif isinstance(given, str):
            self.date = datetime.date.fromisoformat(given)
        else:
            raise ValueError("Expected a date.")
