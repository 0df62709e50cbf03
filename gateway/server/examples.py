"""The queries that the explorer opens with: those of `examples/`, each a tab."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import orjson

from gateway.server.explorer import ExampleQuery

__all__ = ["example_queries"]

_ORDER: Final = ("customer", "search", "timeline", "send", "statements", "progress", "backends")
"""The tabs from left to right: reading, then sending."""


def example_queries() -> tuple[ExampleQuery, ...]:
    """The examples, each named by the comment in its first line."""
    return tuple(_examples(_folder()))


def _folder() -> Traversable:
    """A wheel holds the examples inside the package; in a checkout they are beside it, where people look for them."""
    packed = files("gateway") / "examples"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "examples"


def _examples(folder: Traversable) -> Iterator[ExampleQuery]:
    for name in _ORDER:
        comment, _, query = (folder / f"{name}.graphql").read_text(encoding="utf-8").partition("\n")
        variables = folder / f"{name}.json"
        given = orjson.loads(variables.read_bytes()) if variables.is_file() else {}
        yield ExampleQuery(comment.removeprefix("# "), query, given)
