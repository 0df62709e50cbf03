"""What every record has: a global id."""

from typing import Any

import strawberry

from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.dispatch.records import Dispatch
from gateway.ids import encode
from gateway.record_types import NAMES
from gateway.schema.fields import derived

__all__ = ["DISPATCH_SCOPE", "Node"]

DISPATCH_SCOPE = "-"
"""What stands for the backend in a dispatch's id: it may concern several."""


@strawberry.interface(description="A record with a global id, which `node` finds again.")
class Node:
    """A record with a global id."""

    @derived(
        "The record's global id: opaque. It holds the backend's key and the vendor's own key of the record, and lasts "
        "as long as the vendor keeps that: a customer code that its owner changes makes another id.",
        "native_id",
    )
    def id(self: Any, context: RequestContext) -> strawberry.ID:
        """The global id."""
        if (name := NAMES.get(type(self))) is not None:
            return strawberry.ID(encode(name, self.backend, self.native_id))
        if isinstance(self, Dispatch):
            return strawberry.ID(encode("Dispatch", DISPATCH_SCOPE, self.id))
        backend: Backend = self
        return strawberry.ID(backend.id)
