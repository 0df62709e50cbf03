"""``postroom dispatches watch``: a bar on a terminal, lines elsewhere."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.sandboxing import Fault, Sandbox
from gateway.commands.dispatch_standing import standing_of
from gateway.commands.dispatch_watching import LINE_SECONDS, Lines
from gateway.connecting import utc_now
from gateway.dispatch.records import Dispatch, DispatchAction, ItemState
from gateway.problems import Problem, ProblemCode
from tests.dispatch.asking import NOW
from tests.gateway.dispatches.ledgers import FUTURE, NOBODY, Ledger
from tests.gateway.postroom import COMMAND, environment, started


def read_until(descriptor: int, marker: str) -> str:
    """What a terminal shows up to a word."""
    seen = b""
    while marker.encode() not in seen:
        seen += os.read(descriptor, 65536)
    return seen.decode(errors="replace")


def test_a_terminal_shows_a_bar(ledger: Ledger, tmp_path: Path) -> None:
    dispatch = ledger.begin("a", "b")
    ours, theirs = pty.openpty()
    command = [*COMMAND, "dispatches", "watch", dispatch.id]
    variables = environment({"TERM": "xterm-256color", "COLUMNS": "120"})
    with subprocess.Popen(command, cwd=tmp_path, env=variables, stdin=theirs, stdout=theirs, stderr=theirs) as process:  # noqa: S603
        os.close(theirs)
        begun = read_until(ours, "0/2")
        problem = Problem(code=ProblemCode.UNAVAILABLE, message="Down.")
        ledger.do(lambda opened: opened.pause(dispatch.id, problem))
        read_until(ours, "Paused: UNAVAILABLE: Down.")
        ledger.settle(dispatch, ItemState.ACCEPTED, ItemState.FAILED)
        rest = read_until(ours, "COMPLETED_WITH_FAILURES: 2 of 2 settled")
    os.close(ours)
    assert (process.returncode, "━" in begun, "2/2" in rest, "1 accepted, 1 failed" in rest) == (1, True, True, True)
    assert rest.rindex("\x1b[?25h") > rest.rindex("━")  # the cursor is back


def test_elsewhere_progress_is_lines_without_control_characters(ledger: Ledger, tmp_path: Path) -> None:
    dispatch = ledger.begin("a", "b")
    ledger.do(lambda opened: opened.beat("east", now=utc_now() + FUTURE))
    with started("dispatches", "watch", dispatch.id, folder=tmp_path) as (process, output):
        first = output.readline()
        ledger.settle(dispatch, ItemState.ACCEPTED, ItemState.ACCEPTED)
        rest = output.read()
        assert process.wait() == 0
    assert (first, rest.splitlines()) == (
        "QUEUED: 0 of 2 settled: 2 queued\n",
        [
            "SUCCEEDED: 2 of 2 settled: 2 accepted",
            f"{dispatch.id[:12]} is SUCCEEDED: 2 of 2 settled: 2 accepted.",
        ],
    )


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_to_stop_watching_stops_nothing_else(ledger: Ledger, tmp_path: Path, signal_number: int) -> None:
    dispatch = ledger.begin("a")
    with started("dispatches", "watch", dispatch.id, folder=tmp_path) as (process, output):
        assert output.readline() == f"{NOBODY}\n"
        assert output.readline() == "QUEUED: 0 of 1 settled: 1 queued\n"
        process.send_signal(signal_number)
        assert (output.read(), process.wait()) == ("No longer watched; it goes on.\n", 130)
    assert ledger.states(dispatch) == ["QUEUED"]


def test_while_a_gateway_is_alive_nothing_is_sent_from_here(ledger: Ledger, emulator: Sandbox, tmp_path: Path) -> None:
    dispatch = ledger.begin("10001")
    ledger.settle(dispatch, ItemState.FAILED)
    ledger.do(lambda opened: opened.beat("east", now=utc_now() + FUTURE))
    with started("dispatches", "retry", dispatch.id, "--wait", folder=tmp_path) as (process, output):
        assert output.readline() == "QUEUED 0 → 1, FAILED 1 → 0.\n"
        assert output.readline() == "QUEUED: 0 of 1 settled: 1 queued\n"
        process.send_signal(signal.SIGINT)
        assert (output.read(), process.wait()) == ("No longer watched; it goes on.\n", 130)
    assert (ledger.states(dispatch), len(emulator.state.outbox)) == (["QUEUED"], 0)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_work_is_settled_as_far_as_it_was_begun(
    ledger: Ledger, emulator: Sandbox, tmp_path: Path, signal_number: int
) -> None:
    emulator.state.faults.append(Fault(kind="latency", route="* *customerstatements*", seconds=2, times=None))
    dispatch = ledger.begin(*(str(number) for number in range(20000, 20400)))
    with started("dispatches", "retry", dispatch.id, "--wait", folder=tmp_path) as (process, output):
        while "sending" not in (line := output.readline()):
            assert line
        process.send_signal(signal_number)
        rest = output.read()
        assert process.wait() == 130
    states = ledger.states(dispatch)
    assert rest == "Interrupted: what is being sent is waited for and settled, the rest stays QUEUED.\n"
    assert ("SENDING" in states, "UNKNOWN" in states, "QUEUED" in states) == (False, False, True)


def test_while_only_counts_change_a_line_is_written_now_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    dispatch = Dispatch(
        number=1,
        id="a" * 32,
        action=DispatchAction.EMAIL,
        backends=frozenset(("books",)),
        requested_by="alice",
        requested_at=NOW,
        counts={},
        asked={},
    )
    for accepted in range(3):
        for now in (accepted * LINE_SECONDS, accepted * LINE_SECONDS + 1):  # noqa: B007 - the clock reads it
            counts = {ItemState.SENDING: 9 - accepted, ItemState.ACCEPTED: accepted}
            lines.show(standing_of(replace(dispatch, counts=counts)))
    assert capsys.readouterr().out.splitlines() == [
        "RUNNING: 0 of 9 settled: 9 sending",
        "RUNNING: 1 of 9 settled: 8 sending, 1 accepted",
        "RUNNING: 2 of 9 settled: 7 sending, 2 accepted",
    ]
