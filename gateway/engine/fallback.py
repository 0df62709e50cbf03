"""What is not compiled, and why: such an operation is executed by graphql-core, whole."""

from enum import StrEnum

__all__ = ["NotCompiledError", "Reason"]


class Reason(StrEnum):
    """Why an operation is left to graphql-core; a label of the metric that counts them."""

    SUBSCRIPTION = "subscription"
    INCREMENTAL = "incremental"
    INTROSPECTION = "introspection"
    UNDECLARED = "undeclared"
    """A field has a resolver of its own."""
    CONDITION = "condition"
    """A condition has no value, which is an error that graphql-core places."""
    VARIANTS = "variants"
    """Its conditions were asked in too many combinations: each is a plan of its own."""
    TOO_LARGE = "too_large"
    """Its plan would have more fields than `gateway.engine.plan.MOST_FIELDS`."""


class NotCompiledError(Exception):
    """This operation is not compiled."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
