"""What the figures were measured on, and with which versions."""

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

from msgspec import Struct

from bench.contenders import ALL, Package

__all__ = ["Machine"]

_PYTHON = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "httptools", "httpx", "msgspec")


class Machine(Struct, frozen=True, kw_only=True):
    """A machine as a stranger would describe it, and the versions of what ran on it."""

    processor: str
    cores: int
    system: str
    python: str
    node: str | None
    versions: dict[str, str]

    @classmethod
    def this(cls) -> Self:
        """The one that this runs on."""
        return cls(
            processor=_processor(),
            cores=os.cpu_count() or 1,
            system=_system(),
            python=_python(),
            node=_node(),
            versions={name: importlib.metadata.version(name) for name in _PYTHON} | _npm_versions(),
        )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()


def _python() -> str:
    """Builds of one version differ in speed by a third: whether it is the system's own tells which it was."""
    version = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{version} as the system has it" if sys.base_prefix == "/usr" else version


def _node() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - its version


def _npm_versions() -> dict[str, str]:
    """Those that are installed, of the packages that we name."""
    found = {}
    for folder in sorted({one.npm.folder for one in ALL if one.npm is not None}):
        for name in json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]:
            manifest = Package(name, folder).manifest
            if manifest.exists():
                found[name] = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return found
