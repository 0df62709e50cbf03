"""``postroom schema``: the schema as SDL."""

from gateway.commands.output import say
from gateway.schema.build import build_schema

__all__ = ["schema"]


def schema() -> int:
    """Prints the schema."""
    say(build_schema().as_str())
    return 0
