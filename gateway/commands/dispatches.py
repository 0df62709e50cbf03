"""``postroom dispatches``: what was sent to whom, and what becomes of it."""

from cyclopts import App

__all__ = ["dispatches"]

dispatches = App(
    name="dispatches",
    help_epilogue=(
        "An ID is the beginning of a dispatch's id, as `list` prints it, or the id that GraphQL has for it. "
        "reconcile, retry, cancel and watch exit with 0 when no item of the dispatch then is FAILED or UNKNOWN, "
        "with 1 when one is, and with 130 when they are interrupted."
    ),
)
# Named, not imported: what only looks needs no backends and no schema.
_READING = "gateway.commands.dispatch_reading"
_CHANGING = "gateway.commands.dispatch_changing"
dispatches.command(f"{_READING}:list_", name="list", help="List dispatches, newest first.")
dispatches.command(f"{_READING}:show", help="Show a dispatch, and its items.")
dispatches.command(f"{_READING}:export", help="Write items as CSV, one row each.")
dispatches.command(f"{_CHANGING}:watch", help="Watch a dispatch until all its items are settled.")
dispatches.command(f"{_CHANGING}:reconcile", help="Ask the vendors what became of what is UNKNOWN.")
dispatches.command(f"{_CHANGING}:retry", help="Queue again what is FAILED.")
dispatches.command(f"{_CHANGING}:cancel", help="Cancel what has not begun.")
