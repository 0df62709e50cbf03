"""The calls that change and send letters.

The keys of a body stand in the order of the page's parameter tables: a client library reports that the vendor minds it.
"""

from datetime import date
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, UnsetType

from adapters.contract import (
    CreateLetter,
    EmailDocument,
    PostDocument,
    PreparedCall,
    SetDocumentStatus,
    StatusChange,
    UpdateLetter,
    invalid,
)
from adapters.errors import InvalidInput, UnsupportedByVendor
from adapters.smallinvoice.translate import NATIVE_ID, STATUSES
from adapters.wire import WireRequest
from adapters.writes import are_addressable

__all__ = ["ADD", "LetterCalls"]

ADD = "letter.add"

_FORM = (("content-type", "application/x-www-form-urlencoded"),)


class LetterCalls:
    """Prepares calls for one backend."""

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def create(self, request: CreateLetter, idempotency_key: str | None = None) -> PreparedCall:
        """``letter/add``."""
        if request.address_id is None:
            raise self._invalid("A letter needs one of its customer's addresses.", "address_id", "add")
        body = self._fields(
            "add",
            customer_id=request.customer_id,
            address_id=request.address_id,
            contact_id=UNSET if request.contact_id is None else request.contact_id,
            date=request.date,
            title=UNSET if request.title is None else request.title,
        )
        body = self._with_vendor_fields(body, request.vendor_fields, "add")
        return self._call("add", request.customer_id, body, trailing_slash=True, idempotency_key=idempotency_key)

    def update(self, request: UpdateLetter, idempotency_key: str | None = None) -> PreparedCall:
        """``letter/edit``."""
        if request.address_id is None:
            raise self._invalid("A letter cannot be without an address.", "address_id", "edit")
        body = self._fields(
            "edit",
            customer_id=request.customer_id,
            address_id=request.address_id,
            contact_id=request.contact_id,
            date=request.date,
            title=request.title,
        )
        body = self._with_vendor_fields(body, request.vendor_fields, "edit")
        return self._on_letter("edit", request.native_id, body, idempotency_key=idempotency_key)

    def delete(self, native_id: str) -> PreparedCall:
        """``letter/delete``."""
        return self._on_letter("delete", native_id, None)

    def set_status(self, request: SetDocumentStatus) -> PreparedCall:
        """``letter/status``."""
        status = self._status(request.status, "status", "status")
        return self._on_letter("status", request.native_id, {"status": status})

    def email(self, request: EmailDocument) -> PreparedCall:
        """``letter/email``. Subject, body and recipients are required, and nothing can be attached."""
        if request.recipients is None:
            raise self._unsupported("This vendor does not choose the recipients: name them.", "recipients", "email")
        if request.attachments:
            raise self._unsupported("This vendor attaches nothing but the letter.", "attachments", "email")
        for name in ("recipients", "subject", "body"):
            if getattr(request, name) in (None, ()):
                raise self._invalid(f"This vendor sends no e-mail without {name}.", name, "email")
        if not are_addressable(request.recipients):
            raise self._invalid("A recipient has an address, and no line breaks in it.", "recipients", "email")
        body: dict[str, Any] = {"subject": request.subject, "body": request.body}
        if request.status_after is not None:
            body["afterstatus"] = self._status(request.status_after, "status_after", "email")
        body["recipients"] = [
            {"cc": recipient.cc, "email": recipient.email, "name": recipient.name or ""}
            for recipient in request.recipients
        ]
        addresses = tuple(recipient.email for recipient in request.recipients)
        return self._on_letter("email", request.native_id, body, recipients=addresses)

    def post(self, request: PostDocument) -> PreparedCall:
        """``letter/post``."""
        body = {"speed": 1 if request.priority else 2, "color": int(request.color)}
        if request.status_when_sent is not None:
            body["sendstatus"] = self._status(request.status_when_sent, "status_when_sent", "post")
        if request.status_after is not None:
            body["afterstatus"] = self._status(request.status_after, "status_after", "post")
        return self._on_letter("post", request.native_id, body)

    def _fields(
        self,
        action: str,
        *,
        customer_id: str | UnsetType,
        address_id: str | UnsetType,
        contact_id: str | UnsetType | None,
        date: date | UnsetType,
        title: str | UnsetType | None,
    ) -> dict[str, Any]:
        """A letter's body. 0 stands for no contact and the empty text for no title, as in the vendor's own records."""
        body = {
            "client_id": self._id(customer_id, "customer_id", action),
            "client_address_id": self._id(address_id, "address_id", action),
            "client_contact_id": 0 if contact_id is None else self._id(contact_id, "contact_id", action),
            "date": UNSET if date is UNSET else date.isoformat(),
            "title": title or "" if title is not UNSET else UNSET,
        }
        return {name: value for name, value in body.items() if value is not UNSET}

    def _with_vendor_fields(self, body: dict[str, Any], more: dict[str, Any], action: str) -> dict[str, Any]:
        for name in sorted(body.keys() & more.keys()):
            raise self._invalid(f"{name} is set by the input's own field.", "vendor_fields", action)
        return body | more

    def _id(self, native_id: str | UnsetType, field: str, action: str) -> int | UnsetType:
        if native_id is UNSET:
            return UNSET
        if NATIVE_ID.fullmatch(native_id) is None:
            raise self._invalid("This vendor's ids are whole numbers from 1.", field, action)
        return int(native_id)

    def _status(self, change: StatusChange, field: str, action: str) -> int:
        if change.state is not None:
            if change.state not in STATUSES:
                raise self._unsupported(f"This vendor's letters cannot be {change.state}.", field, action)
            return STATUSES[change.state]
        text = change.vendor_status or ""
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise self._invalid("This vendor's statuses are whole numbers.", field, action)
        return int(text)

    def _on_letter(
        self,
        action: str,
        native_id: str,
        body: dict[str, Any] | None,
        *,
        recipients: tuple[str, ...] | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedCall:
        self._id(native_id, "native_id", action)
        return self._call(
            action, native_id, body, id=("id", native_id), recipients=recipients, idempotency_key=idempotency_key
        )

    def _call(
        self,
        action: str,
        target: str,
        body: dict[str, Any] | None,
        *,
        id: tuple[str, ...] = (),
        trailing_slash: bool = False,
        recipients: tuple[str, ...] | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedCall:
        form = None if body is None else urlencode({"data": msgspec.json.encode(body)}).encode("ascii")
        request = WireRequest(
            operation=f"letter.{action}",
            method="POST",
            path=("letter", action, *id),
            ids=id[1:],
            trailing_slash=trailing_slash,
            headers=() if form is None else _FORM,
            body=form,
            write=True,
            idempotency_key=idempotency_key,
        )
        return PreparedCall(request=request, targets=(target,), recipients=recipients)

    def _invalid(self, message: str, field: str, action: str) -> InvalidInput:
        return invalid(message, field, backend=self._backend, operation=f"letter.{action}")

    def _unsupported(self, message: str, field: str, action: str) -> UnsupportedByVendor:
        return UnsupportedByVendor(
            message, backend=self._backend, operation=f"letter.{action}", field=field, never_sent=True
        )
