"""Runs the command: in a process of its own, as its users do, or in this one, which is quicker."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import structlog

from tests.patience import PATIENCE

__all__ = ["COMMAND", "environment", "interrupted", "logs_restored", "run", "started"]

COMMAND = (sys.executable, "-m", "gateway")
ROOT = Path(__file__).parents[2]


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of a command which is told nothing by the environment but ``added``."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("POSTROOM_")}
    return {**ours, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **(added or {})}


def run(
    *arguments: object, folder: Path, environ: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextlib.contextmanager
def started(*arguments: object, folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A command that runs until it is told to stop, and what it prints."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            if process.poll() is None:
                process.kill()


def interrupted(process: subprocess.Popen[str], signal_number: int) -> tuple[int, str]:
    """The exit code and standard error of a process that is told to stop."""
    process.send_signal(signal_number)
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


@contextlib.contextmanager
def logs_restored() -> Iterator[None]:
    """Leaves logging as it was, whatever a command in this process makes of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
