"""What workers share: they are forked from a process that has imported everything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
ROLLUP = Path("/proc/self/smaps_rollup")
COLLECTING = """
import contextlib, gc
from pathlib import Path
import gateway.app
from gateway.commands.failure import CommandFailure
from gateway.commands.workers import run_workers

def own_kilobytes():
    return int(Path("/proc/self/smaps_rollup").read_text().partition("Private_Dirty:")[2].split()[0])

def serve(listening, worker):
    before = own_kilobytes()
    gc.collect()
    print(before, own_kilobytes(), flush=True)

with contextlib.suppress(CommandFailure):  # it ends at once
    run_workers(2, serve, lambda: None)
"""


@pytest.mark.skipif(not ROLLUP.exists(), reason="Linux alone tells what is shared")
def test_a_workers_collector_leaves_what_it_shares_with_the_others_shared() -> None:
    command = [sys.executable, "-c", COLLECTING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603 - ours
    before, after = map(int, done.stdout.split())
    assert after - before < 8 * 1024


SETTINGS = """
[auth]
mode = "jwt"
requests_per_minute = 100
[jwt]
issuer = "https://login.example.com/"
audience = "postroom"
jwks_url = "http://127.0.0.1:1/jwks.json"
[redis]
url = "redis://127.0.0.1:1"
[tracing]
otlp_endpoint = "http://127.0.0.1:1"
"""
BACKEND = """
[[backends]]
key = "a"
vendor = "smallinvoice"
credentials = { token = "t0psecret" }
"""
PRELOADING = """
import asyncio, json, sys
from pathlib import Path
from adapters.registry import load_vendors
from gateway.app import running_gateway
from gateway.preloading import preload
from gateway.settings import load_settings

async def start():
    async with running_gateway(settings):
        return

settings = load_settings(Path(sys.argv[1]), environ={}, vendors=load_vendors())
preload(settings)
before = {*sys.modules}
if "--start" in sys.argv:
    asyncio.run(start())
print(json.dumps([sorted(before), sorted({*sys.modules} - before)]))
"""


def modules(settings: str, *options: str, folder: Path) -> tuple[list[str], list[str]]:
    """Those of a process that has preloaded for these settings, and those that came when it started a gateway."""
    path = folder / "postroom.toml"
    path.write_text(settings)
    command = [sys.executable, "-c", PRELOADING, str(path), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603 - ours
    before, later = json.loads(done.stdout.splitlines()[-1])
    return before, later


def test_what_the_settings_ask_for_is_imported_before_workers_are_forked(tmp_path: Path) -> None:
    ledger = f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.sqlite3"\n'
    _, later = modules(ledger + SETTINGS + BACKEND, "--start", folder=tmp_path)
    large = ("adapters", "cryptography", "gateway", "jwt", "opentelemetry", "redis")
    assert [name for name in later if name.partition(".")[0] in large] == []


def test_so_are_the_ledgers_driver_and_the_event_loop(tmp_path: Path) -> None:
    before, _ = modules('[ledger]\nurl = "postgresql://127.0.0.1:1/x"\n' + SETTINGS + BACKEND, folder=tmp_path)
    wanted = {"psycopg.connection", "psycopg_binary.pq", "sqlalchemy.dialects.postgresql", "uvloop.loop"}
    assert wanted & {*before} == wanted


def test_whom_tls_trusts_is_known_before_the_first_call(tmp_path: Path) -> None:
    ledger = f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.sqlite3"\n'
    _, later = modules(ledger + BACKEND, "--start", folder=tmp_path)
    assert "certifi" in later
