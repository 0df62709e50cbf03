"""A folder with a configuration, a ledger, and a vendor's emulator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox, SandboxOptions
from tests.gateway.dispatches.ledgers import VENDOR, Ledger, Said, configure


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


@pytest.fixture
def ledger(sqlite_url: str, tmp_path: Path) -> Ledger:
    configure(tmp_path, sqlite_url)
    return Ledger(sqlite_url)


@pytest.fixture
def either_ledger(ledger_url: str, tmp_path: Path) -> Ledger:
    """In SQLite, and in PostgreSQL."""
    configure(tmp_path, ledger_url)
    return Ledger(ledger_url)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer({"kashflow": VENDOR.build_sandbox(SandboxOptions())}) as server:
        yield server


@pytest.fixture
def emulator(server: SandboxServer, ledger: Ledger, tmp_path: Path) -> Iterator[Sandbox]:
    """The vendor, reachable; what it sent is counted from now."""
    emulator = server.sandboxes["kashflow"]
    configure(tmp_path, ledger.url, emulator, server.base_url("kashflow"))
    emulator.state.outbox.clear()
    yield emulator
    emulator.state.drop_faults()
