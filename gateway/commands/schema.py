"""``postroom schema``: the schema as SDL."""

from typing import Annotated

from cyclopts import Parameter

from gateway.commands.output import say
from gateway.schema.build import build_schema
from gateway.schema.subgraph_sdl import subgraph_sdl

__all__ = ["schema"]


def schema(*, federation: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Prints the schema.

    Args:
        federation: As a subgraph of Apollo Federation 2, as `_service { sdl }` answers it.
    """
    sdl = build_schema().as_str()
    say(subgraph_sdl(sdl).rstrip("\n") if federation else sdl)
    return 0
