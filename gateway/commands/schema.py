"""``postroom schema``: the schema as SDL."""

from typing import Annotated

from cyclopts import Parameter

from gateway.commands.failure import CommandFailure
from gateway.commands.output import say
from gateway.schema.build import build_schema
from gateway.schema.subgraph_directives import said_of_fields
from gateway.schema.subgraph_sdl import subgraph_sdl

__all__ = ["schema"]


def schema(
    *,
    federation: Annotated[bool, Parameter(negative=())] = False,
    router_checks_scopes: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Prints the schema.

    Args:
        federation: As a subgraph of Apollo Federation 2: what `_service { sdl }` answers.
        router_checks_scopes: With @requiresScopes, as that setting has it.
    """
    if router_checks_scopes and not federation:
        raise CommandFailure("--router-checks-scopes goes with --federation.", code=2)
    built = build_schema()
    sdl = built.as_str()
    say(subgraph_sdl(sdl, said_of_fields(built.core, router_checks_scopes=router_checks_scopes)) if federation else sdl)
    return 0
