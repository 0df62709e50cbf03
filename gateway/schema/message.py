"""Standing messages."""

import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from adapters import model
from adapters.model import RecordStatus
from gateway.context import RequestContext
from gateway.schema.backend import BackendType
from gateway.schema.fields import attribute, derived, fetched, raw_record
from gateway.schema.node import Node

__all__ = ["CustomerMessage"]


@strawberry.type(description="A standing text that customers' invoices carry.")
class CustomerMessage(Node):
    """A standing text."""

    @derived("Where it is kept.", "backend")
    def backend(self: model.CustomerMessage, context: RequestContext) -> BackendType:
        """Where it is kept."""
        backend: Any = context.backends.get(self.backend)
        return backend  # type: ignore[no-any-return]

    native_id: str = attribute("native_id", "The key that the vendor's own URLs use.")
    code: str | None = attribute("code", "Its own id at the vendor.")
    text: str | None = fetched("text", "The text.")
    status: RecordStatus = fetched("status", "Whether it is in use.")
    created_at: datetime.datetime | None = fetched("created_at", "When it was created.")
    created_by: str | None = fetched("created_by", "The vendor's id of who created it.")
    modified_at: datetime.datetime | None = fetched("modified_at", "When it was last changed.")
    modified_by: str | None = fetched("modified_by", "The vendor's id of who last changed it.")
    raw: JSON | None = raw_record()

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a message."""
        return isinstance(value, model.CustomerMessage)
