"""The command ``postroom``."""

import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from types import FrameType
from typing import NoReturn

from cyclopts import App, CycloptsError

import gateway.left_out  # noqa: F401 - before everything that it leaves out
from gateway.commands.failure import CommandFailure
from gateway.settings import SettingsError

__all__ = ["main", "run"]

USAGE_ERROR = 2
INTERRUPTED = 128 + signal.SIGINT

app = App(
    name="postroom",
    help="One GraphQL endpoint over several invoicing systems, and one safe way to e-mail, deliver and post from them.",
    version=lambda: version("postroom"),
    suppress_keyboard_interrupt=False,
)
# Named, not imported: a command loads only what it needs.
app.command("gateway.commands.serve:serve", help="Serve the gateway: over the configured backends, or over emulators.")
app.command("gateway.commands.sandbox:sandbox", help="Run the vendors' emulators alone, until interrupted.")
app.command("gateway.commands.check:check", help="Validate the configuration, and sign in to each backend.")
app.command("gateway.commands.schema:schema", help="Print the schema.")
app.command("gateway.commands.capabilities:capabilities", help="Print what each vendor's adapter can do, as Markdown.")
app.command("gateway.commands.query:query", help="Run a query, print its answer as JSON, and exit 1 if it has errors.")
app.command("gateway.commands.explain:explain", help="Print what a query is compiled to, and what it asks the vendors.")
app.command("gateway.commands.keys:keys", help="API keys: create, list and revoke.")
app.command("gateway.commands.dispatches:dispatches", help="What was sent to whom: list, show, retry, export and more.")


def run(arguments: Sequence[str]) -> int:
    """Runs a command line. 0: done; 1: it failed; 2: it was wrong, or the configuration is; 130: interrupted."""
    try:
        code = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _refuse([f"{error} Try: postroom --help"], USAGE_ERROR)
    except SettingsError as error:
        return _refuse(error.problems, USAGE_ERROR)
    except CommandFailure as failure:
        return _refuse([str(failure)], failure.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _refuse(lines: Sequence[str], code: int) -> int:
    for line in lines:
        print(f"postroom: {line}", file=sys.stderr)
    return code


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """The entry point. SIGTERM ends a command as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
