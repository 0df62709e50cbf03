"""The emulator's ``email`` action: whom it reaches, what is attached, and when the mail server refuses."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from adapters.billing_platform.sandbox_records import ATTACHMENTS, CorrespondenceRow, CustomerRow, Records
from adapters.billing_platform.sandbox_refusals import (
    ACTION_FAILED,
    ATTACHMENT_MISSING,
    BAD_REQUEST,
    EMAIL_FAILED,
    RefusedError,
)

__all__ = ["EmailRequest", "attachments_of", "read_email_body", "recipients_of"]

REFUSED_DOMAIN = "refused.example"
"""The mail server refuses every address at this domain."""

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>.]+(\.[^\s@,;<>.]+)+")


class EmailRequest(NamedTuple):
    """The action's body; ``addresses`` is None where the vendor chooses."""

    addresses: tuple[str, ...] | None
    attachments: tuple[str, ...]


def read_email_body(body: Mapping[str, object]) -> EmailRequest:
    """The action's parameters. What is not as documented is refused with 400001."""
    addresses = None
    if "email" in body:
        addresses = _once(address for text in _texts(body["email"], "email") for address in _split(text))
        if not addresses:
            raise RefusedError(BAD_REQUEST, "email: no address")
    attachments = body.get("attachments", [])
    if isinstance(attachments, str):
        raise RefusedError(BAD_REQUEST, "attachments: an array of names")
    return EmailRequest(addresses, tuple(dict.fromkeys(_texts(attachments, "attachments"))))


def attachments_of(letter: CorrespondenceRow, names: tuple[str, ...]) -> tuple[str, ...]:
    """The named attachments; 404108 where the correspondence has not got one of them."""
    if not set(names) <= set(ATTACHMENTS.get(letter.type, ())):
        raise RefusedError(ATTACHMENT_MISSING)
    return names


def recipients_of(customer: CustomerRow, given: tuple[str, ...] | None, records: Records) -> tuple[str, ...]:
    """Whom the e-mail reaches: those given, else the customer and its contacts.

    Nobody is 400502; one whom the mail server refuses is 500603, for all of them.
    """
    recipients = given or _once(records.addresses(customer))
    if not recipients:
        raise RefusedError(ACTION_FAILED)
    if any(_is_refused(address) for address in recipients):
        raise RefusedError(EMAIL_FAILED)
    return recipients


def _is_refused(address: str) -> bool:
    return _ADDRESS.fullmatch(address) is None or address.lower().endswith("@" + REFUSED_DOMAIN)


def _texts(value: object, name: str) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RefusedError(BAD_REQUEST, f"{name}: text, or an array of text")
    return texts


def _split(text: str) -> list[str]:
    addresses = [part.strip() for part in text.split(",")]
    for address in addresses:
        if _ADDRESS.fullmatch(address) is None:
            raise RefusedError(BAD_REQUEST, "email: not an address")
    return addresses


def _once(addresses: Iterable[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(address.casefold(), address)
    return tuple(first.values())
