"""What went wrong, as the schema shows it."""

import strawberry

from gateway.problems import ProblemCode
from gateway.schema.fields import attribute

__all__ = ["ProblemType"]


@strawberry.type(
    name="Problem",
    description="What went wrong, as data. A failed field is a GraphQL error with the same members in `extensions`.",
)
class ProblemType:
    """What went wrong."""

    code: ProblemCode = attribute("code", "What kind of thing it is.")
    message: str = attribute("message", "A sentence for people.")
    path: list[str] | None = attribute("path", "The argument or input field at fault.")
    backend: str | None = attribute("backend", "The key of the backend that it happened at.")
    vendor_code: str | None = attribute("vendor_code", "The vendor's own code, unchanged.")
    retryable: bool = attribute("retryable", "Whether the same request may succeed later.")
    retry_after: int | None = attribute("retry_after", "Seconds after which to try again, where the vendor said so.")
