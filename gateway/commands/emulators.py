"""Starts the vendors' emulators, and settings over them."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.contract import Vendor
from adapters.registry import load_vendors
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox, SandboxOptions
from gateway.commands.failure import CommandFailure
from gateway.settings import Settings, sandbox_settings

__all__ = ["build_emulators", "over_emulators", "running"]


def build_emulators(
    vendors: Mapping[str, Vendor], *, lenient: bool = False, database: Path | None = None
) -> dict[str, Sandbox]:
    """Each vendor's emulator, not yet listening. With ``database`` each keeps its data in a file of that folder."""
    if database is not None:
        try:
            database.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandFailure(f"--database {database}: {error.strerror}.", code=2) from None
    emulators = {}
    for name, vendor in vendors.items():
        file = ":memory:" if database is None else str(database / f"{name}.sqlite")
        try:
            emulators[name] = vendor.build_sandbox(SandboxOptions(lenient=lenient, database=file))
        except ModuleNotFoundError as error:
            message = f"The emulators need {error.name}. Install Postroom with its extra: postroom[sandbox]."
            raise CommandFailure(message) from None
    return emulators


@contextlib.contextmanager
def running(emulators: Mapping[str, Sandbox], port_base: int | None = None) -> Iterator[SandboxServer]:
    """The emulators, listening: on consecutive ports, or on free ones."""
    ports = {} if port_base is None else {name: port_base + offset for offset, name in enumerate(emulators)}
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(SandboxServer(emulators, ports))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            taken = f"{port_base} to {max(ports.values(), default=0)}"
            message = f"Not every port from {taken} is free: {os.strerror(error.errno)}. Choose another --port-base."
            raise CommandFailure(message) from None
        yield server


@contextlib.contextmanager
def over_emulators(overrides: dict[str, Any] | None = None) -> Iterator[tuple[SandboxServer, Settings]]:
    """Running emulators of all vendors, and the settings of a gateway over them, its ledger as short-lived as they."""
    vendors = load_vendors()
    with tempfile.TemporaryDirectory() as folder, running(build_emulators(vendors)) as server:
        settings = sandbox_settings(
            {name: server.base_url(name) for name in server.sandboxes},
            {name: sandbox.access.credentials for name, sandbox in server.sandboxes.items()},
            vendors,
            ledger=Path(folder) / "ledger.sqlite3",
            environ=os.environ,
            overrides=overrides,
        )
        yield server, settings
