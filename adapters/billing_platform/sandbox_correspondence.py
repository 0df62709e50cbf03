"""The emulator's correspondence endpoints and their two actions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from adapters.billing_platform.sandbox_call import Call, only
from adapters.billing_platform.sandbox_email import attachments_of, read_email_body, recipients_of
from adapters.billing_platform.sandbox_letter import letter_pdf
from adapters.billing_platform.sandbox_query import CORRESPONDENCE_LIST, conditions, read_date, single_parameters
from adapters.billing_platform.sandbox_records import (
    CORRESPONDENCE_TYPES,
    Condition,
    CorrespondenceRow,
    CustomerRow,
    Records,
    stamp,
)
from adapters.billing_platform.sandbox_refusals import (
    ACTION_FAILED,
    ACTION_UNKNOWN,
    BAD_REQUEST,
    FILE_MISSING,
    RefusedError,
    json_response,
)
from adapters.sandbox_company import COMPANY_NAME
from adapters.sandboxing import SandboxState

__all__ = ["CorrespondenceApi"]


class CorrespondenceApi:
    """The handlers of ``/correspondence`` and of ``/customers/ID/correspondence``."""

    def __init__(
        self, records: Records, state: SandboxState, clock: Callable[[], datetime], page_cap: int | None
    ) -> None:
        self._records = records
        self._state = state
        self._clock = clock
        self._page_cap = page_cap

    def list_all(self, call: Call) -> Response:
        """GET ``/correspondence/``."""
        return self._list(conditions(CORRESPONDENCE_LIST, call.query))

    def list_of_customer(self, call: Call) -> Response:
        """GET ``/customers/ID/correspondence/``."""
        customer = self._customer(call.id())
        own = Condition("customer_id = ?", (customer.id,))
        return self._list([own, *conditions(CORRESPONDENCE_LIST, call.query)])

    def get(self, call: Call) -> Response:
        """GET ``/correspondence/ID``: the JSON description, or the PDF letter (404107 until there is one)."""
        letter = self._letter(call.id())
        call.takes_no_parameters()
        if not call.wants_pdf():
            return json_response(letter.shown())
        if not letter.ready:
            raise RefusedError(FILE_MISSING)
        return Response(letter_pdf(letter, self._customer(letter.customer_id)), media_type="application/pdf")

    def create(self, call: Call) -> Response:
        """POST ``/customers/ID/correspondence/``."""
        customer = self._customer(call.id())
        call.takes_no_parameters()
        fields = call.fields(("correspondenceType", "correspondenceDate", "correspondenceNumber"))
        type_name = fields.get("correspondenceType")
        if type_name not in CORRESPONDENCE_TYPES:
            raise RefusedError(BAD_REQUEST, "correspondenceType: one of " + ", ".join(CORRESPONDENCE_TYPES))
        today = self._clock().astimezone(UTC).date().isoformat()
        date = _date(fields["correspondenceDate"]) if "correspondenceDate" in fields else today
        number = _number(fields.get("correspondenceNumber", "")) or self._records.next_number(customer.id)
        try:
            added = self._records.add_correspondence(
                customer_id=customer.id, number=number, date=date, type_name=type_name, now=stamp(self._clock())
            )
        except ValueError as error:
            raise RefusedError(BAD_REQUEST, "correspondenceNumber: the customer has it already") from error
        self._state.changed()
        return json_response(added.shown(), 201)

    def update(self, call: Call) -> Response:
        """PATCH ``/correspondence/ID``."""
        letter = self._letter(call.id())
        call.takes_no_parameters()
        fields = call.fields(("correspondenceDate", "correspondenceNumber"))
        number = _number(fields.get("correspondenceNumber", letter.number))
        if not number:
            raise RefusedError(BAD_REQUEST, "correspondenceNumber: blank")
        date = _date(fields.get("correspondenceDate", letter.date))
        try:
            changed = self._change(letter._replace(number=number, date=date))
        except ValueError as error:
            raise RefusedError(BAD_REQUEST, "correspondenceNumber: the customer has it already") from error
        self._state.changed()
        return json_response(changed.shown())

    def delete(self, call: Call) -> Response:
        """DELETE ``/correspondence/ID``."""
        letter = self._letter(call.id())
        call.takes_no_parameters()
        self._records.delete_correspondence(letter.id)
        self._state.changed()
        return Response(status_code=204)

    def act(self, call: Call) -> Response:
        """POST ``/correspondence/ID?action=...``."""
        letter = self._letter(call.id())
        action = single_parameters(("action",), call.query).get("action")
        if action == "email":
            return self._email(letter, call)
        if action == "deliver":
            return self._deliver(letter, call)
        raise RefusedError(ACTION_UNKNOWN)

    def _email(self, letter: CorrespondenceRow, call: Call) -> Response:
        request = read_email_body(call.optional_fields(("email", "attachments")))
        if not letter.ready:
            raise RefusedError(ACTION_FAILED)
        attachments = attachments_of(letter, request.attachments)
        recipients = recipients_of(self._customer(letter.customer_id), request.addresses, self._records)
        self._change(letter._replace(emailed=True))
        self._state.mail(
            "email",
            record=str(letter.id),
            recipients=recipients,
            subject=f"{COMPANY_NAME}: {letter.type} {letter.number}",
            attachments=list(attachments),
        )
        return json_response({"success": True, "message": f"Correspondence emailed to {', '.join(recipients)}"})

    def _deliver(self, letter: CorrespondenceRow, call: Call) -> Response:
        call.optional_fields(())
        if not letter.ready:
            raise RefusedError(ACTION_FAILED)
        delivered = self._change(letter._replace(delivered=True))
        self._state.mail("deliver", record=str(letter.id))
        self._state.changed()
        return json_response(delivered.shown())

    def _change(self, letter: CorrespondenceRow) -> CorrespondenceRow:
        self._records.change_correspondence(letter._replace(updated_at=stamp(self._clock())))
        return self._letter(letter.id)

    def _list(self, where: list[Condition]) -> Response:
        rows = self._records.correspondence(where, self._page_cap)
        return json_response([letter.shown() for letter in rows])

    def _letter(self, correspondence_id: int) -> CorrespondenceRow:
        return only(self._records.correspondence([Condition("id = ?", (correspondence_id,))]))

    def _customer(self, customer_id: int) -> CustomerRow:
        return only(self._records.customers([Condition("id = ?", (customer_id,))]))


def _number(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedError(BAD_REQUEST, "correspondenceNumber: text")
    return value.strip()


def _date(value: Any) -> str:
    try:
        return read_date(value)
    except (TypeError, ValueError) as error:
        raise RefusedError(BAD_REQUEST, "correspondenceDate: a date is written YYYY-MM-DD") from error
