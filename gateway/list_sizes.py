"""How many items a list in an argument or an input has at most: each figure with its reason.

Lists of ids that are read at once have as many as a page has records, by setting; what a filter has is counted whole,
in `gateway.schema.filters`. The customers of a statement run are as many as a request's variables may have values.
"""

from collections.abc import Sequence
from typing import Any, Final

from gateway.problems import Problem, ProblemCode, ProblemError

__all__ = [
    "MOST_ATTACHMENTS",
    "MOST_DOCUMENTS",
    "MOST_GROUPS",
    "MOST_KEYS",
    "MOST_MEASURES",
    "MOST_RECIPIENTS",
    "MOST_STATES",
    "no_more_than",
]

MOST_DOCUMENTS: Final = 10_000
"""Documents in one run: their ids alone are a megabyte of request."""

MOST_KEYS: Final = 1_000
"""Backends that are named: far more than any gateway has."""

MOST_STATES: Final = 100
"""States, or ways of sending: there are ten."""

MOST_MEASURES: Final = 20
"""What is computed of each group: the vendor computes all in one call, which its operator pays for."""

MOST_GROUPS: Final = 10
"""Fields to group by: rows grow with the product of their values."""

MOST_RECIPIENTS: Final = 100
"""Addresses of one e-mail: each is part of every document's entry in the ledger. Mail servers take as many at least
(RFC 5321, 4.5.3.1.8), and few take more."""

MOST_ATTACHMENTS: Final = 20
"""Further documents in one e-mail: a mailbox takes some 20 MB in all."""


def no_more_than(values: Sequence[Any] | None, most: int, *path: str, of: str = "values") -> None:
    """Raises INVALID_INPUT, naming the argument or the input's member by its path, for a list of more values."""
    count = len(values or ())
    if count > most:
        message = f"`{path[-1]}` has at most {most} {of}; {count} were given."
        raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=path))
