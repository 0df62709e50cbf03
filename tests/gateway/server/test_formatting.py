"""Every error of every frame has a public code; what is none of ours is INTERNAL, and logged once."""

from typing import Any

import pytest
import structlog
from graphql import ExecutionResult, GraphQLError
from graphql.execution import (
    CompletedResult,
    IncrementalDeferResult,
    IncrementalStreamResult,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
)

from adapters.errors import Unavailable
from gateway.server.formatting import Frame, formatted_error, formatted_frame, formatted_result

SECRET = "token=hunter2"


def leaky() -> list[GraphQLError]:
    """An error as graphql-core makes it of an exception that nobody has looked at."""
    return [GraphQLError(SECRET, path=["a", 0], original_error=RuntimeError(SECRET))]


def errors_in(content: Any) -> list[Any]:
    """All errors of a frame, wherever they stand."""
    if isinstance(content, dict):
        return [*content.get("errors", ()), *(error for part in content.values() for error in errors_in(part))]
    return [error for part in content for error in errors_in(part)] if isinstance(content, list) else []


FRAMES: list[Frame] = [
    ExecutionResult({"a": None}, leaky()),
    InitialIncrementalExecutionResult({"a": None}, leaky(), has_next=True),
    SubsequentIncrementalExecutionResult(incremental=[IncrementalDeferResult({"a": None}, "0", errors=leaky())]),
    SubsequentIncrementalExecutionResult(incremental=[IncrementalStreamResult([None], "0", errors=leaky())]),
    SubsequentIncrementalExecutionResult(completed=[CompletedResult("0", leaky())]),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_an_error_of_any_frame_tells_nothing_but_its_incident(frame: Frame) -> None:
    with structlog.testing.capture_logs() as logs:
        content = formatted_frame(frame)
    (error,) = errors_in(content)
    (entry,) = logs
    assert SECRET not in str(content)
    assert (error["message"], error["path"]) == ("Something went wrong inside the gateway.", ["a", 0])
    assert error["extensions"] == {"code": "INTERNAL", "incident": entry["incident"]}
    assert str(entry["exc_info"]) == SECRET


def test_a_code_that_is_not_public_is_internal() -> None:
    error = GraphQLError(SECRET, extensions={"code": "SOMEBODY_ELSES"})
    with structlog.testing.capture_logs() as logs:
        shown = formatted_error(error)
    assert (SECRET in str(shown), shown["extensions"]["code"], len(logs)) == (False, "INTERNAL", 1)


def test_a_public_error_is_shown_as_it_is() -> None:
    error = GraphQLError("Down.", path=["a"], extensions={"code": "UNAVAILABLE", "retryable": True})
    assert formatted_error(error) == {
        "message": "Down.",
        "path": ["a"],
        "extensions": {"code": "UNAVAILABLE", "retryable": True},
    }


def test_an_adapters_error_keeps_its_code() -> None:
    error = GraphQLError("Down.", path=["a"], original_error=Unavailable("Down.", backend="b"))
    shown = formatted_error(error)
    assert (shown["extensions"]["code"], shown["extensions"]["backend"]) == ("UNAVAILABLE", "b")


@pytest.mark.parametrize(
    ("path", "members"), [(None, {"errors"}), (["a"], {"errors", "data"})], ids=["a request error", "a field error"]
)
def test_only_what_was_executed_has_data(path: list[str] | None, members: set[str]) -> None:
    error = GraphQLError("No.", path=path, extensions={"code": "INVALID_INPUT"})
    assert formatted_result(ExecutionResult(None, [error])).keys() == members
