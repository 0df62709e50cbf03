"""Who is measured, and how each is started: Postroom with everything on, and the others over the same REST."""

import contextlib
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench import workloads
from bench.processes import GATEWAY_CORE, START_SECONDS, Process, python, started
from bench.standin import TOKEN

__all__ = ["ALL", "HAND_WRITTEN", "LONG_POSTROOM", "POSTROOM", "Contender", "Running", "left_out", "settings"]

NPM = Path(__file__).parent / "npm"
HOT_SECONDS = 60
"""How long answers are kept of those backends whose answers are."""


class Contender(Struct, frozen=True):
    """One way to answer the workloads. ``command`` says how, given a folder, a port and the backends' URLs."""

    name: str
    title: str
    command: Callable[[Path, int, Mapping[str, str]], list[str]]
    path: str = "/graphql"
    npm: str | None = None


class Running(Struct, frozen=True):
    """A contender that listens."""

    contender: Contender
    process: Process
    port: int

    @classmethod
    @contextlib.contextmanager
    def of(cls, contender: Contender, urls: Mapping[str, str]) -> Iterator["Running"]:
        """Starts it, and waits until it listens."""
        port = _free_port()
        with tempfile.TemporaryDirectory() as folder:
            command = contender.command(Path(folder), port, urls)
            with started(GATEWAY_CORE, command, {"BENCH_BACKENDS": json.dumps(urls), "BENCH_TOKEN": TOKEN}) as process:
                _wait_for(port)
                yield cls(contender, process, port)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(START_SECONDS * 10):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


_SETTINGS = """
[server]
port = {port}
leave_seconds = 0

[ledger]
url = "sqlite:///{folder}/ledger.sqlite3"

[lists]
max_page = {max_page}
"""


def settings(folder: Path, port: int, backends: Iterable[Mapping[str, Any]], *, max_page: int = 500) -> Path:
    """Writes Postroom's configuration over these backends; all else is as it is if nothing is said."""
    parts = [_SETTINGS.format(port=port, folder=folder, max_page=max_page)]
    for backend in backends:
        parts += ["\n[[backends]]\n", *(f"{name} = {_toml(value)}\n" for name, value in backend.items())]
    config = folder / "postroom.toml"
    config.write_text("".join(parts), encoding="utf-8")
    return config


def _toml(value: str | int | Mapping[str, Any]) -> str:
    if isinstance(value, str | int):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"


def _postroom(folder: Path, port: int, urls: Mapping[str, str], *, max_page: int = 500) -> list[str]:
    backends = [
        {
            "key": key,
            "vendor": "billing_platform" if key in workloads.BILLING else "smallinvoice",
            "base_url": url,
            "credentials": {"token": TOKEN},
            "cache_seconds": {"*": HOT_SECONDS} if key in workloads.HOT else {},
        }
        for key, url in urls.items()
    ]
    return python("gateway", "serve", "--config", str(settings(folder, port, backends, max_page=max_page)))


def _long_postroom(folder: Path, port: int, urls: Mapping[str, str]) -> list[str]:
    return _postroom(folder, port, urls, max_page=5000)


def _module(module: str) -> Callable[[Path, int, Mapping[str, str]], list[str]]:
    return lambda _folder, port, _urls: python(module, str(port))


def _script(script: str, *options: str) -> Callable[[Path, int, Mapping[str, str]], list[str]]:
    return lambda _folder, port, _urls: ["node", str(NPM / script), str(port), *options]


POSTROOM = Contender("postroom", "Postroom", _postroom)
LONG_POSTROOM = Contender("postroom", "Postroom", _long_postroom)
HAND_WRITTEN = Contender("hand-written", "hand-written handler, no GraphQL", _module("bench.handwritten"))
ALL = (
    POSTROOM,
    HAND_WRITTEN,
    Contender("apollo", "Apollo Server + DataLoader", _script("apollo.js"), npm="@apollo/server", path="/"),
    Contender("yoga", "GraphQL Yoga + DataLoader", _script("yoga.js"), npm="graphql-yoga"),
    Contender("yoga-jit", "GraphQL Yoga + graphql-jit", _script("yoga.js", "jit"), npm="@envelop/graphql-jit"),
    Contender("ordinary", "strawberry, the ordinary way", _module("bench.ordinary")),
)


def left_out(contender: Contender) -> str | None:
    """Why a contender cannot be measured here, if it cannot."""
    if contender.npm is None:
        return None
    if shutil.which("node") is None:
        return "there is no node here"
    if not (NPM / "node_modules" / contender.npm / "package.json").exists():
        return f"{contender.npm} is not installed (make bench installs it where there is npm)"
    return None
