"""Idempotency keys as callers give them, and what tells the inputs apart that they are given with."""

import dataclasses
import datetime
import enum
import re
from typing import Any

from strawberry import UNSET

from gateway.problems import Problem, ProblemCode, ProblemError

__all__ = ["LONGEST_KEY", "checked_key", "input_json", "key_conflict"]

LONGEST_KEY = 255
"""Characters of an idempotency key: a unique index holds it together with its principal and mutation, and a row of an
index may have some 2,700 bytes in PostgreSQL, a third of a page; 255 characters are at most 1,020 of them."""

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no PostgreSQL text can hold: NUL, and halves of surrogate pairs, which UTF-8 has not."""


def checked_key(key: str | None) -> str | None:
    """The key, if there is one. Raises INVALID_INPUT for one that cannot be kept as it is."""
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY:
        raise _invalid(f"idempotencyKey has 1 to {LONGEST_KEY} characters; this one has {len(key)}.")
    if (found := _NOT_TEXT.search(key)) is not None:
        raise _invalid(f"idempotencyKey has U+{ord(found[0]):04X} at position {found.start()}, which cannot be kept.")
    return key


def input_json(value: Any) -> Any:
    """An input as JSON, without its idempotency key and without what is as if it had been left out."""
    if dataclasses.is_dataclass(value):
        members = {field.name: (getattr(value, field.name), field.default) for field in dataclasses.fields(value)}
        return {
            name: input_json(member)
            for name, (member, default) in members.items()
            if name != "idempotency_key" and member is not UNSET and member != default
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return [input_json(one) for one in value]
    if isinstance(value, dict):
        return {name: input_json(one) for name, one in value.items()}
    return value if isinstance(value, str | int | float | None) else str(value)


def key_conflict() -> ProblemError:
    """The refusal of a key that is given again with another input."""
    message = "This key was used before with another input: use a new key for a new request."
    code = ProblemCode.IDEMPOTENCY_CONFLICT
    return ProblemError(Problem(code=code, message=message, path=("idempotencyKey",)))


def _invalid(message: str) -> ProblemError:
    return ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("idempotencyKey",)))
