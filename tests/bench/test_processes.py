"""A process of the benchmark ends with its turn, whether it listens or not."""

import sys
from pathlib import Path

import pytest

from bench import processes
from bench.processes import LOAD_CORE, started

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


def test_a_process_that_does_not_hear_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    with started(LOAD_CORE, [sys.executable, "-c", DEAF]) as process:
        assert process.line() == "ready"

    assert not Path(f"/proc/{process.pid}").exists()
