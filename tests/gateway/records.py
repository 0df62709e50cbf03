"""Records with every attribute known."""

from datetime import UTC, date, datetime
from typing import Any

from adapters.model import (
    Correspondence,
    Customer,
    CustomerEmailTemplate,
    CustomerMessage,
    DocumentState,
    EmailTemplate,
    Letter,
    RecordStatus,
)

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


def customer(backend: str, native_id: str, **members: Any) -> Customer:
    """A customer with every attribute known."""
    known: dict[str, Any] = {
        "code": f"C-{native_id}",
        "name": f"Company {native_id}",
        "status": RecordStatus.ACTIVE,
        "emails": (f"{native_id}@example.com",),
        "address": None,
        "currency": "GBP",
        "outstanding_balance": None,
        "raw": {"id": native_id},
    }
    return Customer(backend=backend, native_id=native_id, stable_id=native_id, **(known | members))


def correspondence(backend: str, native_id: str, customer_id: str | None = None, **members: Any) -> Correspondence:
    """Correspondence for a customer."""
    known: dict[str, Any] = {
        "date": date(2026, 1, 1),
        "title": f"Notice {native_id}",
        "state": DocumentState.READY,
        "raw": {},
    }
    return Correspondence(backend=backend, native_id=native_id, customer_id=customer_id, **(known | members))


def letter(backend: str, native_id: str, customer_id: str | None = None, **members: Any) -> Letter:
    """A letter to a customer."""
    known: dict[str, Any] = {
        "date": date(2026, 1, 1),
        "title": f"Letter {native_id}",
        "state": DocumentState.DRAFT,
        "raw": {},
    }
    return Letter(backend=backend, native_id=native_id, customer_id=customer_id, **(known | members))


def message(backend: str, native_id: str, **members: Any) -> CustomerMessage:
    """A message with every attribute known."""
    known: dict[str, Any] = {
        "text": "Thank you.",
        "status": RecordStatus.ACTIVE,
        "created_at": NOW,
        "created_by": "1",
        "raw": {},
    }
    known |= {"modified_at": NOW, "modified_by": "1"}
    return CustomerMessage(backend=backend, native_id=native_id, code=native_id, **(known | members))


def template(backend: str, native_id: str, customer_id: str, **members: Any) -> CustomerEmailTemplate:
    """A customer's e-mail template."""
    text = EmailTemplate(
        backend=backend, native_id=f"T{native_id}", name="Invoice", template_type="ar", subject="S", body="B", raw={}
    )
    known: dict[str, Any] = {"transaction_definition": None, "email_template": text, "raw": {}}
    return CustomerEmailTemplate(backend=backend, native_id=native_id, customer_id=customer_id, **(known | members))
