"""The vendor's objects that we read: their paths, and the query fields of each attribute of our records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from msgspec import UnsetType

from adapters.model import RawRecord
from adapters.sage_intacct import translate
from adapters.sage_intacct.query import Attribute
from adapters.sage_intacct.translate import CustomerRow, EmailTemplateRow, MessageRow, TemplateRow

__all__ = ["CUSTOMERS", "EMAIL_TEMPLATES", "MESSAGES", "TEMPLATES", "ObjectType"]

RowT = TypeVar("RowT")
RecordT = TypeVar("RecordT")


@dataclass(frozen=True, kw_only=True)
class ObjectType(Generic[RowT, RecordT]):
    """One of the vendor's objects.

    ``always`` are the fields of each query: those of the attributes that cannot be left UNSET. ``optional`` has the
    field of each that can. ``only_by_key`` are the attributes that only a GET of the record tells. ``in_references``
    are those that the plain list tells. ``translated`` makes our record of a row, a backend, the attributes known from
    the row, and the raw record.
    """

    path: str
    noun: str
    row: type[RowT]
    translated: Callable[[RowT, str, frozenset[str], RawRecord | UnsetType], RecordT]
    always: tuple[str, ...]
    optional: Mapping[str, str] = field(default_factory=dict)
    only_by_key: frozenset[str] = frozenset({"raw"})
    in_references: frozenset[str] = frozenset()
    filters: Mapping[str, Attribute] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)

    @property
    def segments(self) -> tuple[str, ...]:
        """The path of its collection, below the base."""
        return ("objects", *self.path.split("/"))

    def fields(self, wanted: frozenset[str]) -> tuple[str, ...]:
        """The query fields for these attributes."""
        return (*self.always, *(name for attribute, name in self.optional.items() if attribute in wanted))


CUSTOMERS = ObjectType(
    path="accounts-receivable/customer",
    noun="customer",
    row=CustomerRow,
    translated=translate.customer,
    always=("key", "id", "name", "status", "customerMessage.key"),
    optional={"outstanding_balance": "totalDue", "currency": "currency"},
    # contacts.default is deprecated, and deprecated fields cannot be queried; a GET still answers it.
    only_by_key=frozenset({"emails", "address", "raw"}),
    filters={
        "code": Attribute(field="id", nullable=False),
        "name": Attribute(field="name", nullable=False),
        "status": Attribute(field="status", kind="status", words=translate.CUSTOMER_STATUS),
        "outstanding_balance": Attribute(field="totalDue", kind="amount"),
    },
    orders={"name": "name", "code": "id", "outstanding_balance": "totalDue"},
)

TEMPLATES = ObjectType(
    path="accounts-receivable/customer-email-template",
    noun="template",
    row=TemplateRow,
    translated=translate.template,
    always=(
        "key",
        "customer.key",
        "txnDefinition.key",
        "txnDefinition.id",
        "emailTemplate.key",
        "emailTemplate.name",
        "emailTemplate.templateType",
    ),
    in_references=frozenset({"native_id"}),
    filters={
        "customer_id": Attribute(field="customer.key", kind="key", nullable=False),
        "customer_code": Attribute(field="customer.id", nullable=False),
        "customer_name": Attribute(field="customer.name", nullable=False),
        "template_name": Attribute(field="emailTemplate.name", nullable=False),
        "template_type": Attribute(field="emailTemplate.templateType"),
        "transaction_definition": Attribute(field="txnDefinition.id"),
    },
    orders={
        "customer_code": "customer.id",
        "template_name": "emailTemplate.name",
        "transaction_definition": "txnDefinition.id",
    },
)

MESSAGES = ObjectType(
    path="accounts-receivable/customer-message",
    noun="message",
    row=MessageRow,
    translated=translate.message,
    always=("key", "id"),
    optional={
        "text": "message",
        "status": "status",
        "created_at": "audit.createdDateTime",
        "created_by": "audit.createdBy",
        "modified_at": "audit.modifiedDateTime",
        "modified_by": "audit.modifiedBy",
    },
    in_references=frozenset({"native_id", "code"}),
    filters={
        "code": Attribute(field="id", nullable=False),
        "text": Attribute(field="message", nullable=False),
        "status": Attribute(field="status", kind="status", words=translate.MESSAGE_STATUS),
        "created_at": Attribute(field="audit.createdDateTime", kind="moment"),
        "modified_at": Attribute(field="audit.modifiedDateTime", kind="moment"),
    },
)

EMAIL_TEMPLATES = ObjectType(
    path="company-config/email-template",
    noun="email_template",
    row=EmailTemplateRow,
    translated=translate.email_template,
    always=("key",),
    optional={"name": "name", "template_type": "templateType"},
    only_by_key=frozenset({"subject", "body", "raw"}),
)
