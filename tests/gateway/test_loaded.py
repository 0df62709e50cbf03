"""What a served gateway has loaded: nothing large that neither its settings nor its requests have asked for."""

import json
import signal
import subprocess
import sys

import pytest

from tests.gateway.postroom import environment
from tests.patience import PATIENCE

TELLING_AT_THE_END = """
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules)), flush=True))
from gateway.__main__ import main
main()
"""
SETTINGS = """
[server]
port = 0

[[backends]]
key = "a"
vendor = "smallinvoice"
base_url = "http://127.0.0.1:1"
credentials = { token = "t0psecret" }
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The modules of a process that has begun to serve one backend, and was told to stop."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "postroom.toml").write_text(SETTINGS)
    command = [sys.executable, "-c", TELLING_AT_THE_END, "serve"]
    with subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Postroom listens")
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    names: list[str] = json.loads(said.splitlines()[-1])
    return names


@pytest.mark.parametrize(
    "root",
    [
        "adapters.kashflow",
        "adapters.sage_intacct",
        "adapters.smallinvoice.sandbox",
        "alembic",
        "click",
        "certifi",
        "cryptography",
        "dbos",
        "greenlet",
        "jwt",
        "multiprocessing",
        "opentelemetry",
        "psycopg",
        "pydantic",
        "pygments",
        "redis",
        "rich",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.orm",
        "uvicorn.supervisors",
    ],
)
def test_what_nobody_asked_for_is_not_loaded(loaded: list[str], root: str) -> None:
    found = [name for name in loaded if name == root or name.startswith(f"{root}.")]
    assert found == []


def test_what_was_asked_for_is_loaded(loaded: list[str]) -> None:
    wanted = {"adapters.smallinvoice", "sqlalchemy.dialects.sqlite", "uvicorn.server"}
    assert wanted & {*loaded} == wanted
