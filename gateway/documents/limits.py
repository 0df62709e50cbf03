"""What a document and its variables may be at most. What is over a figure is refused with it, and unread."""

from collections.abc import Iterator

from graphql import DocumentNode, GraphQLError
from msgspec import Struct

from gateway.documents.shape import Shape, comparisons_of
from gateway.public_codes import RequestCode

__all__ = ["DocumentLimits", "over_limits", "too_much"]

NODES_PER_TOKEN = 3
"""A token makes two nodes at most, as a field without arguments does. With what fragments are spread twice, three."""


class DocumentLimits(Struct, frozen=True, kw_only=True):
    """The most of each; `gateway.settings_limits` says of what, and why so much."""

    tokens: int = 4_000
    depth: int = 20
    root_fields: int = 20
    fields: int = 1_000
    aliases: int = 50
    directives: int = 50
    comparisons: int = 5_000
    variables: int = 50_000
    cost: int = 2_000


def over_limits(shape: Shape, document: DocumentNode, limits: DocumentLimits) -> list[GraphQLError]:
    """An error for each limit that a document is over."""
    errors = list(_counted(shape, limits))
    if not errors:  # only a document that is small otherwise is compared in little time
        comparisons = comparisons_of(document)
        if comparisons > limits.comparisons:
            what = "Selections of the same names that come together make"
            errors.append(too_much("comparisons", f"{what} {{}} pairs", comparisons, limits.comparisons))
    return errors


def _counted(shape: Shape, limits: DocumentLimits) -> Iterator[GraphQLError]:
    counted = (
        ("depth", "The document is {} fields deep", shape.depth, limits.depth),
        ("root_fields", "An operation has {} root fields", shape.root_fields, limits.root_fields),
        ("fields", "The document has {} fields, fragments spread out", shape.fields, limits.fields),
        ("aliases", "The document has {} aliases, fragments spread out", shape.aliases, limits.aliases),
        ("directives", "The document has {} directives, fragments spread out", shape.directives, limits.directives),
        ("tokens", "The document has {} parts, fragments spread out", shape.nodes, limits.tokens * NODES_PER_TOKEN),
    )
    return (too_much(name, what, actual, most) for name, what, actual, most in counted if actual > most)


def too_much(
    name: str, what: str, actual: int, most: int, code: RequestCode = RequestCode.DOCUMENT_LIMIT, *, advice: str = ""
) -> GraphQLError:
    """The error of a figure that is over the limit of this name. Beyond a billion it is only said to be so."""
    shown = min(actual, 10**9)
    figure = f"{shown}" if shown == actual else f"more than {shown}"
    message = f"{what.format(figure)}; at most {most} are allowed (limits.{name}).{advice}"
    return GraphQLError(message, extensions={"code": code.value, "limit": name, "maximum": most, "actual": shown})
