"""One command, several processes behind one socket."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest

from adapters.registry import load_vendors
from gateway.__main__ import run as command
from gateway.commands.serve import for_workers
from gateway.settings import load_settings
from tests.faults.vendors import running_vendors
from tests.faults.waiting import until
from tests.gateway.postroom import interrupted, run, started
from tests.patience import PATIENCE

WORKERS = 2


def children(pid: int) -> set[int]:
    """The processes that a process has started, and that have not ended."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in listed if is_alive(int(child))}


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def answers(url: str) -> bool:
    """Whether a query is answered; each on a connection of its own, so that any worker may have it."""
    answer = httpx.post(url, json={"query": "{ backends { key } }"}, timeout=PATIENCE, trust_env=False)
    return bool(answer.json()["data"]["backends"] == [{"key": "letters"}])


def listens(output: IO[str], process: subprocess.Popen[str]) -> str:
    first = output.readline()
    assert first.startswith("Postroom listens. Open http://127.0.0.1:"), process.communicate()[1]
    return first.split()[-1]


@pytest.fixture
def configuration(postgresql_url: str, tmp_path: Path) -> Iterator[Path]:
    with running_vendors("letters") as vendors:
        yield vendors.write_configuration(tmp_path / "postroom.toml", postgresql_url, timeout=5, limits={})


def test_several_processes_answer_one_is_replaced_and_all_go_when_told(configuration: Path, tmp_path: Path) -> None:
    with started("serve", "--config", configuration, "--workers", WORKERS, folder=tmp_path) as (process, output):
        url = listens(output, process)
        before = children(process.pid)
        assert (len(before), [answers(url) for _ in range(9)]) == (WORKERS, [True] * 9)
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(children(process.pid) - before) == 1 and len(children(process.pid)) == WORKERS, "a new one")
        assert [answers(url) for _ in range(9)] == [True] * 9
        after = children(process.pid)
        code, errors = interrupted(process, signal.SIGTERM)
    assert (code, [pid for pid in after if is_alive(pid)]) == (0, [])
    told = [line for line in errors.splitlines() if '"event"' in line]
    assert ["keeps limits and cache for itself" in told[0], "is replaced" in told[1], len(told)] == [True, True, 2]


def operations_of(url: str) -> dict[str, float]:
    """How many queries each process has answered, as one of them tells."""
    text = httpx.get(url.replace("/graphql", "/metrics"), timeout=PATIENCE, trust_env=False).text
    count = "postroom_graphql_operation_seconds_count"
    found = re.findall(rf'^{count}\{{.*worker="(\d)".*\}} (\S+)$', text, re.MULTILINE)
    found += re.findall(r"^postroom_workers_(answering) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_any_of_the_processes_tells_what_all_have_counted(configuration: Path, tmp_path: Path) -> None:
    with started("serve", "--config", configuration, "--workers", WORKERS, folder=tmp_path) as (process, output):
        url = listens(output, process)
        assert [answers(url) for _ in range(20)] == [True] * 20
        told = [operations_of(url) for _ in range(6)]
        assert [(one.pop("answering"), sum(one.values())) for one in told] == [(WORKERS, 20)] * 6
        before = children(process.pid)
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(children(process.pid) - before) == 1, "a new one")
        until(lambda: operations_of(url)["answering"] == WORKERS, "an answer of the new one too")
        interrupted(process, signal.SIGTERM)


def test_the_processes_of_a_command_that_was_killed_go_too(configuration: Path, tmp_path: Path) -> None:
    with started("serve", "--config", configuration, "--workers", WORKERS, folder=tmp_path) as (process, output):
        listens(output, process)
        workers = children(process.pid)
        process.kill()
        process.wait()
        try:
            until(lambda: not any(map(is_alive, workers)), "their end")
        finally:
            for worker in filter(is_alive, workers):
                os.kill(worker, signal.SIGKILL)


def test_what_keeps_the_first_from_starting_ends_the_command(configuration: Path, tmp_path: Path) -> None:
    text = configuration.read_text()
    begin = text.index("url = ")
    configuration.write_text(text[:begin] + 'url = "postgresql://127.0.0.1:1/none"' + text[text.index("\n", begin) :])
    answer = run("serve", "--config", configuration, "--workers", WORKERS, folder=tmp_path)
    last = answer.stderr.splitlines()[-1]
    assert (answer.returncode, last) == (1, "postroom: The gateway cannot start; what kept it from that is said above.")


SOUND = '[[backends]]\nkey = "uk"\nvendor = "smallinvoice"\ncredentials = { token = "x" }\n'


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--config", "postroom.toml", "--workers", "2"],
            '--workers 2 need a ledger that they can share: write [ledger] url = "postgresql://...".',
        ),
        (["--config", "postroom.toml", "--workers", "0"], "--workers: must be a whole number above 0."),
        (
            ["--sandbox", "--workers", "2"],
            "--sandbox runs in one process: leave one of --sandbox and --workers out.",
        ),
    ],
)
def test_what_several_processes_cannot_do_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("postroom.toml").write_text(SOUND)
    assert (command(["serve", *arguments]), capsys.readouterr().err) == (2, f"postroom: {expected}\n")


def test_what_each_process_would_make_up_is_made_up_once_for_all(tmp_path: Path) -> None:
    path = tmp_path / "postroom.toml"
    path.write_text(SOUND + '[ledger]\nurl = "postgresql://127.0.0.1/postroom"\n')
    settings = load_settings(path, environ={}, vendors=load_vendors())
    several = for_workers(settings, 4, sandbox=False)
    assert (settings.files.key, several.files.key is not None, several.processes) == (None, True, 4)
