"""The engine that a served gateway has, in a process of its own: dbos keeps its state in the process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASKED_AND_STOPPED = """
import asyncio, sys
from gateway.dispatch.engine import DbosEngine

async def work(dispatch_id):
    raise AssertionError

async def main():
    engine = DbosEngine(url=sys.argv[1], executor="here", work=work)
    await engine.start()
    print(await engine.adopt(["gone"]))
    await engine.stop()
    print(await asyncio.to_thread(str, "in a thread"))

asyncio.run(main())
"""


def test_what_stops_after_the_engine_still_finds_a_thread(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASKED_AND_STOPPED, f"sqlite:///{tmp_path}/runs.sqlite3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    assert (done.stdout, done.stderr) == ("0\nin a thread\n", "")
