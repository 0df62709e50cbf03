"""What each action takes: the pairs of its path and the fields of its body, as the pages' tables give them."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "AddressChange",
    "ClientChange",
    "LenientRecipient",
    "LetterChange",
    "ListPairs",
    "Mail",
    "NewAddress",
    "NewClient",
    "NewLetter",
    "NoFields",
    "OnePairs",
    "Post",
    "PreviewPairs",
    "Recipient",
    "StatusChange",
    "given",
]

MAX_INT = 2**31 - 1
"""The largest whole number taken anywhere."""
WIDEST = 2480
"""A4 at 300 dots an inch: a bound on the memory that one preview takes."""

Id = Annotated[int, Meta(ge=0, le=MAX_INT)]
Count = Annotated[int, Meta(ge=1, le=MAX_INT)]
Flag = Annotated[int, Meta(ge=0, le=1)]
OneOrTwo = Annotated[int, Meta(ge=1, le=2)]
Gender = Annotated[int, Meta(ge=0, le=2)]
Filled = Annotated[str, Meta(min_length=1)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Postcode = Filled | Id
"""Documented as a string, and a number in the examples."""


class NoFields(Struct, forbid_unknown_fields=True):
    """Of an action that takes no body, or no pairs."""


class OnePairs(Struct, forbid_unknown_fields=True):
    """The pairs of an action on one record."""

    id: str


class ListPairs(Struct, forbid_unknown_fields=True):
    """The pairs of a list; `limit` 0 is everything."""

    limit: Annotated[int, Meta(ge=0, le=MAX_INT)] = 0
    page: Count = 1
    sort: str = ""
    sorttype: str = ""
    filter: str = ""


class PreviewPairs(Struct, forbid_unknown_fields=True):
    """The pairs of a preview. The page lists five sizes; a client asks for a sixth, so any is drawn."""

    id: str
    page: Count = 1
    size: Annotated[int, Meta(ge=1, le=WIDEST)] = 595


class NewLetter(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of letter/add. The last fields are the letter object's and no parameters: taken, and ignored."""

    client_id: Id
    client_address_id: Id
    client_contact_id: Id = 0
    date: str
    title: str = ""
    id: Any = UNSET
    client_name: Any = UNSET
    status: Any = UNSET
    pages: Any = UNSET


class LetterChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of letter/edit: any of the fields of letter/add."""

    client_id: Id | UnsetType = UNSET
    client_address_id: Id | UnsetType = UNSET
    client_contact_id: Id | UnsetType = UNSET
    date: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    id: Any = UNSET
    client_name: Any = UNSET
    status: Any = UNSET
    pages: Any = UNSET


class Recipient(Struct, forbid_unknown_fields=True, kw_only=True):
    """One recipient, with the three fields of the example."""

    cc: bool
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\Z")]
    name: str


class LenientRecipient(Recipient, kw_only=True):
    """One recipient of whom only the address is needed."""

    cc: bool = False
    name: str = ""


class Mail(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of letter/email. `sendstatus` is no parameter of it, but a client always sends it."""

    subject: Filled
    body: Filled
    sendstatus: int | UnsetType = UNSET
    afterstatus: int | UnsetType = UNSET
    recipients: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class Post(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of letter/post: `speed` 1 priority, 2 economy; `color` 0 black and white, 1 colour."""

    speed: OneOrTwo
    color: Flag = 0
    sendstatus: int | UnsetType = UNSET
    afterstatus: int | UnsetType = UNSET


class StatusChange(Struct, forbid_unknown_fields=True):
    """The body of letter/status."""

    status: int


class NewAddress(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address without an id: a new one. `primary` makes it the client's main address."""

    primary: Flag = 0
    street: Filled
    streetno: str = ""
    street2: str = ""
    code: Postcode
    city: Filled
    country: Country


class AddressChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address with an id, in client/edit: that address, changed."""

    id: Id
    primary: Flag = 0
    street: Filled | UnsetType = UNSET
    streetno: str | UnsetType = UNSET
    street2: str | UnsetType = UNSET
    code: Postcode | UnsetType = UNSET
    city: Filled | UnsetType = UNSET
    country: Country | UnsetType = UNSET


class NewClient(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of client/add: `type` 1 company, 2 private person; `gender` 0 none, 1 male, 2 female."""

    type: OneOrTwo
    gender: Gender = 0
    number: Id | UnsetType = UNSET
    name: Filled
    addition: str = ""
    vat_id: str = ""
    language: Language
    phone: str = ""
    fax: str = ""
    email: str = ""
    website: str = ""
    notes: str = ""
    addresses: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class ClientChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of client/edit: any of the fields of client/add. `id` is taken, since a client sends it, and ignored."""

    type: OneOrTwo | UnsetType = UNSET
    gender: Gender | UnsetType = UNSET
    number: Id | UnsetType = UNSET
    name: Filled | UnsetType = UNSET
    addition: str | UnsetType = UNSET
    vat_id: str | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    fax: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    website: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    addresses: list[dict[str, Any]] | UnsetType = UNSET
    id: Any = UNSET


NOT_PARAMETERS = frozenset({"id", "client_name", "status", "pages"})


def given(change: Struct) -> dict[str, Any]:
    """The fields that a change gives, without those that it only takes."""
    fields = [name for name in change.__struct_fields__ if name not in NOT_PARAMETERS]
    return {name: getattr(change, name) for name in fields if getattr(change, name) is not UNSET}
