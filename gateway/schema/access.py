"""What a caller may do: a field declares the scope that it needs, and this alone says what becomes of who lacks it."""

import dataclasses
from typing import Any

from gateway.principals import Principal, Scope
from gateway.problems import Problem, ProblemCode, ProblemError

__all__ = ["NEEDS", "forbidden", "forbidden_answer", "require", "require_for_input"]

NEEDS = "postroom.scope"
"""The key in an input field's metadata, of the scope that giving it takes."""


def require(principal: Principal, scope: Scope) -> None:
    """Raises FORBIDDEN, naming the scope, for a principal without it."""
    if scope not in principal.scopes:
        raise ProblemError(forbidden(scope))


def require_for_input(principal: Principal, value: Any) -> None:
    """Raises FORBIDDEN for an input with a field given whose scope the principal lacks.

    Null counts as not given, as it does to whoever reads these inputs.
    """
    if not dataclasses.is_dataclass(value):
        return
    for field in dataclasses.fields(value):
        scope = getattr(field, "metadata", {}).get(NEEDS)
        given = getattr(value, field.name)
        if scope is not None and given and scope not in principal.scopes:
            raise ProblemError(forbidden(scope, field.graphql_name or field.name))  # type: ignore[attr-defined]


def forbidden(scope: Scope, *path: str) -> Problem:
    """The problem of who lacks a scope; ``path`` names the input field that takes it."""
    message = f'This needs the scope "{scope.value}", which was not given to who asks.'
    return Problem(code=ProblemCode.FORBIDDEN, message=message, path=path or None)


def forbidden_answer(scope: Scope) -> Problem:
    """The problem of who may not see what they ask of a mutation's answer."""
    message = f'What is asked of the answer needs the scope "{scope.value}", which was not given to who asks.'
    return Problem(code=ProblemCode.FORBIDDEN, message=f"{message} Nothing was done: ask for less of it.")
