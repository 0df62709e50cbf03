"""The command ``postroom``."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import gateway.left_out  # noqa: F401 - before everything that it leaves out
from gateway.commands.failure import CommandFailure
from gateway.commands.plain_options import plain_options
from gateway.settings import SettingsError

__all__ = ["main", "run"]

USAGE_ERROR = 2
INTERRUPTED = 128 + signal.SIGINT


def run(arguments: Sequence[str]) -> int:
    """Runs a command line. 0: done; 1: it failed; 2: it was wrong, or the configuration is; 130: interrupted."""
    try:
        code: object = _served(arguments)
        if code is None:
            from gateway.commands.line import commanded  # noqa: PLC0415 - with cyclopts, which a server can do without

            code = commanded(arguments)
    except SettingsError as error:
        return _refuse(error.problems, USAGE_ERROR)
    except CommandFailure as failure:
        return _refuse([str(failure)], failure.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _served(arguments: Sequence[str]) -> int | None:
    """What came of ``postroom serve``, if that and nothing but plain options of it was said."""
    if not arguments or arguments[0] != "serve":
        return None
    from gateway.commands.serve import serve  # noqa: PLC0415 - other commands have no need of it

    options = plain_options(serve, arguments[1:])
    return None if options is None else serve(**options)


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
