"""Running emulators, and what a call looked like when it arrived."""

from typing import Any, NamedTuple

from tests.connecting import RunningSandbox

__all__ = ["BASE", "Call", "calls", "header"]

BASE = "/backend/api/v1"


class Call(NamedTuple):
    """A request as it arrived, less what every one has."""

    method: str
    path: str
    query: str = ""
    body: str = ""


def calls(sandbox: RunningSandbox, since: int) -> list[Call]:
    """The requests after the ``since``-th; their paths lie below the API's."""
    return [
        Call(entry["method"], entry["raw_path"].split("?")[0].removeprefix(BASE), entry["query"], entry["body"])
        for entry in sandbox.journal(since)
    ]


def header(entry: dict[str, Any], name: str) -> str | None:
    """A header of a journal's entry."""
    return dict(entry["headers"]).get(name)
