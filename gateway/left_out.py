"""Leaves out what libraries import in case somebody wants it, and nobody does here: 10 MiB, and a tenth of a second.

* httpx has a command line of its own, with pygments and rich. It imports that where it can, and does without otherwise.
* structlog imports rich for tracebacks in colour, and greenlet for whoever has greenlets, where it can; the tracebacks
  in our logs are plain, and there are no greenlets.
* uvicorn has a command line of its own, with click, and supervisors of processes that it starts afresh or again when a
  file changes. All that ``import uvicorn`` wants of it is the server, which has a module of its own.

The command imports this module before any other of ours; tests and other programs import these libraries as they are.
"""

import sys
from types import ModuleType


class _NoCommandLine(ModuleType):
    """What ``uvicorn.main`` is to ``import uvicorn``."""

    main = run = None

    @property
    def Server(self) -> object:  # noqa: N802 - uvicorn's name
        """Loaded when it is asked for, which is in the midst of ``import uvicorn``."""
        from uvicorn.server import Server  # noqa: PLC0415

        return Server


sys.modules["uvicorn.main"] = _NoCommandLine("uvicorn.main")
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
