"""E-mail templates, and which one a customer gets."""

from typing import TYPE_CHECKING, Annotated, Any, Optional

import strawberry
from strawberry.scalars import JSON

from adapters import model
from gateway.context import Ask, RequestContext
from gateway.loaders import RecordKey
from gateway.schema.backend import BackendType
from gateway.schema.fields import attribute, derived, fetched, load, raw_record
from gateway.schema.node import Node

if TYPE_CHECKING:
    from gateway.schema.customer import Customer

__all__ = ["CustomerEmailTemplate", "EmailTemplate", "TransactionDefinition"]

LazyCustomer = Annotated["Customer", strawberry.lazy("gateway.schema.customer")]


@strawberry.type(description="The kind of transaction that an e-mail template is for.")
class TransactionDefinition:
    """A kind of transaction."""

    native_id: str | None = attribute("native_id", "The vendor's key of it.")
    name: str | None = attribute("name", "What it is called.")


@strawberry.type(description="The text of an e-mail.")
class EmailTemplate(Node):
    """The text of an e-mail."""

    @derived("Where it is kept.", "backend")
    def backend(self: model.EmailTemplate, context: RequestContext) -> BackendType:
        """Where it is kept."""
        backend: Any = context.backends.get(self.backend)
        return backend  # type: ignore[no-any-return]

    native_id: str = attribute("native_id", "The key that the vendor's own URLs use.")
    name: str | None = fetched("name", "What it is called.")
    template_type: str | None = fetched("template_type", "What it is for, in the vendor's words.")
    subject: str | None = fetched("subject", "The subject line. May cost a call of its own.")
    body: str | None = fetched("body", "The text. May cost a call of its own.")
    raw: JSON | None = raw_record()

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is an e-mail template."""
        return isinstance(value, model.EmailTemplate)


@strawberry.type(description="Which e-mail template a customer gets for one kind of transaction.")
class CustomerEmailTemplate(Node):
    """Which e-mail template a customer gets."""

    @derived("Where it is kept.", "backend")
    def backend(self: model.CustomerEmailTemplate, context: RequestContext) -> BackendType:
        """Where it is kept."""
        backend: Any = context.backends.get(self.backend)
        return backend  # type: ignore[no-any-return]

    native_id: str = attribute("native_id", "The key that the vendor's own URLs use.")

    @load("record", "Who gets it.", "customer_id", returns=Optional[LazyCustomer])
    def customer(self: model.CustomerEmailTemplate, ask: Ask) -> RecordKey | None:
        """Who gets it."""
        if self.customer_id is None:
            return None
        return RecordKey("Customer", self.backend, self.customer_id, ask.selection.wanted("Customer"))

    transaction_definition: TransactionDefinition | None = attribute(
        "transaction_definition", "For which kind of transaction; null for all that have none of their own."
    )
    email_template: EmailTemplate | None = attribute("email_template", "The template.")
    raw: JSON | None = raw_record()

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a customer's e-mail template."""
        return isinstance(value, model.CustomerEmailTemplate)
