"""JavaScript tools that the endpoint is tested with: clients, composers and audits of other makers, out of `npm/`.

Whether missing tools skip a test or fail it is decided as for the browser: on a person's machine it skips, under CI it
fails.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NPM", "answer_of", "run_script"]

NPM = Path(__file__).parent / "npm"
"""Where the scripts and their packages are."""

SECONDS = 120
"""The longest that a script may take, on a busy machine."""


def run_script(script: str, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs a script of `npm/` to its end, whatever its exit code. Where it cannot be run the test is skipped.

    ``given`` is its standard input.
    """
    node = shutil.which("node")
    if node is None or not (NPM / "node_modules" / "installed").exists():
        reason = "node and the packages of tests/npm are not installed (`make test` installs them where there is npm)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI never skips the tests with them")
        pytest.skip(reason)
    return subprocess.run(  # noqa: S603 - our own scripts
        [node, str(NPM / script), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=NPM,
    )


def answer_of(script: str, *arguments: str, given: Any = None) -> Any:
    """What a script prints, as JSON; ``given`` is its standard input, as JSON. One that fails fails the test."""
    done = run_script(script, *arguments, given="" if given is None else json.dumps(given))
    assert done.returncode == 0, f"{script} failed:\n{done.stderr}\n{done.stdout}"
    return json.loads(done.stdout)
