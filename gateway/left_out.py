"""Leaves out what libraries import in case somebody wants it, and nobody does here: 8 MiB, and a tenth of a second.

* httpx has a command line of its own, with pygments and rich. It imports that where it can, and does without otherwise.
* structlog imports rich for tracebacks in colour, where it can; those in our logs are plain.

The command imports this module before any other of ours; tests and other programs import these libraries as they are.
"""

import sys

sys.modules["httpx._main"] = None  # type: ignore[assignment] # from now on there is none (Python's "The module cache")

_rich = sys.modules.pop("rich", None)
sys.modules["rich"] = None  # type: ignore[assignment] # for structlog; commands that draw with it import it later
try:
    import structlog.dev  # noqa: F401 - in this module's sense
finally:
    del sys.modules["rich"]
    if _rich is not None:
        sys.modules["rich"] = _rich
