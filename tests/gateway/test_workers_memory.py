"""What workers share: they are forked from a process that has imported everything."""

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
