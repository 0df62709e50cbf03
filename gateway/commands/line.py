"""The commands and what they are told, as cyclopts reads it."""

from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Parameter

from gateway.commands.failure import CommandFailure

__all__ = ["app", "commanded"]

app = App(
    name="postroom",
    help="One GraphQL endpoint over several invoicing systems, and one safe way to e-mail, deliver and post from them.",
    version=lambda: version("postroom"),
    suppress_keyboard_interrupt=False,
)
# Named, not imported: a command loads only what it needs.
app.command(
    "gateway.commands.serve:serve",
    help="Serve the gateway: over the configured backends, or over emulators.",
    default_parameter=Parameter(negative=()),  # here, since a gateway that serves has no need of cyclopts
)
app.command("gateway.commands.sandbox:sandbox", help="Run the vendors' emulators alone, until interrupted.")
app.command("gateway.commands.check:check", help="Validate the configuration, and sign in to each backend.")
app.command("gateway.commands.schema:schema", help="Print the schema.")
app.command("gateway.commands.capabilities:capabilities", help="Print what each vendor's adapter can do, as Markdown.")
app.command("gateway.commands.query:query", help="Run a query, print its answer as JSON, and exit 1 if it has errors.")
app.command("gateway.commands.explain:explain", help="Print what a query is compiled to, and what it asks the vendors.")
app.command("gateway.commands.keys:keys", help="API keys: create, list and revoke.")
app.command("gateway.commands.dispatches:dispatches", help="What was sent to whom: list, show, retry, export and more.")


def commanded(arguments: Sequence[str]) -> object:
    """What the command that is meant returns. Raises `CommandFailure` where none can be meant."""
    try:
        return app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        raise CommandFailure(f"{error} Try: postroom --help", code=2) from None
