"""The engine that a served gateway has, in a process of its own: dbos keeps its state in the process."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
ASKED_AND_STOPPED = """
import asyncio, sys
from gateway.dispatch.dbos_engine import DbosEngine

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
WORKED_OFF = """
import asyncio, sys
from gateway.dispatch.dbos_engine import DbosEngine

done = asyncio.Event()

async def work(dispatch_id):
    print(dispatch_id)
    done.set()

async def main():
    engine = DbosEngine(url=sys.argv[1], executor="this boot", work=work)
    await engine.start()
    await engine.submit("a dispatch")
    await done.wait()
    await engine.stop()

asyncio.run(main())
"""
STARTED_AT_LAST = """
import asyncio, os, sys
from gateway.dispatch.dbos_engine import DbosEngine

done = asyncio.Event()

async def work(dispatch_id):
    print(dispatch_id)
    done.set()

async def main():
    engine = DbosEngine(url=sys.argv[1], executor="this boot", work=work)
    try:
        await engine.start()
    except Exception as error:
        print(type(error).__name__)
    os.mkdir(os.path.dirname(sys.argv[1].removeprefix("sqlite:///")))
    await engine.start()
    await engine.submit("a dispatch")
    await done.wait()
    await engine.stop()

asyncio.run(main())
"""


def ran(program: str, ledger: Path) -> tuple[str, str]:
    command = [sys.executable, "-c", program, f"sqlite:///{ledger}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - ours
    return done.stdout, done.stderr


def test_what_stops_after_the_engine_still_finds_a_thread(tmp_path: Path) -> None:
    assert ran(ASKED_AND_STOPPED, tmp_path / "runs.sqlite3") == ("0\nin a thread\n", "")


def test_the_engine_is_given_the_dispatchs_id_alone_in_json_and_a_version_that_no_release_changes(
    tmp_path: Path,
) -> None:
    runs = tmp_path / "runs.sqlite3"
    said, _ = ran(WORKED_OFF, runs)  # dbos complains of what it cancels as it stops
    assert said == "a dispatch\n"
    with closing(sqlite3.connect(runs)) as database:
        given = database.execute("SELECT workflow_uuid, inputs FROM workflow_input").fetchall()
        as_what = database.execute(
            "SELECT serialization, application_version, executor_id FROM workflow_status"
        ).fetchall()
    ((workflow, inputs),) = given
    assert (workflow, json.loads(inputs)) == ("a dispatch", {"positionalArgs": ["a dispatch"], "namedArgs": {}})
    assert as_what == [("portable_json", "1", "this boot")]


def test_an_engine_that_had_no_database_starts_once_it_has_one(tmp_path: Path) -> None:
    runs = tmp_path / "later" / "runs.sqlite3"
    said, _ = ran(STARTED_AT_LAST, runs)
    assert said == "OperationalError\na dispatch\n"
