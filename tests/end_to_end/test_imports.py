"""What a served process imports: nothing that its configuration has no use for, and nothing once it listens."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from gateway.commands.serve import EXAMPLE_QUERY
from tests.gateway.postroom import environment
from tests.patience import PATIENCE

_IMPORTED = re.compile(r"^import '([\w.]+)' #", re.MULTILINE)

UNUSED = {
    "alembic",  # the ledger was empty
    "cryptography",  # no tokens
    "dbos",  # nothing is QUEUED
    "jwt",
    "greenlet",  # for SQLAlchemy's own event loops
    "opentelemetry",  # no traces
    "psycopg",  # for PostgreSQL
    "pygments",  # for command lines
    "redis",
    "rich",
}


class Served:
    """A served gateway: where it listens, and what it imports."""

    def __init__(self, url: str, told: Path) -> None:
        self.url = url
        self._told = told

    def imported(self) -> set[str]:
        """The modules so far."""
        return set(_IMPORTED.findall(self._told.read_text()))


def written(emulators: SandboxServer, folder: Path) -> Path:
    config = folder / "postroom.toml"
    backends = []
    for name, sandbox in emulators.sandboxes.items():
        members = {"key": name.replace("_", "-"), "vendor": name, "base_url": emulators.base_url(name)}
        credentials = sandbox.access.credentials
        lines = [f"{key} = {json.dumps(text)}" for key, text in members.items()]
        lines += [f"credentials.{key} = {json.dumps(text)}" for key, text in credentials.items()]
        backends.append("\n".join(["[[backends]]", *lines]))
    config.write_text("\n".join(backends))
    return config


@pytest.fixture
def served(tmp_path: Path, company: SandboxServer) -> Iterator[Served]:
    told = tmp_path / "told.txt"
    command = [sys.executable, "-v", "-m", "gateway", "serve", "--port", "0", "--config"]
    with (
        told.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own
            [*command, str(written(company, tmp_path))],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert first.startswith("Postroom listens. Open "), re.findall("postroom: .*", told.read_text())
            yield Served(first.split()[-1], told)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)


def test_a_gateway_over_sqlite_imports_nothing_that_others_need(served: Served) -> None:
    packages = {module.partition(".")[0] for module in served.imported()}
    assert packages & UNUSED == set()
    assert {"gateway", "sqlalchemy"} <= packages
    assert "sqlalchemy.orm" not in served.imported()


def test_a_first_request_imports_nothing_more(served: Served) -> None:
    before = served.imported()
    answer = httpx.post(served.url, json={"query": EXAMPLE_QUERY}, timeout=PATIENCE).json()
    assert ("errors" in answer, answer["data"]["customers"]["problems"]) == (False, [])
    assert httpx.get(served.url.removesuffix("graphql"), timeout=PATIENCE).status_code == 200
    assert served.imported() - before == set()
