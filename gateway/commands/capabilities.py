"""``postroom capabilities``: what each vendor can do."""

from adapters.registry import load_vendors
from gateway.capabilities import capability_table
from gateway.commands.output import say

__all__ = ["capabilities"]


def capabilities() -> int:
    """Prints the table."""
    say(capability_table(load_vendors()))
    return 0
