"""The mutations that create, change and delete vendors' records: the same for every kind, but for its request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from adapters import contract
from adapters.contract import PreparedCall
from gateway.backends import Backend
from gateway.context import Ask
from gateway.dispatch.fingerprint import input_hash
from gateway.dispatch.ledger import IdempotencyConflictError, WriteKey
from gateway.ids import Ref
from gateway.principals import Scope
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema import record_requests as requests
from gateway.schema.access import require
from gateway.schema.fields import action
from gateway.schema.idempotency_keys import checked_key, input_json, key_conflict
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
    TemplatePayload,
    UpdateCorrespondenceInput,
    UpdateLetterInput,
    UpdateMessageInput,
    UpdateTemplateInput,
    payload,
)
from gateway.writes import passed_on_key, perform, written_record

__all__ = ["RecordMutations", "part_of"]

P = TypeVar("P")

What = strawberry.argument(description="What.")
Which = strawberry.argument(description="Which.")


@dataclass(frozen=True)
class Kind(Generic[P]):
    """A kind of record: its type, what payloads and mutations call it, its payload, and what of an adapter writes it.

    ``interface`` is the type of the payload's member, where that is not the record's own.
    """

    type_name: str
    member: str
    payload: Callable[..., P]
    part: str
    interface: str | None = None


CORRESPONDENCE = Kind("Correspondence", "correspondence", CorrespondencePayload, "write_correspondence")
LETTER = Kind("Letter", "letter", LetterPayload, "write_letters")
TEMPLATE = Kind("CustomerEmailTemplate", "template", TemplatePayload, "write_templates")
MESSAGE = Kind("CustomerMessage", "message", MessagePayload, "write_messages")


@strawberry.type
class RecordMutations:
    """What creates, changes and deletes vendors' records."""

    @action("Creates correspondence for a customer.", CorrespondencePayload, Scope.WRITE)
    async def create_correspondence(
        self: None, ask: Ask, input: Annotated[CreateCorrespondenceInput, What]
    ) -> CorrespondencePayload:
        """Creates correspondence for a customer."""
        return await _create(ask, CORRESPONDENCE, input, requests.new_correspondence)

    @action("Changes correspondence.", CorrespondencePayload, Scope.WRITE)
    async def update_correspondence(
        self: None, ask: Ask, input: Annotated[UpdateCorrespondenceInput, What]
    ) -> CorrespondencePayload:
        """Changes correspondence."""
        return await _update(ask, CORRESPONDENCE, input, requests.changed_correspondence)

    @action("Deletes correspondence.", DeletePayload, Scope.WRITE)
    async def delete_correspondence(self: None, ask: Ask, input: Annotated[DeleteInput, Which]) -> DeletePayload:
        """Deletes correspondence."""
        return await _delete(ask, CORRESPONDENCE, input)

    @action("Creates a letter.", LetterPayload, Scope.WRITE)
    async def create_letter(self: None, ask: Ask, input: Annotated[CreateLetterInput, What]) -> LetterPayload:
        """Creates a letter."""
        return await _create(ask, LETTER, input, requests.new_letter)

    @action("Changes a letter.", LetterPayload, Scope.WRITE)
    async def update_letter(self: None, ask: Ask, input: Annotated[UpdateLetterInput, What]) -> LetterPayload:
        """Changes a letter."""
        return await _update(ask, LETTER, input, requests.changed_letter)

    @action("Deletes a letter.", DeletePayload, Scope.WRITE)
    async def delete_letter(self: None, ask: Ask, input: Annotated[DeleteInput, Which]) -> DeletePayload:
        """Deletes a letter."""
        return await _delete(ask, LETTER, input)

    @action("Gives a customer an e-mail template.", TemplatePayload, Scope.WRITE)
    async def create_template(self: None, ask: Ask, input: Annotated[CreateTemplateInput, What]) -> TemplatePayload:
        """Gives a customer an e-mail template."""
        return await _create(ask, TEMPLATE, input, requests.new_template)

    @action("Changes which e-mail template a customer gets.", TemplatePayload, Scope.WRITE)
    async def update_template(self: None, ask: Ask, input: Annotated[UpdateTemplateInput, What]) -> TemplatePayload:
        """Changes which e-mail template a customer gets."""
        return await _update(ask, TEMPLATE, input, requests.changed_template)

    @action("Takes an e-mail template away from a customer.", DeletePayload, Scope.WRITE)
    async def delete_template(self: None, ask: Ask, input: Annotated[DeleteInput, Which]) -> DeletePayload:
        """Takes an e-mail template away from a customer."""
        return await _delete(ask, TEMPLATE, input)

    @action("Creates a standing message.", MessagePayload, Scope.WRITE)
    async def create_message(self: None, ask: Ask, input: Annotated[CreateMessageInput, What]) -> MessagePayload:
        """Creates a standing message."""
        return await _create(ask, MESSAGE, input, requests.new_message)

    @action("Changes a standing message.", MessagePayload, Scope.WRITE)
    async def update_message(self: None, ask: Ask, input: Annotated[UpdateMessageInput, What]) -> MessagePayload:
        """Changes a standing message."""
        return await _update(ask, MESSAGE, input, requests.changed_message)

    @action("Sets a document's status.", DocumentPayload, Scope.WRITE)
    async def set_document_status(
        self: None, ask: Ask, input: Annotated[SetDocumentStatusInput, What]
    ) -> DocumentPayload:
        """Sets a document's status."""
        ref = ask.context.backends.require(input.id, "Correspondence", "Letter", argument="id")
        backend = ask.context.backends.named(ref.backend)
        kind = Kind(ref.type, "document", DocumentPayload, "set_document_status", interface="Document")
        prepare = part_of(backend, kind.part)
        request = contract.SetDocumentStatus(native_id=ref.native_id, status=requests.status_change(input.status))
        return await _write(ask, kind, backend, prepare(request), None)


def part_of(backend: Backend, name: str) -> Any:
    """A part of a backend's adapter. Raises UNSUPPORTED where it has none."""
    part = getattr(backend.adapter, name)
    if part is None:
        message = "This backend cannot do that."
        raise ProblemError(Problem(code=ProblemCode.UNSUPPORTED, message=message, backend=backend.key))
    return part


async def _create(ask: Ask, kind: Kind[P], input: Any, new: Callable[[Ask, Any], tuple[str, Any]]) -> P:
    """Creates the record that ``new(ask, input)`` describes, at the backend that it names."""
    key = _write_key(ask, f"create{kind.member.capitalize()}", input)
    backend_key, request = new(ask, input)
    backend = ask.context.backends.named(backend_key)
    call = part_of(backend, kind.part).create(request, passed_on_key(backend, key))
    return await _write(ask, kind, backend, call, key)


async def _update(ask: Ask, kind: Kind[P], input: Any, changed: Callable[[Ask, Ref, Any], Any]) -> P:
    """Changes of a record what ``changed(ask, ref, input)`` says."""
    key = _write_key(ask, f"update{kind.member.capitalize()}", input)
    ref = ask.context.backends.require(input.id, kind.type_name, argument="id")
    backend = ask.context.backends.named(ref.backend)
    call = part_of(backend, kind.part).update(changed(ask, ref, input), passed_on_key(backend, key))
    return await _write(ask, kind, backend, call, key)


async def _delete(ask: Ask, kind: Kind[Any], input: DeleteInput) -> DeletePayload:
    ref = ask.context.backends.require(input.id, kind.type_name, argument="id")
    backend = ask.context.backends.named(ref.backend)
    prepare = part_of(backend, f"delete_{kind.member}")
    written = await perform(ask.context, backend, prepare(ref.native_id), None)
    return payload(DeletePayload, written.problems, deleted_id=None if written.problems else input.id)


async def _write(ask: Ask, kind: Kind[P], backend: Backend, call: PreparedCall, key: WriteKey | None) -> P:
    """Performs a call; the payload has the record that was written, as the vendor answered it or read back.

    Who may not read may not have it answered either: nothing is written then.
    """
    if ask.selection.has(kind.member):
        require(ask.context.principal, Scope.READ)
    try:
        written = await perform(ask.context, backend, call, key)
    except IdempotencyConflictError as error:
        raise key_conflict() from error
    record, problems = written.outcome.record, list(written.problems)
    if ask.selection.has(kind.member):
        types = (kind.type_name,) if kind.interface is None else (kind.type_name, kind.interface)
        wanted = ask.selection.below(kind.member).wanted(*types)
        record, unread = await written_record(ask.context, backend, kind.type_name, written.outcome, wanted)
        problems += unread
    return payload(kind.payload, problems, **{kind.member: record})


def _write_key(ask: Ask, mutation: str, input: Any) -> WriteKey | None:
    key = checked_key(input.idempotency_key)
    if key is None:
        return None
    digest = input_hash(mutation, input_json(input))
    return WriteKey(principal=ask.context.principal.id, mutation=mutation, key=key, input_hash=digest)
