"""What can be created and changed, and what comes back."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from adapters.model import DocumentState, RecordStatus
from gateway.principals import Scope
from gateway.problems import Problem
from gateway.schema.access import NEEDS
from gateway.schema.document import Correspondence, Document, Letter
from gateway.schema.message import CustomerMessage
from gateway.schema.problem import ProblemType
from gateway.schema.template import CustomerEmailTemplate

__all__ = [
    "CorrespondencePayload",
    "CreateCorrespondenceInput",
    "CreateLetterInput",
    "CreateMessageInput",
    "CreateTemplateInput",
    "DeleteInput",
    "DeletePayload",
    "DocumentPayload",
    "LetterPayload",
    "MessagePayload",
    "SetDocumentStatusInput",
    "StatusInput",
    "TemplatePayload",
    "UpdateCorrespondenceInput",
    "UpdateLetterInput",
    "UpdateMessageInput",
    "UpdateTemplateInput",
    "payload",
]

T = TypeVar("T")

_KEY = (
    "The same key with the same input does the work once, and answers again what became of it; kept for 7 days at "
    "least. With another input it is IDEMPOTENCY_CONFLICT; while the first request is still running, a CONFLICT that "
    "is `retryable`. What is proved undone frees the key."
)
_VENDOR_FIELDS = "An object of further fields, passed to the vendor unchanged; none that this input has itself."
_UNCHANGED = "Unchanged when absent."


def _given(description: str) -> Any:
    """An input field that may be left out."""
    return strawberry.field(default=UNSET, description=description)


def _optional(description: str) -> Any:
    return strawberry.field(default=None, description=description)


def _passed_on() -> Any:
    """An input field for what the schema does not name."""
    return strawberry.field(name="vendorFields", default=None, description=_VENDOR_FIELDS, metadata={NEEDS: Scope.RAW})


@strawberry.input(description="Correspondence for a customer.")
class CreateCorrespondenceInput:
    """Correspondence for a customer."""

    customer: strawberry.ID = strawberry.field(description="Whom it is for, by id.")
    type: str = strawberry.field(description="Its type, in the vendor's words.")
    date: datetime.date | None = _optional("Its date; the vendor's choice when absent.")
    number: str | None = _optional("Its number; the vendor's next when absent.")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A change of correspondence.")
class UpdateCorrespondenceInput:
    """A change of correspondence."""

    id: strawberry.ID = strawberry.field(description="Which.")
    date: datetime.date | None = _given(f"Its date. {_UNCHANGED}")
    number: str | None = _given(f"Its number. {_UNCHANGED}")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A letter to one of a customer's addresses.")
class CreateLetterInput:
    """A letter."""

    customer: strawberry.ID = strawberry.field(description="Whom it is for, by id.")
    address_id: str | None = _optional("The vendor's id of the address it goes to.")
    contact_id: str | None = _optional("The vendor's id of the person it is for.")
    date: datetime.date = strawberry.field(description="Its date.")
    title: str | None = _optional("What it is called.")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A change of a letter.")
class UpdateLetterInput:
    """A change of a letter."""

    id: strawberry.ID = strawberry.field(description="Which.")
    customer: strawberry.ID | None = _given(f"Whom it is for, by id. {_UNCHANGED}")
    address_id: str | None = _given(f"The vendor's id of the address it goes to. {_UNCHANGED}")
    contact_id: str | None = _given(f"The vendor's id of the person it is for. {_UNCHANGED}")
    date: datetime.date | None = _given(f"Its date. {_UNCHANGED}")
    title: str | None = _given(f"What it is called. {_UNCHANGED}")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="An e-mail template for a customer.")
class CreateTemplateInput:
    """An e-mail template for a customer."""

    customer: strawberry.ID = strawberry.field(description="Who gets it, by id.")
    email_template: strawberry.ID = strawberry.field(description="Which template, by id.")
    transaction_definition: str | None = _optional("For which kind of transaction, by the vendor's id of it.")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A change of which e-mail template a customer gets.")
class UpdateTemplateInput:
    """A change of which e-mail template a customer gets."""

    id: strawberry.ID = strawberry.field(description="Which.")
    customer: strawberry.ID | None = _given(f"Who gets it, by id. {_UNCHANGED}")
    email_template: strawberry.ID | None = _given(f"Which template, by id. {_UNCHANGED}")
    transaction_definition: str | None = _given(f"For which kind of transaction. {_UNCHANGED}")
    vendor_fields: JSON | None = _passed_on()
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A standing message.")
class CreateMessageInput:
    """A standing message."""

    backend: str = strawberry.field(description="At which backend, by key.")
    code: str = strawberry.field(description="Its own id, unique at the vendor.")
    text: str = strawberry.field(description="The text.")
    status: RecordStatus = strawberry.field(default=RecordStatus.ACTIVE, description="Whether it is in use.")
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="A change of a standing message.")
class UpdateMessageInput:
    """A change of a standing message."""

    id: strawberry.ID = strawberry.field(description="Which.")
    text: str | None = _given(f"The text. {_UNCHANGED}")
    status: RecordStatus | None = _given(f"Whether it is in use. {_UNCHANGED}")
    idempotency_key: str | None = _optional(_KEY)


@strawberry.input(description="What to delete.")
class DeleteInput:
    """What to delete."""

    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(one_of=True, description="A status, in one of two ways.")
class StatusInput:
    """A status, in one of two ways."""

    state: DocumentState | None = _given("The normalised state.")
    vendor_status: str | None = _given("The vendor's own word or number for it.")


@strawberry.input(description="A document's new status.")
class SetDocumentStatusInput:
    """A document's new status."""

    id: strawberry.ID = strawberry.field(description="Which document.")
    status: StatusInput = strawberry.field(description="The new status.")


_PROBLEMS = "Why it was not done, or not wholly. Empty when all went well."


@strawberry.type(description="Correspondence that was written.")
class CorrespondencePayload:
    """Correspondence that was written."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    correspondence: Correspondence | None = _optional("As it now is.")


@strawberry.type(description="A letter that was written.")
class LetterPayload:
    """A letter that was written."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    letter: Letter | None = _optional("As it now is.")


@strawberry.type(description="A customer's e-mail template that was written.")
class TemplatePayload:
    """A customer's e-mail template that was written."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    template: CustomerEmailTemplate | None = _optional("As it now is.")


@strawberry.type(description="A message that was written.")
class MessagePayload:
    """A message that was written."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    message: CustomerMessage | None = _optional("As it now is.")


@strawberry.type(description="A document that was changed.")
class DocumentPayload:
    """A document that was changed."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    document: Document | None = _optional("As it now is.")


@strawberry.type(description="What was deleted.")
class DeletePayload:
    """What was deleted."""

    problems: list[ProblemType] = strawberry.field(description=_PROBLEMS)
    deleted_id: strawberry.ID | None = _optional("Its id, which finds nothing any more.")


def payload(cls: Callable[..., T], problems: Sequence[Problem], **members: Any) -> T:
    """A payload of the model's own records and problems; what the schema makes of them is said by its fields."""
    return cls(problems=list(problems), **members)
