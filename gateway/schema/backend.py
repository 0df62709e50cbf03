"""A configured connection, and what is known of it."""

import datetime
from typing import Any

import strawberry

from gateway import backends
from gateway.backends import Capability
from gateway.context import RequestContext
from gateway.schema.fields import attribute, derived
from gateway.schema.node import Node
from gateway.schema.problem import ProblemType
from gateway.upstream.health import HealthState

__all__ = ["BackendType"]


@strawberry.type(description="What is known of a backend's health without asking it now.")
class BackendHealth:
    """What is known of a backend's health."""

    state: HealthState = attribute("state", "What its last calls showed.")
    since: datetime.datetime | None = attribute("since", "Since when it has been so.")
    problem: ProblemType | None = attribute("problem", "Why it is not UP, where that is known.")


@strawberry.type(description="How much may be asked of a backend now.")
class BackendBudget:
    """How much may be asked of a backend now."""

    remaining: int | None = attribute("remaining", "How many calls may begin at once before one has to wait.")
    resets_at: datetime.datetime | None = attribute(
        "resets_at", "When a limit over time starts afresh, where there is one."
    )
    queued: int = attribute("queued", "How many calls are waiting for their turn.")


@strawberry.type(name="Backend", description="One configured connection to one account at one invoicing vendor.")
class BackendType(Node):
    """One configured connection."""

    key: str = attribute("key", "Its permanent name in the configuration; ids depend on it.")

    @derived("The adapter's name. A string: a new adapter needs no change of the schema.")
    def vendor(self: backends.Backend, context: RequestContext) -> str:
        """The adapter's name."""
        return self.vendor.name

    capabilities: list[Capability] = attribute("capabilities", "What it can do, read off what the adapter offers.")
    health: BackendHealth = attribute("health", "What is known without asking the vendor now.")

    @derived("How much may be asked of it now.")
    def budget(self: backends.Backend, context: RequestContext) -> BackendBudget:
        """How much may be asked of it now."""
        budget: Any = self.limiter
        return budget  # type: ignore[no-any-return]

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a backend."""
        return isinstance(value, backends.Backend)
