"""From the inputs that create and change records to what the adapters are asked, per kind of record."""

from typing import Any

import msgspec
from strawberry import UNSET

from adapters import contract
from adapters.contract import StatusChange
from gateway.context import Ask
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.record_inputs import (
    CreateCorrespondenceInput,
    CreateLetterInput,
    CreateMessageInput,
    CreateTemplateInput,
    StatusInput,
    UpdateCorrespondenceInput,
    UpdateLetterInput,
    UpdateMessageInput,
    UpdateTemplateInput,
)

__all__ = [
    "changed_correspondence",
    "changed_letter",
    "changed_message",
    "changed_template",
    "new_correspondence",
    "new_letter",
    "new_message",
    "new_template",
    "status_change",
]


def new_correspondence(ask: Ask, input: CreateCorrespondenceInput) -> tuple[str, contract.CreateCorrespondence]:
    """At which backend, and what."""
    customer = _customer(ask, input.customer)
    return customer.backend, contract.CreateCorrespondence(
        customer_id=customer.native_id,
        type=input.type,
        date=input.date,
        number=input.number,
        vendor_fields=_object(input.vendor_fields),
    )


def changed_correspondence(_: Ask, ref: Ref, input: UpdateCorrespondenceInput) -> contract.UpdateCorrespondence:
    """What of it changes."""
    return contract.UpdateCorrespondence(
        native_id=ref.native_id,
        date=_set(input.date),
        number=_set(input.number),
        vendor_fields=_object(input.vendor_fields),
    )


def new_letter(ask: Ask, input: CreateLetterInput) -> tuple[str, contract.CreateLetter]:
    """At which backend, and what."""
    customer = _customer(ask, input.customer)
    return customer.backend, contract.CreateLetter(
        customer_id=customer.native_id,
        date=input.date,
        address_id=input.address_id,
        contact_id=input.contact_id,
        title=input.title,
        vendor_fields=_object(input.vendor_fields),
    )


def changed_letter(ask: Ask, ref: Ref, input: UpdateLetterInput) -> contract.UpdateLetter:
    """What of it changes."""
    return contract.UpdateLetter(
        native_id=ref.native_id,
        customer_id=_same_backend(ask, input.customer, "Customer", ref, "customer"),
        address_id=_set(input.address_id),
        contact_id=_set(input.contact_id),
        date=_set_not_null(input.date, "date"),
        title=_set(input.title),
        vendor_fields=_object(input.vendor_fields),
    )


def new_template(ask: Ask, input: CreateTemplateInput) -> tuple[str, contract.CreateTemplate]:
    """At which backend, and what."""
    customer = _customer(ask, input.customer)
    return customer.backend, contract.CreateTemplate(
        customer_id=customer.native_id,
        email_template_id=_same_backend(ask, input.email_template, "EmailTemplate", customer, "emailTemplate"),
        transaction_definition=input.transaction_definition,
        vendor_fields=_object(input.vendor_fields),
    )


def changed_template(ask: Ask, ref: Ref, input: UpdateTemplateInput) -> contract.UpdateTemplate:
    """What of it changes."""
    return contract.UpdateTemplate(
        native_id=ref.native_id,
        customer_id=_same_backend(ask, input.customer, "Customer", ref, "customer"),
        email_template_id=_same_backend(ask, input.email_template, "EmailTemplate", ref, "emailTemplate"),
        transaction_definition=_set(input.transaction_definition),
        vendor_fields=_object(input.vendor_fields),
    )


def new_message(_: Ask, input: CreateMessageInput) -> tuple[str, contract.CreateMessage]:
    """At which backend, and what."""
    return input.backend, contract.CreateMessage(code=input.code, text=input.text, status=input.status)


def changed_message(_: Ask, ref: Ref, input: UpdateMessageInput) -> contract.UpdateMessage:
    """What of it changes."""
    return contract.UpdateMessage(
        native_id=ref.native_id,
        text=_set_not_null(input.text, "text"),
        status=_set_not_null(input.status, "status"),
    )


def status_change(given: StatusInput) -> StatusChange:
    """The status that an input names."""
    if given.state is not UNSET:
        return StatusChange(state=given.state)
    if not given.vendor_status:
        raise _invalid("vendorStatus", "vendorStatus is the vendor's word or number for a status, not empty.")
    return StatusChange(vendor_status=given.vendor_status)


def _customer(ask: Ask, value: str) -> Ref:
    return ask.context.backends.require(value, "Customer", argument="customer")


def _same_backend(ask: Ask, value: Any, type_name: str, other: Ref, argument: str) -> Any:
    """The native id that an input names, of a record at the same backend; UNSET when it names none."""
    if value is UNSET:
        return msgspec.UNSET
    if value is None:
        raise _invalid(argument, f"{argument} cannot be taken away: leave it out, or name another.")
    ref = ask.context.backends.require(value, type_name, argument=argument)
    if ref.backend != other.backend:
        raise _invalid(argument, f"{argument} is at another backend.")
    return ref.native_id


def _set(value: Any) -> Any:
    """An input field that may be left out, as the contract has it."""
    return msgspec.UNSET if value is UNSET else value


def _set_not_null(value: Any, argument: str) -> Any:
    if value is None:
        raise _invalid(argument, f"{argument} cannot be null: leave it out to keep it.")
    return _set(value)


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid("vendorFields", "vendorFields is an object.")
    return value


def _invalid(argument: str, message: str) -> ProblemError:
    return ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=(argument,)))
