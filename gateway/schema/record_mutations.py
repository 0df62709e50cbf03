"""The mutations that create, change and delete vendors' records."""

from typing import Annotated, Any, TypeVar

import msgspec
import strawberry
from strawberry import UNSET

from adapters import contract
from adapters.contract import PreparedCall, StatusChange
from gateway.backends import Backend
from gateway.context import Ask
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.fields import action
from gateway.schema.record_inputs import (
    CorrespondencePayload,
    CreateCorrespondenceInput,
    CreateLetterInput,
    CreateMessageInput,
    CreateTemplateInput,
    DeleteInput,
    DeletePayload,
    DocumentPayload,
    LetterPayload,
    MessagePayload,
    SetDocumentStatusInput,
    StatusInput,
    TemplatePayload,
    UpdateCorrespondenceInput,
    UpdateLetterInput,
    UpdateMessageInput,
    UpdateTemplateInput,
    payload,
)
from gateway.writes import passed_on_key, perform, written_record

__all__ = ["RecordMutations", "status_change"]

T = TypeVar("T")
PART_NAMES = {
    "Correspondence": "write_correspondence",
    "Letter": "write_letters",
    "CustomerEmailTemplate": "write_templates",
    "CustomerMessage": "write_messages",
}


@strawberry.type
class RecordMutations:
    """What creates, changes and deletes vendors' records."""

    @action("Creates correspondence for a customer.", CorrespondencePayload)
    async def create_correspondence(
        self: None, ask: Ask, input: Annotated[CreateCorrespondenceInput, strawberry.argument(description="What.")]
    ) -> CorrespondencePayload:
        """Creates correspondence."""
        customer = _customer(ask, input.customer)
        request = contract.CreateCorrespondence(
            customer_id=customer.native_id,
            type=input.type,
            date=input.date,
            number=input.number,
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _create(
            ask, "Correspondence", customer.backend, request, input.idempotency_key, "correspondence"
        )
        return payload(CorrespondencePayload, problems, correspondence=record)

    @action("Changes correspondence.", CorrespondencePayload)
    async def update_correspondence(
        self: None, ask: Ask, input: Annotated[UpdateCorrespondenceInput, strawberry.argument(description="What.")]
    ) -> CorrespondencePayload:
        """Changes correspondence."""
        ref = ask.context.backends.require(input.id, "Correspondence", argument="id")
        request = contract.UpdateCorrespondence(
            native_id=ref.native_id,
            date=_set(input.date),
            number=_set(input.number),
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _update(ask, ref, request, input.idempotency_key, "correspondence")
        return payload(CorrespondencePayload, problems, correspondence=record)

    @action("Deletes correspondence.", DeletePayload)
    async def delete_correspondence(
        self: None, ask: Ask, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        """Deletes correspondence."""
        return await _delete(ask, input, "Correspondence", "delete_correspondence")

    @action("Creates a letter.", LetterPayload)
    async def create_letter(
        self: None, ask: Ask, input: Annotated[CreateLetterInput, strawberry.argument(description="What.")]
    ) -> LetterPayload:
        """Creates a letter."""
        customer = _customer(ask, input.customer)
        request = contract.CreateLetter(
            customer_id=customer.native_id,
            date=input.date,
            address_id=input.address_id,
            contact_id=input.contact_id,
            title=input.title,
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _create(ask, "Letter", customer.backend, request, input.idempotency_key, "letter")
        return payload(LetterPayload, problems, letter=record)

    @action("Changes a letter.", LetterPayload)
    async def update_letter(
        self: None, ask: Ask, input: Annotated[UpdateLetterInput, strawberry.argument(description="What.")]
    ) -> LetterPayload:
        """Changes a letter."""
        ref = ask.context.backends.require(input.id, "Letter", argument="id")
        request = contract.UpdateLetter(
            native_id=ref.native_id,
            customer_id=_same_backend(ask, input.customer, "Customer", ref, "customer"),
            address_id=_set(input.address_id),
            contact_id=_set(input.contact_id),
            date=_set_not_null(input.date, "date"),
            title=_set(input.title),
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _update(ask, ref, request, input.idempotency_key, "letter")
        return payload(LetterPayload, problems, letter=record)

    @action("Deletes a letter.", DeletePayload)
    async def delete_letter(
        self: None, ask: Ask, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        """Deletes a letter."""
        return await _delete(ask, input, "Letter", "delete_letter")

    @action("Gives a customer an e-mail template.", TemplatePayload)
    async def create_template(
        self: None, ask: Ask, input: Annotated[CreateTemplateInput, strawberry.argument(description="What.")]
    ) -> TemplatePayload:
        """Gives a customer an e-mail template."""
        customer = _customer(ask, input.customer)
        template = _same_backend(ask, input.email_template, "EmailTemplate", customer, "emailTemplate")
        request = contract.CreateTemplate(
            customer_id=customer.native_id,
            email_template_id=template,
            transaction_definition=input.transaction_definition,
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _create(
            ask, "CustomerEmailTemplate", customer.backend, request, input.idempotency_key, "template"
        )
        return payload(TemplatePayload, problems, template=record)

    @action("Changes which e-mail template a customer gets.", TemplatePayload)
    async def update_template(
        self: None, ask: Ask, input: Annotated[UpdateTemplateInput, strawberry.argument(description="What.")]
    ) -> TemplatePayload:
        """Changes which e-mail template a customer gets."""
        ref = ask.context.backends.require(input.id, "CustomerEmailTemplate", argument="id")
        request = contract.UpdateTemplate(
            native_id=ref.native_id,
            customer_id=_same_backend(ask, input.customer, "Customer", ref, "customer"),
            email_template_id=_same_backend(ask, input.email_template, "EmailTemplate", ref, "emailTemplate"),
            transaction_definition=_set(input.transaction_definition),
            vendor_fields=_object(input.vendor_fields),
        )
        record, problems = await _update(ask, ref, request, input.idempotency_key, "template")
        return payload(TemplatePayload, problems, template=record)

    @action("Takes an e-mail template away from a customer.", DeletePayload)
    async def delete_template(
        self: None, ask: Ask, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        """Takes an e-mail template away from a customer."""
        return await _delete(ask, input, "CustomerEmailTemplate", "delete_template")

    @action("Creates a standing message.", MessagePayload)
    async def create_message(
        self: None, ask: Ask, input: Annotated[CreateMessageInput, strawberry.argument(description="What.")]
    ) -> MessagePayload:
        """Creates a standing message."""
        backend = ask.context.backends.named(input.backend)
        request = contract.CreateMessage(code=input.code, text=input.text, status=input.status)
        record, problems = await _create(ask, "CustomerMessage", backend.key, request, input.idempotency_key, "message")
        return payload(MessagePayload, problems, message=record)

    @action("Changes a standing message.", MessagePayload)
    async def update_message(
        self: None, ask: Ask, input: Annotated[UpdateMessageInput, strawberry.argument(description="What.")]
    ) -> MessagePayload:
        """Changes a standing message."""
        ref = ask.context.backends.require(input.id, "CustomerMessage", argument="id")
        request = contract.UpdateMessage(
            native_id=ref.native_id,
            text=_set_not_null(input.text, "text"),
            status=_set_not_null(input.status, "status"),
        )
        record, problems = await _update(ask, ref, request, input.idempotency_key, "message")
        return payload(MessagePayload, problems, message=record)

    @action("Sets a document's status.", DocumentPayload)
    async def set_document_status(
        self: None, ask: Ask, input: Annotated[SetDocumentStatusInput, strawberry.argument(description="What.")]
    ) -> DocumentPayload:
        """Sets a document's status."""
        ref = ask.context.backends.require(input.id, "Correspondence", "Letter", argument="id")
        backend = ask.context.backends.named(ref.backend)
        prepare = part_of(backend, "set_document_status")
        request = contract.SetDocumentStatus(native_id=ref.native_id, status=status_change(input.status))
        record, problems = await _perform(ask, backend, ref.type, lambda: prepare(request), "document")
        return payload(DocumentPayload, problems, document=record)


def part_of(backend: Backend, name: str) -> Any:
    """A part of a backend's adapter. Raises UNSUPPORTED where it has none."""
    part = getattr(backend.adapter, name)
    if part is None:
        message = "This backend cannot do that."
        raise ProblemError(Problem(code=ProblemCode.UNSUPPORTED, message=message, backend=backend.key))
    return part


def status_change(given: StatusInput) -> StatusChange:
    """The status that an input names."""
    if given.state is not UNSET:
        return StatusChange(state=given.state)
    if not given.vendor_status:
        raise _invalid("vendorStatus", "vendorStatus is the vendor's word or number for a status, not empty.")
    return StatusChange(vendor_status=given.vendor_status)


async def _create(
    ask: Ask, type_name: str, backend_key: str, request: Any, idempotency_key: str | None, selected: str
) -> tuple[Any, list[Problem]]:
    backend = ask.context.backends.named(backend_key)
    writing = part_of(backend, PART_NAMES[type_name])
    key = passed_on_key(ask.context, backend, f"create{type_name}", idempotency_key)
    return await _perform(ask, backend, type_name, lambda: writing.create(request, key), selected)


async def _update(
    ask: Ask, ref: Ref, request: Any, idempotency_key: str | None, selected: str
) -> tuple[Any, list[Problem]]:
    backend = ask.context.backends.named(ref.backend)
    writing = part_of(backend, PART_NAMES[ref.type])
    key = passed_on_key(ask.context, backend, f"update{ref.type}", idempotency_key)
    return await _perform(ask, backend, ref.type, lambda: writing.update(request, key), selected)


async def _perform(
    ask: Ask, backend: Backend, type_name: str, prepare: Any, selected: str
) -> tuple[Any, list[Problem]]:
    outcome, problems = await perform(ask.context, backend, prepare)
    types = ("Document", type_name) if selected == "document" else (type_name,)
    wanted = ask.selection.below(selected).wanted(*types)
    if not ask.selection.has(selected):
        return outcome.record, problems
    record, unread = await written_record(ask.context, backend, type_name, outcome, wanted)
    return record, problems + unread


async def _delete(ask: Ask, input: DeleteInput, type_name: str, part: str) -> DeletePayload:
    ref = ask.context.backends.require(input.id, type_name, argument="id")
    backend = ask.context.backends.named(ref.backend)
    prepare: Any = part_of(backend, part)

    def prepared() -> PreparedCall:
        call: PreparedCall = prepare(ref.native_id)
        return call

    _, problems = await perform(ask.context, backend, prepared)
    return payload(DeletePayload, problems, deleted_id=None if problems else input.id)


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
