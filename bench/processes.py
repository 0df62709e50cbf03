"""Processes of the benchmark: each on the core that it is given, and what each costs, read from ``/proc``."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

__all__ = ["GATEWAY_CORE", "LOAD_CORE", "ROOT", "Cost", "Process", "pinned", "python", "settled", "started"]

ROOT = Path(__file__).parents[1]

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
GATEWAY_CORE, LOAD_CORE = _CORES[0], _CORES[-1]
"""What is measured has a core of its own; the load and what stands in for the vendors share the other."""

START_SECONDS = 60
STOP_SECONDS = 20
"""Long enough for a gateway that lets its requests end."""
TOLD_CHARACTERS = 2000
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Cost(Struct, frozen=True):
    """Seconds of processor time so far, and bytes of memory now."""

    seconds: float
    memory: int


class Process:
    """A process that was started, and its children."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    def line(self) -> str:
        """The next line that it prints. Raises RuntimeError when it ends, or takes too long."""
        assert self._child.stdout is not None  # noqa: S101 - a pipe
        with selectors.DefaultSelector() as ready:
            ready.register(self._child.stdout, selectors.EVENT_READ)
            line = self._child.stdout.readline() if ready.select(START_SECONDS) else b""
        if not line:
            raise RuntimeError(f"{self._child.args!r} did not start")
        return line.decode().strip()

    def cost(self) -> Cost:
        """What it and its children have cost."""
        seconds, memory = 0.0, 0
        for pid in _tree(self.pid):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            seconds += (int(stat[11]) + int(stat[12])) / _TICK
            memory += int(stat[21]) * _PAGE
        return Cost(seconds, memory)

    def forget_peak(self) -> None:
        """Lets `peak` begin anew, at what is used now."""
        for pid in _tree(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def peak(self) -> int:
        """The most bytes of memory since the peak was forgotten."""
        peaks = 0
        for pid in _tree(self.pid):
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            peaks += int(status.partition("VmHWM:")[2].split()[0]) * 1024
        return peaks


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command on one core."""
    return ["taskset", "--cpu-list", str(core), *command]


@contextlib.contextmanager
def started(core: int, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A process on one core, whose output can be read; ended at last. What it complained of is told if all fails."""
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(  # noqa: S603 - our own
            pinned(core, command),
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        try:
            yield Process(child)
        except Exception as error:
            complaints.seek(0)
            if told := complaints.read().decode(errors="replace")[-TOLD_CHARACTERS:]:
                error.add_note(f"{command} wrote: {told}")
            raise
        finally:
            _end(child)
            if child.stdout is not None:
                child.stdout.close()


def _end(child: "subprocess.Popen[bytes]") -> None:
    """By SIGTERM, and by SIGKILL where that is not heard: a run of half an hour does not wait for one contender."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _tree(pid: int) -> list[int]:
    """A process and all that it has begun."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for listed in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (listed / "children").read_text(encoding="ascii").split())
    return found


def settled(process: Process, seconds: float = 0.5) -> Cost:
    """What it costs once it has come to rest after its start."""
    before = process.cost()
    while True:
        time.sleep(seconds)
        after = process.cost()
        if after.seconds - before.seconds < 2 / _TICK:
            return after
        before = after
