"""Leaves out what libraries import in case somebody wants it, and nobody does here: 8 MiB, and a tenth of a second.

* httpx has a command line of its own, with pygments and rich. It imports that where it can, and does without otherwise.
* structlog imports rich for tracebacks in colour, and greenlet for whoever has greenlets, where it can; the tracebacks
  in our logs are plain, and there are no greenlets.

The command imports this module before any other of ours; tests and other programs import these libraries as they are.
"""

import sys

sys.modules["httpx._main"] = None  # type: ignore[assignment] # from now on there is none (Python's "The module cache")

_OPTIONAL = ("greenlet", "rich")

_before = {name: sys.modules.pop(name, None) for name in _OPTIONAL}
sys.modules |= dict.fromkeys(_OPTIONAL)  # type: ignore[arg-type] # for structlog; commands that draw with rich import it later
try:
    import structlog.dev  # noqa: F401 - in this module's sense
finally:
    for name, module in _before.items():
        del sys.modules[name]
        if module is not None:
            sys.modules[name] = module
