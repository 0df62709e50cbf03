"""The exact calls that change, send or mark correspondence. Pure."""

from typing import Any

import msgspec
from msgspec import UNSET

from adapters.billing_platform.client import NATIVE_ID
from adapters.errors import UnsupportedByVendor
from adapters.wire import WireRequest
from adapters.writes import (
    CreateCorrespondence,
    DeliverDocument,
    EmailDocument,
    PreparedCall,
    UpdateCorrespondence,
    are_addressable,
    invalid,
)

__all__ = ["CREATE", "DELETE", "DELIVER", "EMAIL", "UPDATE", "BillingPlatformWrites"]

CREATE = "correspondence.create"
UPDATE = "correspondence.update"
DELETE = "correspondence.delete"
EMAIL = "correspondence.email"
DELIVER = "correspondence.deliver"

_JSON = (("Content-Type", "application/json"),)


class BillingPlatformWrites:
    """Prepares all that can be asked of correspondence. The vendor has no idempotency keys."""

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def create(
        self,
        request: CreateCorrespondence,
        idempotency_key: str | None = None,  # noqa: ARG002 - the vendor has no such keys
    ) -> PreparedCall:
        """Adds correspondence to a customer; the vendor gives a number where none is given."""
        fields: dict[str, Any] = {"correspondenceType": request.type}
        if request.date is not None:
            fields["correspondenceDate"] = request.date
        if request.number is not None:
            fields["correspondenceNumber"] = request.number
        customer_id = self._checked(request.customer_id, "customer_id", CREATE)
        body = self._body(fields, request.vendor_fields, CREATE)
        path = ("customers", customer_id, "correspondence")
        return _call(CREATE, "POST", path, customer_id, body=body, trailing_slash=True)

    def update(
        self,
        request: UpdateCorrespondence,
        idempotency_key: str | None = None,  # noqa: ARG002 - the vendor has no such keys
    ) -> PreparedCall:
        """Changes correspondence."""
        given = {"correspondenceDate": request.date, "correspondenceNumber": request.number}
        fields = {name: value for name, value in given.items() if value is not UNSET}
        native_id = self._checked(request.native_id, "native_id", UPDATE)
        body = self._body(fields, request.vendor_fields, UPDATE)
        return _call(UPDATE, "PATCH", ("correspondence", native_id), native_id, body=body)

    def delete(self, native_id: str) -> PreparedCall:
        """Deletes correspondence."""
        return _call(DELETE, "DELETE", ("correspondence", self._checked(native_id, "native_id", DELETE)), native_id)

    def email(self, request: EmailDocument) -> PreparedCall:
        """E-mails correspondence; to the customer and the contacts concerned where no recipients are given."""
        recipients = self._recipients(request)
        fields: dict[str, Any] = {}
        if recipients is not None:
            fields["email"] = recipients
        if request.attachments:
            fields["attachments"] = request.attachments
        native_id = self._checked(request.native_id, "native_id", EMAIL)
        path = ("correspondence", native_id)
        return _call(EMAIL, "POST", path, native_id, action="email", body=_json(fields), recipients=recipients)

    def deliver(self, request: DeliverDocument) -> PreparedCall:
        """Marks correspondence as delivered by hand."""
        native_id = self._checked(request.native_id, "native_id", DELIVER)
        return _call(DELIVER, "POST", ("correspondence", native_id), native_id, action="deliver")

    def _recipients(self, request: EmailDocument) -> tuple[str, ...] | None:
        untold = ("subject", "body", "status_after")
        for name in [name for name in untold if getattr(request, name) is not None]:
            raise self._unsupported(f"This vendor's e-mails cannot be given a {name}.", name)
        if request.recipients is None:
            return None
        if any(recipient.cc or recipient.name is not None for recipient in request.recipients):
            raise self._unsupported("This vendor takes addresses alone: no names, and no copies.", "recipients")
        addresses = tuple(recipient.email for recipient in request.recipients)
        # A comma makes two addresses of one: "Addresses can also be passed as comma-separated strings."
        if not addresses or any("," in address for address in addresses) or not are_addressable(request.recipients):
            raise invalid(
                "Recipients are one address each; none at all leaves the choice to the vendor.",
                "recipients",
                backend=self._backend,
                operation=EMAIL,
            )
        return addresses

    def _body(self, fields: dict[str, Any], vendor_fields: dict[str, Any], operation: str) -> bytes:
        for name in fields.keys() & vendor_fields.keys():
            raise invalid(
                f"{name} is set by the input already.", "vendor_fields", backend=self._backend, operation=operation
            )
        return _json(fields | vendor_fields)

    def _checked(self, native_id: str, field: str, operation: str) -> str:
        if not NATIVE_ID.fullmatch(native_id):
            raise invalid(
                "This identifier cannot exist at the vendor.", field, backend=self._backend, operation=operation
            )
        return native_id

    def _unsupported(self, message: str, field: str) -> UnsupportedByVendor:
        return UnsupportedByVendor(message, backend=self._backend, operation=EMAIL, field=field)


def _json(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)


def _call(
    operation: str,
    method: str,
    path: tuple[str, ...],
    target: str,
    *,
    action: str | None = None,
    body: bytes | None = None,
    recipients: tuple[str, ...] | None = None,
    trailing_slash: bool = False,
) -> PreparedCall:
    request = WireRequest(
        operation=operation,
        method=method,
        path=path,
        ids=(target,),
        trailing_slash=trailing_slash,
        query=(("action", action),) if action else (),
        headers=_JSON if body is not None else (),
        body=body,
        write=True,
    )
    return PreparedCall(request=request, targets=(target,), recipients=recipients)
