"""``postroom sandbox``: the emulators alone."""

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from adapters.registry import load_vendors
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import CONTROL_PREFIX
from gateway.commands.emulators import build_emulators, running
from gateway.commands.output import aligned, say

__all__ = ["sandbox"]


def sandbox(
    *,
    port_base: int | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    assumptions: Annotated[bool, Parameter(negative=())] = False,
    lenient: Annotated[bool, Parameter(negative=())] = False,
    database: Path | None = None,
) -> int:
    """Runs the emulators.

    Args:
        port_base: The first of consecutive ports; any free ones when absent.
        json: Print base URLs, credentials and control URLs as one JSON object on one line.
        assumptions: Print what the vendors' pages leave open and the emulators had to invent, and exit.
        lenient: Take what the vendors have been seen to take beyond their documentation.
        database: A folder to keep the data in; in memory when absent.
    """
    vendors = load_vendors()
    emulators = build_emulators(vendors, lenient=lenient, database=None if assumptions else database)
    titles = {name: vendor.title for name, vendor in vendors.items()}
    if assumptions:
        for name, emulator in emulators.items():
            say("\n".join([titles[name], *(f"  - {line}" for line in emulator.assumptions), ""]))
            emulator.close()
        return 0
    with running(emulators, port_base) as server:
        say(_as_json(server) if json else _as_table(server, titles))
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _as_json(server: SandboxServer) -> str:
    access = {
        name: {
            "base_url": server.base_url(name),
            "credentials": emulator.access.credentials,
            "control_url": server.url(name) + CONTROL_PREFIX,
        }
        for name, emulator in server.sandboxes.items()
    }
    return orjson.dumps(access).decode()


def _as_table(server: SandboxServer, titles: dict[str, str]) -> str:
    blocks = ["The emulators run until interrupted (Ctrl-C).", ""]
    for name, emulator in server.sandboxes.items():
        rows = [("base URL", server.base_url(name)), ("control", server.url(name) + CONTROL_PREFIX)]
        blocks += [f"{titles[name]} ({name})", aligned([*rows, *emulator.access.credentials.items()]), ""]
    return "\n".join(blocks)
