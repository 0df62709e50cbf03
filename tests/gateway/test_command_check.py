"""``postroom check``: every backend is signed in to, and what stands in the way is told with what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.registry import load_vendors
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import SandboxOptions
from gateway.__main__ import run
from tests.gateway.postroom import logs_restored

VENDORS = load_vendors()
UNCHECKED = ", documented-only: never checked against the live service"


def configuration(server: SandboxServer, **wrong: str) -> str:
    """All emulators as backends; ``wrong`` replaces a vendor's credentials, or its base URL."""
    tables = []
    for name, emulator in server.sandboxes.items():
        credentials = {key: wrong.get(name, value) for key, value in emulator.access.credentials.items()}
        written = "\n".join(f"{key} = {json.dumps(value)}" for key, value in credentials.items())
        base_url = wrong.get(f"{name}_url", server.base_url(name))
        head = f'[[backends]]\nkey = "{name.replace("_", "-")}"\nvendor = "{name}"\nbase_url = "{base_url}"'
        tables.append(f"{head}\n[backends.credentials]\n{written}\n")
    return "\n".join(tables)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    emulators = {name: vendor.build_sandbox(SandboxOptions()) for name, vendor in VENDORS.items()}
    with SandboxServer(emulators) as server:
        yield server


class Checked:
    """What `postroom check` in a folder printed."""

    def __init__(self, folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        path = folder / "other.toml"
        path.write_text(text)
        with logs_restored():
            self.code = run(["check", "--config", str(path)])
        self.lines = capsys.readouterr().out.splitlines()

    @property
    def verdicts(self) -> list[str]:
        return [line for line in self.lines if not line.startswith(" ")]

    def below(self, name: str) -> list[str]:
        start = next(n for n, line in enumerate(self.lines) if line.split()[1] == name)
        return [line.strip() for line in self.lines[start + 1 : start + 3]]


def test_backends_that_let_us_in_are_ok(
    server: SandboxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = Checked(tmp_path, configuration(server), capsys)
    expected = [f"ok      {v.name.replace('_', '-')} ({v.title}{UNCHECKED})" for v in VENDORS.values()]
    assert (checked.code, checked.verdicts) == (0, expected)


def test_those_that_do_not_are_told_with_what_to_do(
    server: SandboxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = configuration(server, smallinvoice="wr0ngsecret", kashflow_url="http://127.0.0.1:1/v2")
    checked = Checked(tmp_path, text, capsys)
    assert (checked.code, [line.split()[0] for line in checked.verdicts]) == (1, ["ok", "FAILED", "ok", "FAILED"])
    assert checked.below("kashflow") == [
        "The vendor could not be reached.",
        "Check base_url and the network; if both are right, the vendor is down.",
    ]
    assert checked.below("smallinvoice")[1] == "Check the backend's credentials."
    assert "wr0ngsecret" not in "".join(checked.lines)
