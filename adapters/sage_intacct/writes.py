"""Writes: the exact calls, and what became of them. There is no send, and a message cannot be deleted."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from adapters.contract import (
    CreateMessage,
    CreateTemplate,
    Outcome,
    Outcomes,
    OutcomeState,
    PreparedCall,
    UpdateMessage,
    UpdateTemplate,
    invalid,
)
from adapters.errors import AdapterError, OutcomeUnknown, UnsupportedByVendor
from adapters.model import RecordStatus
from adapters.sage_intacct.client import JSON_TYPE, Client
from adapters.sage_intacct.envelope import Reference, error_in, unwrap
from adapters.sage_intacct.objects import MESSAGES, TEMPLATES, ObjectType
from adapters.sage_intacct.reading import is_key
from adapters.sage_intacct.translate import MESSAGE_STATUS
from adapters.wire import Answer, WireRequest

__all__ = ["OUTCOMES", "MessageWrites", "Performer", "TemplateWrites"]

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,256}")

OUTCOMES = Outcomes(
    # 400 to 422: the error-handling guide; 429: over the rate, not executed. A 5xx proves nothing, 503 included.
    undone_statuses=frozenset({400, 401, 403, 404, 405, 409, 422, 429}),
    # Errors of the request itself, which have been seen under HTTP 200.
    undone_codes=frozenset(
        {
            "REST-1028",
            "REST-1043",
            "REST-1050",
            "REST-1064",
            "REST-2102",
            "invalidRequest",
            "notFound",
            "tokenInvalid",
        }
    ),
)


class TemplateWrites:
    """Prepares writes of customers' e-mail templates."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, request: CreateTemplate, idempotency_key: str | None = None) -> PreparedCall:
        """Assigns a template to a customer; the target is the customer."""
        operation = "template.create"
        body: dict[str, Any] = {
            "customer": {"key": self._key(request.customer_id, "customer_id", operation)},
            "emailTemplate": {"key": self._key(request.email_template_id, "email_template_id", operation)},
        }
        if request.transaction_definition is not None:
            body["txnDefinition"] = {"id": request.transaction_definition}
        body = self._with_vendor_fields(body, request.vendor_fields, operation)
        call = _write(self._client, operation, "POST", TEMPLATES, None, body, idempotency_key)
        return PreparedCall(request=call, targets=(request.customer_id,))

    def update(self, request: UpdateTemplate, idempotency_key: str | None = None) -> PreparedCall:
        """Changes what is set. A transaction definition of None clears it."""
        operation = "template.update"
        body: dict[str, Any] = {}
        if request.customer_id is not UNSET:
            body["customer"] = {"key": self._key(request.customer_id, "customer_id", operation)}
        if request.email_template_id is not UNSET:
            body["emailTemplate"] = {"key": self._key(request.email_template_id, "email_template_id", operation)}
        if request.transaction_definition is not UNSET:
            body["txnDefinition"] = {"id": request.transaction_definition}
        body = self._with_vendor_fields(body, request.vendor_fields, operation)
        key = self._key(request.native_id, "native_id", operation)
        call = _write(self._client, operation, "PATCH", TEMPLATES, key, body, idempotency_key)
        return PreparedCall(request=call, targets=(key,))

    def delete(self, native_id: str) -> PreparedCall:
        """Removes a customer's template."""
        operation = "template.delete"
        key = self._key(native_id, "native_id", operation)
        request = WireRequest(
            operation=operation,
            method="DELETE",
            path=(*TEMPLATES.segments, key),
            ids=(key,),
            headers=self._client.headers,
            write=True,
        )
        return PreparedCall(request=request, targets=(key,))

    def _key(self, value: str, field: str, operation: str) -> str:
        return _checked_key(self._client, value, field, operation)

    def _with_vendor_fields(self, body: dict[str, Any], more: Mapping[str, Any], operation: str) -> dict[str, Any]:
        if clash := sorted(body.keys() & more.keys()):
            text = f"These are set by fields of their own: {', '.join(clash)}."
            raise invalid(text, "vendor_fields", backend=self._client.backend, operation=operation)
        return {**body, **more}


class MessageWrites:
    """Prepares writes of customers' standing messages."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, request: CreateMessage, idempotency_key: str | None = None) -> PreparedCall:
        """A new message; the target is its code, since it is created for no other record."""
        operation = "message.create"
        body = {
            "id": request.code,
            "message": request.text,
            "status": self._word(request.status, operation),
        }
        call = _write(self._client, operation, "POST", MESSAGES, None, body, idempotency_key)
        return PreparedCall(request=call, targets=(request.code,))

    def update(self, request: UpdateMessage, idempotency_key: str | None = None) -> PreparedCall:
        """Changes what is set."""
        operation = "message.update"
        body: dict[str, Any] = {}
        if request.text is not UNSET:
            body["message"] = request.text
        if request.status is not UNSET:
            body["status"] = self._word(request.status, operation)
        key = _checked_key(self._client, request.native_id, "native_id", operation)
        call = _write(self._client, operation, "PATCH", MESSAGES, key, body, idempotency_key)
        return PreparedCall(request=call, targets=(key,))

    def _word(self, status: RecordStatus, operation: str) -> str:
        if status not in MESSAGE_STATUS:
            raise UnsupportedByVendor(
                "A message is active or inactive.",
                backend=self._client.backend,
                operation=operation,
                field="status",
                never_sent=True,
            )
        return MESSAGE_STATUS[status][0]


class Performer:
    """Sends prepared calls."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, call: PreparedCall) -> tuple[Outcome, ...]:
        """Sends a call once, and reads what became of it off the answer."""
        try:
            answer = await self._client.send(call.request)
            return (Outcome(state=OutcomeState.DONE, native_id=self._done(answer, call)),)
        except AdapterError as error:
            return (OUTCOMES.of(error),)

    def _done(self, answer: Answer, call: PreparedCall) -> str:
        """The key of the record that was written. Raises the error that the answer is, or holds."""
        if call.request.method == "DELETE":
            error = error_in(answer, backend=self._client.backend)
            if error is not None:
                raise error
            if answer.status != 204:
                raise self._unsure(answer, "The vendor did not say that it deleted the record.")
            return call.targets[0]
        key = str(unwrap(answer, Reference, backend=self._client.backend).result.key)
        if answer.status not in (200, 201):
            raise self._unsure(answer, "The vendor did not say that it wrote the record.")
        if call.request.method == "PATCH" and key != call.targets[0]:
            raise self._unsure(answer, "The vendor answered about another record than the one to change.")
        return key

    def _unsure(self, answer: Answer, message: str) -> OutcomeUnknown:
        operation = answer.request.operation
        return OutcomeUnknown(message, backend=self._client.backend, operation=operation, status=answer.status)


def _write(
    client: Client,
    operation: str,
    method: str,
    object_: ObjectType[Any, Any],
    key: str | None,
    body: Mapping[str, Any],
    idempotency_key: str | None,
) -> WireRequest:
    """A POST, or a PATCH of the record with this key."""
    if not body:
        raise invalid("There is nothing to change.", "input", backend=client.backend, operation=operation)
    headers = (JSON_TYPE, *client.headers)
    if idempotency_key is not None:
        if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            text = "An idempotency key has 1 to 256 visible ASCII characters."
            raise invalid(text, "idempotency_key", backend=client.backend, operation=operation)
        headers = (*headers, ("Idempotency-Key", idempotency_key))
    return WireRequest(
        operation=operation,
        method=method,
        path=(*object_.segments, *(() if key is None else (key,))),
        ids=() if key is None else (key,),
        headers=headers,
        body=msgspec.json.encode(body),
        write=True,
        idempotency_key=idempotency_key,
    )


def _checked_key(client: Client, value: str, field: str, operation: str) -> str:
    if not is_key(value):
        raise invalid("No record has such a key.", field, backend=client.backend, operation=operation)
    return value
